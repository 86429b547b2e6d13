"""Airflow's REST API, as its user."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode


def path(*parts: str) -> str:
    """A path below `/api/v2` of these parts, whatever characters they have."""
    return "/".join(quote(part, safe="") for part in parts)


class Rest:
    """One API server, which takes everybody for an administrator."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._token = ""

    def get(self, where: str, **query: Any) -> Any:
        """Reads."""
        return self.call("GET", where + (f"?{urlencode(query, doseq=True)}" if query else ""))

    def post(self, where: str, body: Any) -> Any:
        """Makes something, or does it."""
        return self.call("POST", where, body)

    def patch(self, where: str, body: Any) -> Any:
        """Changes something."""
        return self.call("PATCH", where, body)

    def call(self, method: str, where: str, body: Any = None) -> Any:
        """Asks; a refusal fails with its words."""
        if not self._token:
            self._token = self._send("GET", "/auth/token", None)["access_token"]
        return self._send(method, f"/api/v2/{where}", body)

    def _send(self, method: str, where: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{where}", data=data, method=method)  # noqa: S310
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise AssertionError(f"{method} {where} {body}: {error.code} {text[:2000]}") from error
