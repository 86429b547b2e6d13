"""The four processes of an Airflow as it runs in production: API server, scheduler, DAG processor and triggerer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.kit import free_port, wait_for
from tests.kit.airflow import DAGS, TEST_DAGS, call, command, settings
from tests.kit.broker import Broker
from tests.kit.postgres import Postgres
from tests.kit.process import Process
from tests.kit.rest import Rest, path
from tests.kit.run import Run

# What the API's health calls them.
HEALTH = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}
# Logs are read from the folder that all of them share.
COMMANDS = {
    "api-server": ["api-server", "--workers", "1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}


class Station:
    """Airflow over a PostgreSQL of its own. All DAGs are paused until a test needs them."""

    def __init__(self, broker: Broker, more: Mapping[str, str]) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="millrace-airflow-station-"))
        self._processes: dict[str, Process] = {}
        port = free_port()
        self.rest = Rest(port)
        self._database = Postgres()
        self.environment = (
            settings(self.home, self._database.url(), broker)
            | {
                "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
                "AIRFLOW__CORE__PARALLELISM": "8",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.rest.url}/execution/",
                "AIRFLOW__API__BASE_URL": self.rest.url,
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(port),
                # As README.md tells people to set it.
                "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
                # A triggerer that was killed is known to be gone after so long.
                "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
                "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
            }
            | dict(more)
        )
        try:
            self.call("db", "migrate")
            for name in COMMANDS:
                self._begin(name, {})
            self._wait_until_up(*HEALTH)
            wanted = {file.stem for folder in (DAGS, TEST_DAGS) for file in folder.glob("*.py")}
            wait_for("DAGs", lambda: wanted <= self._dags(), 90)
        except BaseException:
            self.close()
            raise

    def _begin(self, name: str, changed: Mapping[str, str]) -> None:
        process = Process(
            command(*COMMANDS[name]), self.environment | dict(changed), self.home, self.home / f"{name}.log"
        )
        self._processes[name] = process
        process.start()

    def kill(self, name: str) -> None:
        """Ends one of the four, and what it started, as a crash does."""
        self._processes[name].kill()

    def start(self, name: str, **changed: str) -> None:
        """Starts one that is down, with variables of its own, and waits until it works."""
        self._begin(name, changed)
        self._wait_until_up(name)

    def pid(self, name: str) -> int:
        """The process id of one of the four."""
        return self._processes[name].pid

    def log(self, name: str) -> str:
        """What one of the four wrote."""
        return self._processes[name].log()

    def _wait_until_up(self, *names: str) -> None:
        begun = datetime.now(UTC)
        for name in names:
            wait_for(name, lambda name=name: self._beats(name, begun), 90)  # type: ignore[misc]

    def _beats(self, name: str, since: datetime) -> bool:
        """A heart that beat before a crash is believed for a while: only a newer beat counts."""
        for process in self._processes.values():
            process.check()
        try:
            health = self.rest.get("monitor/health").get(HEALTH.get(name))
        except OSError:
            return False
        if health is None:
            # The API server itself, which has answered.
            return True
        beat = health[f"latest_{HEALTH[name]}_heartbeat"]
        return beat is not None and datetime.fromisoformat(beat) > since

    def _dags(self) -> set[str]:
        errors = self.rest.get("importErrors")["import_errors"]
        assert errors == [], errors
        return {dag["dag_id"] for dag in self.rest.get("dags", limit=100, exclude_stale="true")["dags"]}

    def call(self, *arguments: str) -> str:
        """Airflow's command line; what it printed."""
        return call(self.home, self.environment, *arguments)

    def pause(self, dag_id: str, paused: bool = True) -> None:
        """Pauses a DAG, or lets it run."""
        self.rest.patch(path("dags", dag_id), {"is_paused": paused})

    def trigger(self, dag_id: str, **conf: Any) -> Run:
        """Begins a run with these values of its form."""
        self.pause(dag_id, False)
        told = self.rest.post(path("dags", dag_id, "dagRuns"), {"logical_date": None, "conf": conf})
        return Run(self.rest, dag_id, told["dag_run_id"])

    def runs(self, dag_id: str) -> list[Run]:
        """All runs of a DAG, in the order of their logical dates."""
        told = self.rest.get(path("dags", dag_id, "dagRuns"), order_by="logical_date", limit=100)["dag_runs"]
        return [Run(self.rest, dag_id, run["dag_run_id"]) for run in told]

    def slots(self, pool: str = "default_pool") -> dict[str, int]:
        """How many slots of a pool are `running`, `queued`, `deferred` and so on."""
        told = self.rest.get(path("pools", pool))
        return {name.removesuffix("_slots"): slots for name, slots in told.items() if name.endswith("_slots")}

    def close(self) -> None:
        """Ends all, and removes what it wrote."""
        for process in self._processes.values():
            process.kill()
        self._database.close()
        shutil.rmtree(self.home, ignore_errors=True)
