"""The operator's arguments, and how answers end a task."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from airflow.sdk import DAG, Connection, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from millrace_airflow import MillraceOperator, ask, report
from millrace_airflow.address import Address
from millrace_airflow.messages import Answer, Command
from millrace_airflow.trace import trace_id
from millrace_airflow.trigger import AnswerTrigger
from tests.kit import REPOSITORY

ID = UUID("01a20846-fe00-7e55-af65-9d8e3a6e65e2")
LOGICAL = datetime(2026, 11, 23, tzinfo=UTC)
RUN_AFTER = datetime(2026, 11, 24, 6, tzinfo=UTC)


def _context(logical_date: datetime | None = LOGICAL) -> Context:
    return cast(
        Context,
        {
            "ti": SimpleNamespace(id=ID, dag_id="my_dag", run_id="manual__2026-11-23T00:00:00+00:00"),
            "dag_run": SimpleNamespace(logical_date=logical_date, run_after=RUN_AFTER),
        },
    )


def _sent(context: Context | None = None, **arguments: Any) -> dict[str, Any]:
    task = MillraceOperator(task_id="task", **arguments)
    envelope: dict[str, Any] = json.loads(task._command(context or _context()).body())
    return envelope


def test_a_run_is_one_load_and_an_attempt_is_one_command() -> None:
    envelope = _sent(stage="dq")
    assert envelope["id"] == str(ID)
    assert envelope["data"]["load_id"] == "my_dag::manual__2026-11-23T00:00:00+00:00"
    assert _sent(stage="dq", load_id="watch::x")["data"]["load_id"] == "watch::x"


@pytest.mark.parametrize(
    ("as_of", "logical_date", "sent"),
    [
        (None, LOGICAL, "2026-11-23T00:00:00Z"),
        (None, None, "2026-11-24T06:00:00Z"),
        ("None", LOGICAL, "2026-11-23T00:00:00Z"),
        ("", LOGICAL, "2026-11-23T00:00:00Z"),
        ("2026-11-01T12:00:00+02:00", LOGICAL, "2026-11-01T10:00:00Z"),
        (RUN_AFTER, LOGICAL, "2026-11-24T06:00:00Z"),
    ],
)
def test_data_is_as_new_as_the_run_unless_told(as_of: Any, logical_date: datetime | None, sent: str) -> None:
    assert _sent(_context(logical_date), stage="ingest", as_of=as_of)["data"]["as_of"] == sent


@pytest.mark.parametrize("sources", [["a", "b"], "a, b", ("a", "b"), "a,b,"])
def test_names_come_as_a_list_or_as_text(sources: Any) -> None:
    assert _sent(stage="dq", sources=sources)["data"]["sources"] == ["a", "b"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"stage": "ingest", "as_of": "yesterday"},
        {"stage": "ingest", "as_of": "2026-11-23T12:00:00"},
        {"stage": "dq", "sources": [7]},
        {"stage": "dq", "load_id": "a\nb"},
        {"stage": "transform", "full_refresh": "perhaps"},
        {"stage": "dq", "as_dry_run": "perhaps"},
        {"stage": "dq", "as_dry_run": None},
    ],
)
def test_what_can_t_be_asked_fails_for_good(arguments: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="task task: "):
        _sent(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"stage": "clean"},
        {"stage": "dq", "as_of": "2026-11-23"},
        {"stage": "transform", "files": ["a.csv"]},
        {"stage": "ingest", "full_refresh": True},
    ],
)
def test_what_a_stage_has_not_is_said_when_the_dag_is_read(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="stage"):
        MillraceOperator(task_id="task", **arguments)


@pytest.mark.parametrize(("as_dry_run", "name"), [(True, "dq.dry_run.requested"), ("False", "dq.requested")])
def test_a_dry_run_is_another_command(as_dry_run: bool | str, name: str) -> None:
    assert _sent(stage="dq", as_dry_run=as_dry_run)["type"] == name


def test_nothing_follows_a_dry_run() -> None:
    with DAG("d", schedule=None):
        first = MillraceOperator(task_id="first", stage="ingest", as_dry_run=True)
        MillraceOperator(task_id="second", stage="transform", follows="first")
        third = MillraceOperator(task_id="third", stage="dq", follows="second", as_dry_run=True)
    assert first._followers() == []
    assert third._leader(_context()) is None


def test_a_task_takes_its_command_back_when_killed_or_out_of_time_and_not_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[Command] = []
    forgotten: list[list[str]] = []
    monkeypatch.setattr(ask, "ask", lambda *_: None)
    monkeypatch.setattr(ask, "take_back", lambda _, command: taken.append(command))
    monkeypatch.setattr(ask, "forget", lambda _, queues: forgotten.append(list(queues)))
    monkeypatch.setattr(MillraceOperator, "_address", lambda self: None)
    body = (REPOSITORY / "messages/tests/golden/v1/dq.completed.json").read_text()
    monkeypatch.setattr(ask, "glance", lambda *_: body)

    def task() -> MillraceOperator:
        return MillraceOperator(task_id="t", stage="dq")

    ended = task()
    ended.execute(_context())
    ended.on_kill()
    task().on_kill()
    assert taken == []

    event = {"load_id": "d::r", "command_id": str(ID), "queue": "q", "trace_parent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with pytest.raises(AirflowException, match="too late"):
        task().execute_complete(_context(), event | {"problem": "too late"})
    monkeypatch.setattr(ask, "glance", lambda *_: None)
    killed = task()
    with pytest.raises(TaskDeferred):
        killed.execute(_context())
    killed.on_kill()
    assert [command.type_name for command in taken] == ["dq.cancel.requested"] * 2
    assert {command.data["command_id"] for command in taken} == {str(ID)}
    assert taken[0].trace.id == "a" * 32
    assert forgotten[-2] == ["q"]


def test_a_wait_that_an_older_version_began_ends_well_and_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Command] = []
    monkeypatch.setattr(ask, "take_back", lambda _, command: taken.append(command))
    monkeypatch.setattr(ask, "forget", lambda *_: None)
    monkeypatch.setattr(MillraceOperator, "_address", lambda self: None)
    task = MillraceOperator(task_id="t", stage="dq")
    event = {"command_id": str(ID), "queue": "q"}
    body = (REPOSITORY / "messages/tests/golden/v1/dq.completed.json").read_text()
    assert task.execute_complete(_context(), event | {"answer": body})["verdict"]
    with pytest.raises(AirflowException, match="too late"):
        task.execute_complete(_context(), event | {"problem": "too late"})
    assert taken[0].load_id == "my_dag::manual__2026-11-23T00:00:00+00:00"
    assert taken[0].trace.id

    stored = {"conn_id": "c", "queue": "q", "stage": "dq", "load_id": "l", "command_id": str(ID), "deadline": 1.0}
    trigger = AnswerTrigger(**cast(Any, stored | {"settle_secs": 0.0, "followed_in": []}))
    assert trace_id(trigger.trace_parent)


def test_whoever_asks_listens_for_all_that_follow() -> None:
    with DAG("d", schedule=None):
        first = MillraceOperator(task_id="first", stage="ingest")
        second = MillraceOperator(task_id="second", stage="transform", follows="first")
        third = MillraceOperator(task_id="third", stage="dq", follows="second")
        MillraceOperator(task_id="apart", stage="dq")
        itself = MillraceOperator(task_id="itself", stage="dq", follows="itself")
    assert first._followers() == ["transform", "dq"]
    assert second._followers() == ["dq"]
    assert third._followers() == itself._followers() == []


def test_a_task_that_follows_asks_by_itself_where_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise ask.MissingError

    monkeypatch.setattr(ask, "glance", missing)
    monkeypatch.setattr(MillraceOperator, "_address", lambda self: None)
    context = _context()
    pulled: dict[str, Any] = {"ingest": {"command_id": str(ID)}}
    cast(Any, context["ti"]).xcom_pull = lambda task_ids, map_indexes: pulled.get(task_ids)
    task = MillraceOperator(task_id="t", stage="transform", follows="ingest")
    assert task._leader(context) == str(ID)
    assert task._follow("d::r", str(ID)) is None
    # What goes on by itself is no full refresh.
    assert (
        MillraceOperator(task_id="u", stage="transform", follows="ingest", full_refresh="True")._leader(context) is None
    )
    pulled.clear()
    assert task._leader(context) is None


def _answer(name: str, **changed: Any) -> Answer:
    body = json.loads((REPOSITORY / f"messages/tests/golden/v1/{name}.json").read_text())
    body["data"] |= changed
    return Answer.read(json.dumps(body))


@pytest.mark.parametrize(
    ("failure_class", "error"),
    [
        ("permanent", AirflowFailException),
        ("cancelled", AirflowFailException),
        ("quarantined", AirflowFailException),
        ("transient", AirflowException),
        ("fatal", AirflowException),
    ],
)
def test_only_what_no_retry_mends_fails_for_good(failure_class: str, error: type[Exception]) -> None:
    answer = _answer("ingest.failed", failure={"class": failure_class, "message": "no column batch_id"})
    with pytest.raises(error, match="no column batch_id") as raised:
        report.raise_failure(answer)
    assert type(raised.value) is error


def test_what_is_held_back_says_what_somebody_can_do() -> None:
    words = "b.csv is held back: 9 rows; 9 rows are kept and nobody sees them: `millrace release 'a'` lets them become current"
    answer = _answer("ingest.failed", failure={"class": "quarantined", "message": words})
    with pytest.raises(AirflowFailException, match="millrace release 'a'"):
        report.raise_failure(answer)


def test_a_failed_check_is_named_and_a_warning_passes(caplog: pytest.LogCaptureFixture) -> None:
    checks = [
        {"check": name, "table": "RAW.T", "severity": "error", "status": status, "observed": "7", "expected": "0"}
        for name, status in (("is_unique", "fail"), ("is_fresh", "warn"), ("is_there", "pass"), ("is_sql", "error"))
    ]
    failed = _answer("dq.failed", checks=checks)
    with pytest.raises(AirflowException) as raised:
        report.raise_failure(failed)
    assert "is_unique on RAW.T" in str(raised.value)
    assert "is_sql on RAW.T" in str(raised.value)
    assert "is_fresh" not in str(raised.value)

    passed = _answer("dq.completed", checks=checks[1:2])
    report.raise_failure(passed)
    with caplog.at_level(logging.INFO):
        report.tell(passed, logging.getLogger("task"))
    assert [record.levelname for record in caplog.records if "is_fresh" in record.message] == ["WARNING"]
    assert report.summary(passed)["warnings"]


def test_the_log_tells_tables_rows_and_nodes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for name in ("ingest.completed", "transform.failed"):
            report.tell(_answer(name), logging.getLogger("task"))
    assert "RAW.BATCHES: 5,000 rows of batches in 1 file, 2 set aside" in caplog.text
    assert "error model.millrace.stg_batches in 0.25 s: column started_at is no timestamp" in caplog.text


def test_a_dry_run_tells_what_would_be_and_fails_where_the_command_would(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for name in ("ingest.dry_run.completed", "transform.dry_run.completed"):
            report.tell(_answer(name), logging.getLogger("task"))
    assert caplog.text.count("a dry run: this is what would be, and nothing was changed") == 2
    assert "source_system/batches_2.csv would not be loaded: row 7 has 11 fields instead of 12" in caplog.text
    with pytest.raises(AirflowFailException, match=r"ingest of .* would fail"):
        report.raise_failure(_answer("ingest.dry_run.completed"))
    report.raise_failure(_answer("transform.dry_run.completed"))
    assert report.summary(_answer("dq.dry_run.completed"))["dry_run"] is True


def test_a_connection_is_an_address_and_shows_no_password() -> None:
    uri = "amqps://mill:s3cret%40@broker/plant%2Fa?ca_file=%2Fetc%2Fca.pem"
    address = Address.of(Connection.from_uri(uri, "c"))
    assert (address.port, address.tls, address.vhost, address.ca_file) == (5671, True, "plant/a", "/etc/ca.pem")
    assert (address.user, address.password) == ("mill", "s3cret@")
    assert "s3cret" not in f"{address} {address!r}"
    assert Address.of(Connection.from_uri("amqp://a:b@broker:5673/x", "c")).port == 5673
    assert Address.of(Connection.from_uri("amqp://a:b@broker", "c")).vhost == "/"
