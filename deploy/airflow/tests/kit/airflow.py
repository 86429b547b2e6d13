"""Airflow with a metadata database of its own (SQLite), running one DAG at a time by `airflow dags test`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import AIRFLOW
from tests.kit.broker import Broker

DAGS = AIRFLOW / "dags"
TEST_DAGS = AIRFLOW / "tests/dags"


def settings(home: Path, database_url: str, broker: Broker) -> dict[str, str]:
    """The environment of every process of an Airflow, and nobody else's settings."""
    bundles = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path), "refresh_interval": 3600},
        }
        for name, path in (("millrace", DAGS), ("tests", TEST_DAGS))
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "OTEL_", "MILLRACE_"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
        "AIRFLOW__MILLRACE__TRACE_URL": "http://traces.example/trace/{trace_id}",
        "AIRFLOW_CONN_RABBITMQ_DEFAULT": broker.url("airflow"),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


@dataclass
class Ended:
    """How a run ended."""

    code: int
    log: str
    secs: float


def command(*arguments: str) -> list[str]:
    """Airflow's command line."""
    return [sys.executable, "-m", "airflow", *arguments]


def call(home: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """Runs Airflow's command line to its end; what it printed."""
    ended = subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Running:
    """A run that goes on."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process, self._log, self._begun = process, log, time.monotonic()

    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text()

    def end(self, timeout_secs: float = 240) -> Ended:
        """Waits for the end."""
        try:
            code = self._process.wait(timeout_secs)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
            raise AssertionError(f"the run did not end; its log:\n{self.log()[-6000:]}") from None
        return Ended(code, self.log(), time.monotonic() - self._begun)


class Airflow:
    """An installation that knows the DAGs that ship and those of the tests."""

    def __init__(self, broker: Broker) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="millrace-airflow-home-"))
        self._runs = 0
        self.environment = settings(self.home, f"sqlite:///{self.home}/airflow.db", broker)
        self._call("db", "migrate")

    def close(self) -> None:
        """Removes what it wrote."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _call(self, *arguments: str) -> str:
        return call(self.home, self.environment, *arguments)

    def begin(self, dag_id: str, **conf: Any) -> Running:
        """Begins a run with these values of its form."""
        self._runs += 1
        log = self.home / f"run{self._runs}.log"
        bundle = "millrace" if (DAGS / f"{dag_id}.py").exists() else "tests"
        test = command("dags", "test", dag_id, "--bundle-name", bundle)
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*test, "--conf", json.dumps(conf)],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return Running(process, log)

    def run(self, dag_id: str, **conf: Any) -> Ended:
        """Runs a DAG to its end."""
        return self.begin(dag_id, **conf).end()
