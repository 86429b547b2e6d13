"""An emulator for the tests of this folder, and a client of it."""

import atexit
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "right"


class Server:
    """A process of its own, ended with this one."""

    def __init__(self, *options: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-emulator-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        command = [sys.executable, "-m", "emulator", "--port", str(self.port), "--folder", self.folder.name]
        self.process = subprocess.Popen(
            [*command, "--password", PASSWORD, *options],
            cwd=os.path.dirname(HERE),
            env={**os.environ, "TMPDIR": self.folder.name},
            stdout=self.log,
            stderr=self.log,
        )
        atexit.register(self.end)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/emulator/ready")
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.written()
                time.sleep(0.05)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def written(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def get(self, path: str, headers: dict | None = None, method: str = "GET") -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers or {}, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def post(self, path: str, body, headers: dict | None = None):
        """The answer, as JSON if it is."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers or {})
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
            return json.loads(text) if response.headers.get("content-type", "").startswith("application/json") else text

    def fault(self, **fault) -> None:
        self.post("/emulator/faults", fault)

    def counts(self) -> dict:
        return json.loads(self.get("/emulator/counts"))


_shared: list[Server] = []


def shared() -> Server:
    if not _shared:
        _shared.append(Server())
    return _shared[0]


class Refused(Exception):
    def __init__(self, answer: dict):
        super().__init__(f"{answer['code']}: {answer['message']}")
        self.code, self.answer = answer["code"], answer


class Session:
    """One login; statements come back as lists of rows."""

    def __init__(self, server: Server, database: str, parameters: dict | None = None, **query: str):
        self.server = server
        answer = login(server, {"SESSION_PARAMETERS": parameters or {}}, databaseName=database, **query)
        if not answer["success"]:
            raise Refused(answer)
        self.login = answer["data"]
        self.token, self.master = self.login["token"], self.login["masterToken"]

    def headers(self, accept: str = "application/json") -> dict:
        return {"Authorization": f'Snowflake Token="{self.token}"', "Accept": accept}

    def ask(self, sql: str, request_id: str | None = None, **more) -> dict:
        """The whole answer."""
        path = f"/queries/v1/query-request?requestId={request_id or uuid.uuid4()}"
        return self.server.post(path, {"sqlText": sql, **more}, self.headers())

    def answer(self, sql: str, **more) -> dict:
        answer = self.ask(sql, **more)
        if not answer["success"]:
            raise Refused(answer)
        return answer["data"]

    def query(self, sql: str) -> list:
        return self.answer(sql)["rowset"]

    def value(self, sql: str):
        return self.query(sql)[0][0]

    def chunk(self, chunk: dict, headers: dict) -> list:
        body = self.server.get(urllib.parse.urlsplit(chunk["url"]).path + "?" + urllib.parse.urlsplit(chunk["url"]).query, headers)
        return json.loads(b"[" + gzip.decompress(body) + b"]")

    def close(self) -> None:
        self.server.post("/session?delete=true", None, self.headers())


def login(server: Server, data: dict, **query: str) -> dict:
    asked = {"LOGIN_NAME": "millrace", "PASSWORD": PASSWORD, "ACCOUNT_NAME": "TESTACCOUNT", **data}
    return server.post(f"/session/v1/login-request?{urllib.parse.urlencode(query)}", {"data": asked})


def fresh_database() -> str:
    return f"T_{uuid.uuid4().hex[:12]}".upper()
