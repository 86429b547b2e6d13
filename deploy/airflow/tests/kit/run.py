"""One run of a DAG, driven and looked at as a person does it, through the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.kit import wait_for
from tests.kit.rest import Rest, path

ENDS = ("success", "failed")


class Run:
    """A run that exists."""

    def __init__(self, rest: Rest, dag_id: str, run_id: str) -> None:
        self.rest, self.dag_id, self.run_id = rest, dag_id, run_id
        self._at = path("dags", dag_id, "dagRuns", run_id)

    @property
    def load_id(self) -> str:
        """What the mill calls it."""
        return f"{self.dag_id}::{self.run_id}"

    def told(self) -> dict[str, Any]:
        """What Airflow tells of it."""
        return dict(self.rest.get(self._at))

    def state(self) -> str:
        """`queued`, `running`, `success` or `failed`."""
        return str(self.told()["state"])

    def secs(self) -> float:
        """From its being queued to its end."""
        told = self.told()
        return (datetime.fromisoformat(told["end_date"]) - datetime.fromisoformat(told["queued_at"])).total_seconds()

    def end(self, deadline_secs: float = 120) -> str:
        """Waits for the end."""
        try:
            wait_for(f"end of {self.run_id}", lambda: self.state() in ENDS, deadline_secs)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._tale()}") from None
        return self.state()

    def succeed(self, deadline_secs: float = 120) -> None:
        """Waits for the end, which is to be good."""
        state = self.end(deadline_secs)
        assert state == "success", f"{self.load_id} ended {state}; {self._tale()}"

    def _tale(self) -> str:
        tasks = self.tasks()
        logs = [self.log(task["task_id"], task["map_index"])[-2500:] for task in tasks if task["state"] != "success"]
        return "\n".join([", ".join(f"{task['task_id']} {task['state']}" for task in tasks), *logs])

    def tasks(self) -> list[dict[str, Any]]:
        """Its task instances."""
        return list(self.rest.get(f"{self._at}/taskInstances")["task_instances"])

    def task(self, task_id: str) -> dict[str, Any]:
        """One of them, that is not mapped."""
        return dict(self.rest.get(f"{self._at}/{path('taskInstances', task_id)}"))

    def wait(self, task_id: str, state: str, deadline_secs: float = 60) -> dict[str, Any]:
        """Waits until a task is in a state."""
        try:
            return wait_for(
                f"{task_id} of {self.run_id} that is {state}", lambda: self._in(task_id, state), deadline_secs
            )
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._tale()}") from None

    def _in(self, task_id: str, state: str) -> dict[str, Any] | None:
        task = self.task(task_id)
        return task if task["state"] == state else None

    def xcom(self, task_id: str, map_index: int = -1) -> Any:
        """What it returned."""
        where = f"{self._at}/{path('taskInstances', task_id, 'xcomEntries', 'return_value')}"
        return self.rest.get(where, map_index=map_index)["value"]

    def log(self, task_id: str, map_index: int = -1, attempt: int | None = None) -> str:
        """The words of its log, of its last attempt if none is named, and of what it failed by."""
        task = f"{self._at}/{path('taskInstances', task_id)}"
        number = attempt or self.rest.get(f"{task}/{map_index}" if map_index >= 0 else task)["try_number"]
        if not number:
            return ""
        content = self.rest.get(f"{task}/logs/{number}", map_index=map_index, full_content="true")["content"]
        return "\n".join(_words(line) for line in content)

    def clear(self, *task_ids: str) -> None:
        """Clears these tasks and what is behind them, whatever their state."""
        body = {
            "dry_run": False,
            "only_failed": False,
            "dag_run_id": self.run_id,
            "task_ids": list(task_ids),
            "include_downstream": True,
        }
        self.rest.post(path("dags", self.dag_id, "clearTaskInstances"), body)

    def mark(self, task_id: str, state: str) -> None:
        """Marks a task as failed, or as success."""
        self.rest.patch(f"{self._at}/{path('taskInstances', task_id)}", {"new_state": state})


def _words(line: Any) -> str:
    """A line of a log is an object; errors carry their words apart."""
    if not isinstance(line, dict):
        return str(line)
    errors = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in line.get("error_detail") or []]
    return " ".join([str(line.get("event", "")), *errors])
