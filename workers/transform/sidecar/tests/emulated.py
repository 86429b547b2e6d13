"""The emulator of Snowflake, with the same sources as the DuckDB file of warehouse.py."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from warehouse import COLUMNS, LINEAGE, TRANSFORM

ROOT = TRANSFORM.parents[1]
PYTHON = ROOT / ".venv-emulator" / "bin" / "python"

MISSING = None if PYTHON.exists() else "the emulator of Snowflake is not installed: run `make emulator`"
if MISSING:
    print(f"SKIPPED, all that builds on Snowflake: {MISSING}", file=sys.stderr)


class Emulator:
    """A process of its own, with an empty account; `deliver` replaces what one source shows."""

    DATABASE = "MILL"

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.password = f"p{secrets.token_hex(16)}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        where = ["--port", str(self.port), "--folder", str(self.folder / "emulator")]
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [PYTHON, "-m", "emulator", *where, "--password", self.password, *options],
            cwd=ROOT / "tests" / "snowflake",
            env={**os.environ, "TMPDIR": str(self.folder)},
            stdout=self.log,
            stderr=self.log,
        )
        self._wait()
        self.environment = {
            "MILLRACE_DBT_TARGET": "snowflake",
            "SNOWFLAKE_ACCOUNT": "TESTACCOUNT",
            "SNOWFLAKE_USER": "MILLRACE",
            "SNOWFLAKE_PASSWORD": self.password,
            "SNOWFLAKE_ROLE": "MILLRACE_LOADER",
            "SNOWFLAKE_WAREHOUSE": "MILLRACE_WH",
            "SNOWFLAKE_DATABASE": self.DATABASE,
            "SNOWFLAKE_HOST": "127.0.0.1",
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_PROTOCOL": "http",
        }
        self.query("create schema if not exists RAW")
        self.query("create schema if not exists RAW_RUN")
        for table, columns in COLUMNS.items():
            typed = ", ".join(f"{column} varchar" for column in columns.split())
            self.query(f"create table RAW_RUN.{table}_RUN ({typed}, {LINEAGE})")
            self.query(f"create view RAW.{table} as select * from RAW_RUN.{table}_RUN")

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/emulator/ready", timeout=5).close()
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.log.flush()
                    raise AssertionError((self.folder / "log").read_text()) from error
                time.sleep(0.05)

    def deliver(self, table: str, load_id: str, *rows: dict[str, str]) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"delete from RAW_RUN.{table}_RUN")
            values = [
                [*(row.get(column) for column in COLUMNS[table].split()), load_id, f"{table.lower()}.csv", number, "2026-11-23 12:00:00"]
                for number, row in enumerate(rows, 1)
            ]
            if values:
                cursor.executemany(f"insert into RAW_RUN.{table}_RUN values ({', '.join(['%s'] * len(values[0]))})", values)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection, connection.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def connect(self) -> Any:
        import snowflake.connector

        said = {name.removeprefix("SNOWFLAKE_").lower(): value for name, value in self.environment.items() if "SNOW" in name}
        return snowflake.connector.connect(**{**said, "port": self.port}, platform_detection_timeout_seconds=0.0)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
