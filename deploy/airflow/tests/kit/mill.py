"""Real workers over a warehouse and a raw folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit import REPOSITORY, wait_for
from tests.kit.broker import Broker

SAMPLE = ("materials.csv", "production_orders.csv", "batches.csv")


def binary() -> Path:
    """`MILLRACE_BIN`, or what `cargo build` makes."""
    named = os.environ.get("MILLRACE_BIN")
    path = Path(named) if named else REPOSITORY / "target/debug/millrace"
    assert path.exists(), "millrace is not built: run `cargo build --package millrace`, or set MILLRACE_BIN to it"
    return path


class Mill:
    """Folders, a DuckDB file, and the processes of one role each."""

    def __init__(self, broker: Broker, more: Mapping[str, str] | None = None, sources: Path | None = None) -> None:
        """`more` are variables for the workers beside their settings, `sources` has contracts beside those that ship."""
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-airflow-mill-"))
        self.raw = self.folder / "raw"
        self.raw.mkdir()
        self.contracts = self.folder / "contracts"
        for folder in (REPOSITORY / "data/sources", *([sources] if sources else [])):
            shutil.copytree(folder, self.contracts, dirs_exist_ok=True)
        self.log = self.folder / "log"
        self._broker = broker
        self._more = more or {}
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        python = REPOSITORY / ".venv/bin/python"
        assert python.exists(), "dbt is not installed: run `make dbt`"

    def _environment(self, role: str) -> dict[str, str]:
        left_out = ("MILLRACE_", "OTEL_", "TRACE", "AIRFLOW", "FAILPOINTS")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        settings = {
            "PATHS__RAW": self.raw,
            "PATHS__CONTRACTS": self.contracts,
            "BUS__URL": self._broker.url(role),
            "WAREHOUSE__URL": f"duckdb:{self.folder / 'warehouse.duckdb'}",
            "RETRY__FIRST_DELAY_MILLIS": 100,
            "TRANSFORM__PROJECT": REPOSITORY / "workers/transform/dbt",
            "TRANSFORM__SIDECAR": REPOSITORY / "workers/transform/sidecar/millrace_dbt.py",
            "TRANSFORM__PYTHON": REPOSITORY / ".venv/bin/python",
            "TRANSFORM__TARGET": self.folder / "dbt",
            "HTTP__LISTEN": "off",
        }
        return environment | {f"MILLRACE_{name}": str(value) for name, value in settings.items()} | dict(self._more)

    def start(self, *roles: str, **settings: object) -> None:
        """Starts these roles, with settings of their own, and waits until each has said that it is ready."""
        before = self._ready()
        for role in roles:
            with self.log.open("ab") as log:
                self._workers[role] = subprocess.Popen(
                    [str(binary()), role],
                    cwd=self.folder,
                    env=self._environment(role) | {f"MILLRACE_{name}": str(to) for name, to in settings.items()},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
        wait_for(f"{', '.join(roles)} that are ready", lambda: self._ready() >= before + len(roles))

    def _ready(self) -> int:
        return self.log.read_text().count('"ready"') if self.log.exists() else 0

    def stop(self, *roles: str) -> None:
        """Ends these roles in order; all of them where none is named."""
        for role in roles or tuple(self._workers):
            worker = self._workers.pop(role)
            worker.terminate()
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait(10)

    def kill(self, role: str) -> None:
        """Ends one as a crash does."""
        worker = self._workers.pop(role)
        worker.kill()
        worker.wait(10)

    @contextmanager
    def without(self, *roles: str) -> Iterator[None]:
        """Meanwhile nobody works for these roles."""
        self.stop(*roles)
        try:
            yield
        finally:
            self.start(*roles)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile somebody else has the warehouse, for which every worker waits."""
        hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
        holder = None
        try:
            for _ in range(100):
                holder = subprocess.Popen(
                    [str(REPOSITORY / ".venv/bin/python"), "-c", hold, str(self.folder / "warehouse.duckdb")],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                assert holder.stdout is not None
                if holder.stdout.readline():
                    break
                # A worker had it, for as long as it takes to do its work.
                holder.wait(10)
            else:
                raise AssertionError("the warehouse was never free")
            yield
        finally:
            if holder is not None:
                holder.kill()
                holder.communicate()

    def close(self) -> None:
        """Ends all, and removes what it wrote."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_sample(self) -> None:
        """Lays the sample that ships into the raw folder."""
        for name in SAMPLE:
            self.drop(name, (REPOSITORY / "data/raw/source_system" / name).read_text())

    def drop(self, name: str, content: str) -> None:
        """Lays a file into the raw folder."""
        (self.raw / "source_system").mkdir(exist_ok=True)
        (self.raw / "source_system" / name).write_text(content)

    def json(self, *arguments: str) -> Any:
        """What a tool for people prints for programs."""
        ended = subprocess.run(
            [str(binary()), "--json", *arguments],
            cwd=self.folder,
            env=self._environment("operator"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)

    def stages(self, load_id: str) -> list[str]:
        """What was done for a load, once for each time that it was done, in its order."""
        rows = self.query(
            f"SELECT STAGE FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{load_id}' AND STATUS = 'SUCCESS' ORDER BY FINISHED_AT"
        )
        return [stage for (stage,) in rows]

    def files(self, load_id: str) -> list[str]:
        """The files that were loaded for a load, each as often as its audit has a line that says so."""
        rows = self.query(
            f"SELECT SOURCE_FILE FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '{load_id}' AND STATUS = 'SUCCESS'"
        )
        return sorted(Path(file).name for (file,) in rows)

    def query(self, sql: str) -> list[list[str]]:
        """Rows of the warehouse, as text."""
        return [[str(value) for value in row.values()] for row in self.json("query", sql)]
