"""What is sent and read is what `messages/` defines, checked against its schemas and against what released versions wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from millrace_airflow.messages import (
    STAGES,
    Answer,
    Command,
    Stage,
    UnreadableError,
    answer_types,
    cancel,
    checked_load_id,
    is_answer_to,
    routing_key,
    timestamp,
)
from millrace_airflow.trace import Trace
from tests.kit import REPOSITORY

MESSAGES = REPOSITORY / "messages"
ID = UUID("01a20846-fe00-7e55-af65-9d8e3a6e65e2")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AT = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)

DATA: dict[Stage, dict[str, Any]] = {
    "ingest": {"sources": ["batches"], "files": ["a b/ü.csv"], "as_of": timestamp(AT)},
    "transform": {"sources": [], "full_refresh": True},
    "dq": {"sources": ["batches", "materials"]},
}


def _command(stage: Stage, load_id: str = "my_dag::manual__2026-11-23T12:00:00+00:00", **changed: Any) -> Command:
    return Command(
        **({"stage": stage, "id": ID, "load_id": load_id, "trace": Trace(PARENT), "data": DATA[stage]} | changed)
    )


def _validator(type_name: str) -> Draft202012Validator:
    schema = json.loads((MESSAGES / f"schemas/{type_name}.json").read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _golden(pattern: str) -> list[Path]:
    return sorted((MESSAGES / "tests/golden/v1").glob(pattern))


def _fits(command: Command) -> dict[str, Any]:
    """The envelope, with no field that the schema does not name: a slip would be passed over there."""
    envelope: dict[str, Any] = json.loads(command.body())
    _validator(command.type_name).validate(envelope)
    schema = json.loads((MESSAGES / f"schemas/{command.type_name}.json").read_text())
    data = schema["properties"]["data"]
    # What has the shape of another message refers to it.
    data = schema["$defs"][data["$ref"].rpartition("/")[2]] if "$ref" in data else data
    assert envelope.keys() <= schema["properties"].keys()
    assert envelope["data"].keys() <= data["properties"].keys()
    return envelope


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("load_id", ["a", 'it\'s "quoted"; DROP TABLE x --', "Größe::läuft::🏭", "ж" * 502])
def test_a_command_fits_its_schema(stage: Stage, load_id: str) -> None:
    command = _command(stage, load_id, trace=Trace(PARENT, "vendor=1"), time=AT)
    envelope = _fits(command)
    assert envelope["id"] == str(ID)
    assert envelope["data"]["load_id"] == envelope["subject"] == load_id
    assert (envelope["traceparent"], envelope["tracestate"]) == (PARENT, "vendor=1")
    assert envelope["time"] == "2026-11-23T12:00:00.123456Z"


@pytest.mark.parametrize("stage", STAGES)
def test_a_dry_run_asks_for_what_the_command_would(stage: Stage) -> None:
    dry = _command(stage, kind="dry_run")
    assert dry.type_name == f"{stage}.dry_run.requested"
    assert _fits(dry)["data"] == json.loads(_command(stage).body())["data"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_is_taken_back_once_however_often_that_is_said(stage: Stage) -> None:
    back = cancel(stage, "d::r", str(ID), Trace(PARENT), "its task was cleared")
    envelope = _fits(back)
    assert envelope["type"] == f"{stage}.cancel.requested"
    assert envelope["data"] == {"load_id": "d::r", "command_id": str(ID), "reason": "its task was cleared"}
    assert cancel(stage, "d::r", str(ID), Trace(PARENT), "once more").id == back.id != ID
    others = {cancel(other, "d::r", str(ID), Trace(PARENT), "x").id for other in STAGES}
    assert len(others) == len(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_says_what_the_workers_own_says(stage: Stage) -> None:
    golden = json.loads((MESSAGES / f"tests/golden/v1/{stage}.requested.json").read_text())
    data = {name: value for name, value in golden["data"].items() if name != "load_id"}
    command = _command(stage, golden["data"]["load_id"], data=data, time=datetime.fromisoformat(golden["time"]))
    envelope = json.loads(command.body())
    shared = envelope.keys() & golden.keys() - {"id", "source", "traceparent", "tracestate"}
    assert {name: envelope[name] for name in shared} == {name: golden[name] for name in shared}


@pytest.mark.parametrize("text", ["", " \u00a0", "a\nb", "a\u007f", "x" * 503])
def test_what_is_no_load_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a LOAD_ID"):
        checked_load_id(text)
    with pytest.raises(ValueError, match="a LOAD_ID"):
        _command("dq", text)


def test_a_load_id_is_hashed_as_the_workers_do() -> None:
    # The same figure as in messages/src/routing.rs.
    assert routing_key("ingest.completed", "a") == "ingest.completed.ca978112ca1bbdca"
    assert _command("ingest", "a").routing_key == "ingest.requested.ca978112ca1bbdca"


def test_a_command_too_long_for_a_worker_is_not_sent() -> None:
    with pytest.raises(ValueError, match="name fewer files"):
        _command("ingest", data={"files": ["x" * 100] * 11_000})


def test_a_time_without_a_zone_is_no_point_in_time() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 11, 23))
    assert timestamp(datetime.fromisoformat("2026-11-23T13:00:00+01:00")) == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize("path", _golden("*.completed*.json") + _golden("*.failed*.json"), ids=lambda path: path.stem)
def test_answers_of_released_workers_are_read(path: Path) -> None:
    answer = Answer.read(path.read_bytes())
    assert answer.dry_run == ("dry_run" in path.name)
    assert answer.failed == ("failed" in path.name or (answer.dry_run and answer.data.failure is not None))
    assert answer.data.load_id
    assert (answer.data.failure is not None) == answer.failed


def test_an_answer_is_known_by_the_command_it_repeats() -> None:
    body = (MESSAGES / "tests/golden/v1/ingest.completed.json").read_bytes()
    assert is_answer_to(body, "ingest", str(ID))
    assert not is_answer_to(body, "dq", str(ID))
    assert not is_answer_to(body, "ingest", "01a20846-fe00-7e55-af65-9d8e3a6e65e3")
    for foreign in (b"", b"[]", b"{", b"\xff", b"7"):
        assert not is_answer_to(foreign, "ingest", str(ID))


@pytest.mark.parametrize(
    "change",
    [{"schemaversion": 2}, {"specversion": "2.0"}, {"data": {}}, {"type": "dq.failed"}, {"id": 7}],
    ids=lambda change: next(iter(change)),
)
def test_what_can_t_be_read_says_so(change: dict[str, Any]) -> None:
    body = json.loads((MESSAGES / "tests/golden/v1/dq.completed.json").read_text()) | change
    with pytest.raises(UnreadableError, match="update millrace-airflow"):
        Answer.read(json.dumps(body))


def test_every_stage_is_answered_by_events_that_exist() -> None:
    for stage in STAGES:
        for name in answer_types(stage):
            assert (MESSAGES / f"schemas/{name}.json").exists()
