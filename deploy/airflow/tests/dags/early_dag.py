"""Begins to wait when the answer lies there already."""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator, ask


class Dawdler(MillraceOperator):
    """Looks at the answer, and then waits for it as if it had not."""

    def _wait(self, load_id: str, command_id: str, queue: str) -> dict[str, Any]:
        end = time.monotonic() + 60
        while ask.glance(self._address(), queue, self.stage, command_id, 1) is None:
            assert time.monotonic() < end, "no answer"
        self.log.info("the answer was there before the wait began")
        return super()._wait(load_id, command_id, queue)


with DAG("early_dag", schedule=None) as dag:
    Dawdler(task_id="dq", stage="dq", here_secs=0, settle_secs=0, retries=0)
