"""Begins to wait when the answer lies there already, with the defaults of a wait in the triggerer."""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator, ask


class Prompted(MillraceOperator):
    """Sees that the answer is there, and defers all the same."""

    def _wait(self, load_id: str, command_id: str, queue: str) -> dict[str, Any]:
        end = time.monotonic() + 60
        while ask.glance(self._address(), queue, self.stage, command_id, 1) is None:
            assert time.monotonic() < end, "no answer"
        self.log.info("the answer was there before the wait began")
        return super()._wait(load_id, command_id, queue)


with DAG("prompt_dag", schedule=None) as dag:
    for number in range(6):
        Prompted(
            task_id=f"dq{number}",
            stage="dq",
            sources="shifts",
            load_id="{{ dag.dag_id }}::{{ run_id }}::" + str(number),
            here_secs=0,
            retries=0,
        )
