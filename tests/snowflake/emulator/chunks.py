"""The rows of large results, fetched from elsewhere than the answer."""

import gzip
import json
import secrets

from starlette.responses import Response

from . import faults

# How many results are kept.
RESULTS = 50


class Chunks:
    def __init__(self, settings):
        self.settings = settings
        self.kept: dict[str, tuple[str, list[bytes]]] = {}

    def split(self, rows: list, host: str) -> tuple[list, dict]:
        """The rows that come in the answer, and what the answer says of the others."""
        first, rest = rows[: self.settings.inline_rows], rows[self.settings.inline_rows :]
        if not rest:
            return rows, {}
        id, key = secrets.token_hex(16), secrets.token_urlsafe(32)
        described, bodies = [], []
        for at in range(0, len(rest), self.settings.chunk_rows):
            part = rest[at : at + self.settings.chunk_rows]
            # Rows one after the other, without the brackets that would make them a list.
            plain = ",".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in part).encode()
            packed = gzip.compress(plain, compresslevel=1)
            described.append(
                {
                    "url": f"http://{host}/results/{id}/main/data_{at}?number={len(bodies)}",
                    "rowCount": len(part),
                    "uncompressedSize": len(plain),
                    "compressedSize": len(packed),
                }
            )
            bodies.append(packed)
        self.kept[id] = (key, bodies)
        while len(self.kept) > RESULTS:
            del self.kept[next(iter(self.kept))]
        return first, {"chunks": described, "qrmk": key, "chunkHeaders": _headers(key)}


def _headers(key: str) -> dict[str, str]:
    return {
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-server-side-encryption-customer-key": key,
    }


async def fetch(state, request):
    async def work():
        key, bodies = state.chunks.kept.get(request.path_params["id"], (None, []))
        if key is None or any(request.headers.get(name) != value for name, value in _headers(key).items()):
            return Response("<Error><Code>AccessDenied</Code></Error>", status_code=403, media_type="application/xml")
        state.journal.count("chunks")
        body = bodies[int(request.query_params["number"])]
        return Response(body, headers={"content-encoding": "gzip"}, media_type="binary/octet-stream")

    return await faults.strike(state.faults.take("chunk", request.url.path), request, work)
