"""What an answer says, in a task's log, and whether the task has failed by it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from millrace_airflow.messages import Answer, CheckOutcome, NodeOutcome

# What no retry mends: bad input, what somebody has taken back, and what is held back until somebody decides.
_FINAL = {"permanent", "cancelled", "quarantined"}
_GOOD = {"success", "pass", "selected"}
# A project of many models would bury what matters: beyond so many, nodes that are good are only counted.
_LISTED = 100


def tell(answer: Answer, log: Any) -> None:
    """Writes tables and rows, dbt's nodes, and checks into the log."""
    data = answer.data
    if answer.dry_run:
        log.info("a dry run: this is what would be, and nothing was changed")
    for table in data.tables:
        rejected = f", {table.rows_rejected:,} set aside" if table.rows_rejected else ""
        log.info(
            "RAW.%s: %s rows of %s in %s%s",
            table.table,
            f"{table.rows_loaded:,}",
            table.source,
            _counted(table.files, "file"),
            rejected,
        )
    for fault in data.faults:
        end = "be held back" if fault.failure.class_ == "quarantined" else "not be loaded"
        log.error("%s would %s: %s", fault.uri, end, fault.failure.message)
    if data.gates_not_asked:
        log.warning("not asked by a dry run, and may hold it back: %s", ", ".join(data.gates_not_asked))
    for node in data.nodes:
        if node.status not in _GOOD:
            log.log(_level(node.status), "%s", _node(node))
        elif len(data.nodes) <= _LISTED:
            log.info("%s", _node(node))
    if data.nodes:
        log.info("%s: %s", _counted(len(data.nodes), "node"), _tally(node.status for node in data.nodes))
    for check in data.checks:
        log.log(_level(check.status), "%s", _check(check))
    if data.checks:
        log.info(
            "verdict %s over %s: %s",
            data.verdict,
            _counted(len(data.checks), "check"),
            _tally(check.status for check in data.checks),
        )


def summary(answer: Answer) -> dict[str, Any]:
    """What the tasks behind this one may want to know: a task's XCom."""
    data = answer.data
    return {
        "load_id": data.load_id,
        "command_id": str(answer.correlationid),
        "tables": [table.model_dump() for table in data.tables],
        "nodes": dict(Counter(node.status for node in data.nodes)),
        "checks": dict(Counter(check.status for check in data.checks)),
        "verdict": data.verdict,
        "dry_run": answer.dry_run,
        "warnings": [_check(check) for check in data.checks if check.status == "warn"],
    }


def raise_failure(answer: Answer) -> None:
    """Fails the task if the answer is a failure: for good where another try can't help."""
    failure = answer.data.failure
    if not answer.failed or failure is None:
        return
    stage = answer.type.split(".")[0]
    failed = "would fail" if answer.dry_run else "failed"
    text = f"{stage} of {answer.data.load_id} {failed} ({failure.class_}): {failure.message}"
    if broken := [check for check in answer.data.checks if check.status in {"fail", "error"}]:
        text = f"{text}\n" + "\n".join(f"  {_check(check)}" for check in broken)
    raise (AirflowFailException if failure.class_ in _FINAL else AirflowException)(text)


def _check(check: CheckOutcome) -> str:
    rows = f", {_counted(check.failed_rows, 'row')} at fault" if check.failed_rows else ""
    return (
        f"{check.status.upper()} {check.check} on {check.table} ({check.severity}):"
        f" found {check.observed}, expected {check.expected}{rows}"
    )


def _node(node: NodeOutcome) -> str:
    said = f": {node.message}" if node.message else ""
    return f"{node.status} {node.unique_id} in {node.elapsed_secs:.2f} s{said}"


def _level(status: str) -> int:
    """As `logging` counts them."""
    return {"warn": 30, "fail": 40, "error": 40}.get(status, 20)


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def _tally(statuses: Any) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in Counter(statuses).most_common())
