"""What is said between Airflow and the mill, as `messages/` defines it: commands, their answers, and who hears them."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

from pydantic import BaseModel, Field, ValidationError

from millrace_airflow.trace import Trace

Stage = Literal["ingest", "transform", "dq"]
STAGES: tuple[Stage, ...] = get_args(Stage)

# What is asked of a stage: its work, what that would be, or to take another command back.
Kind = Literal["work", "dry_run", "cancel"]

COMMANDS_EXCHANGE = "millrace.commands"
EVENTS_EXCHANGE = "millrace.events"

# What the names of queues of answers begin with; the rights of the user `millrace-airflow` end there.
ANSWERS = "millrace.answers."

CONTENT_TYPE = "application/cloudevents+json"
SCHEMA_VERSION = 1
MAX_LOAD_ID_CHARS = 502
MAX_BODY_BYTES = 1 << 20
SENDER = "airflow"


class UnreadableError(ValueError):
    """A body that this version can't read. No retry mends it."""


def checked_load_id(text: str) -> str:
    """The text, if it is a LOAD_ID that workers take."""
    if not text.strip():
        raise ValueError("a LOAD_ID must not be empty")
    if len(text) > MAX_LOAD_ID_CHARS:
        raise ValueError(f"a LOAD_ID has at most {MAX_LOAD_ID_CHARS} characters, this one has {len(text)}")
    if control := next((char for char in text if unicodedata.category(char) == "Cc"), None):
        raise ValueError(f"a LOAD_ID must not hold control characters, this one has {control!r}")
    return text


def routing_key(type_name: str, load_id: str) -> str:
    """The key that messages of a type about a load travel under: a hash stands in for the LOAD_ID."""
    return f"{type_name}.{hashlib.sha256(load_id.encode()).digest()[:8].hex()}"


def answer_types(stage: Stage) -> tuple[str, ...]:
    """The types of the events that a stage answers a command with."""
    return f"{stage}.completed", f"{stage}.failed", f"{stage}.dry_run.completed"


def reply_queue(command_id: str, stage: Stage | None = None) -> str:
    """The queue in which the answer to one attempt's command waits. No other attempt takes or deletes it.

    With a stage: the queue for what that stage says of what followed from the command.
    """
    return f"{ANSWERS}{command_id}" + (f".{stage}" if stage else "")


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, as the workers write it."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} names no time zone: end it with Z or an offset")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Command:
    """Something asked of a stage."""

    stage: Stage
    # The task instance's id: the same over a deferral, another one in every attempt. Of two for one LOAD_ID the newer wins.
    id: UUID
    load_id: str
    trace: Trace
    # What the command holds beside its LOAD_ID.
    data: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "work"
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        """Refuses what no worker would read."""
        checked_load_id(self.load_id)
        if (size := len(self.body())) > MAX_BODY_BYTES:
            raise ValueError(f"the command has {size} bytes, workers read {MAX_BODY_BYTES}: name fewer files")

    @property
    def type_name(self) -> str:
        """Such as `ingest.requested` or `ingest.dry_run.requested`."""
        return f"{self.stage}.requested" if self.kind == "work" else f"{self.stage}.{self.kind}.requested"

    @property
    def routing_key(self) -> str:
        """The key that leads it to its stage."""
        return routing_key(self.type_name, self.load_id)

    def body(self) -> bytes:
        """The envelope, CloudEvents 1.0 in structured JSON."""
        envelope = {
            "specversion": "1.0",
            "id": str(self.id),
            "source": SENDER,
            "type": self.type_name,
            "subject": self.load_id,
            "time": timestamp(self.time),
            "datacontenttype": "application/json",
            "schemaversion": SCHEMA_VERSION,
            "traceparent": self.trace.parent,
            **({"tracestate": self.trace.state} if self.trace.state else {}),
            "data": {"load_id": self.load_id, **self.data},
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    def headers(self) -> dict[str, str]:
        """What readers of the queue want to know without opening the body."""
        headers = {"load_id": self.load_id, "traceparent": self.trace.parent}
        if self.trace.state:
            headers["tracestate"] = self.trace.state
        return headers


def cancel(stage: Stage, load_id: str, command_id: str, trace: Trace, reason: str) -> Command:
    """Takes back what a command asked of a stage, or what followed from it there. Taking back twice is one command."""
    return Command(
        stage=stage,
        id=uuid5(UUID(command_id), f"{stage}.cancel"),
        load_id=load_id,
        trace=trace,
        data={"command_id": command_id, "reason": reason},
        kind="cancel",
    )


class TableLoad(BaseModel):
    """What a load did to one table."""

    source: str
    table: str
    files: int
    rows_loaded: int
    rows_rejected: int
    bytes: int


class NodeOutcome(BaseModel):
    """What became of one dbt node."""

    unique_id: str
    resource_type: str
    status: str
    elapsed_secs: float
    message: str | None = None


class CheckOutcome(BaseModel):
    """One check's result."""

    check: str
    table: str
    severity: str
    status: str
    observed: str
    expected: str
    failed_rows: int | None = None


class Failure(BaseModel):
    """Why something failed, and whether another try can help."""

    class_: str = Field(alias="class")
    message: str


class FileFault(BaseModel):
    """A file that would not be loaded, or would be held back."""

    uri: str
    failure: Failure


class AnswerData(BaseModel):
    """What an answer tells: of each stage a part. Fields that newer workers add are passed over."""

    load_id: str
    tables: list[TableLoad] = []
    nodes: list[NodeOutcome] = []
    checks: list[CheckOutcome] = []
    verdict: str | None = None
    uri: str | None = None
    faults: list[FileFault] = []
    gates_not_asked: list[str] = []
    failure: Failure | None = None


class Answer(BaseModel):
    """An event that says how a command ended."""

    specversion: Literal["1.0"]
    id: UUID
    type: str
    schemaversion: Literal[1] = 1
    correlationid: UUID | None = None
    traceparent: str | None = None
    data: AnswerData

    @property
    def dry_run(self) -> bool:
        """Whether it tells what would be, and nothing was changed."""
        return self.type.endswith(".dry_run.completed")

    @property
    def failed(self) -> bool:
        """Whether the stage could not do what it was asked, would not, or judged the data not good enough."""
        return self.type.endswith(".failed") or (self.dry_run and self.data.failure is not None)

    @classmethod
    def read(cls, body: str | bytes) -> Answer:
        """Reads a body."""
        try:
            answer = cls.model_validate_json(body)
        except ValidationError as error:
            where = "; ".join(f"{'.'.join(map(str, at['loc']))}: {at['msg']}" for at in error.errors()[:3])
            raise UnreadableError(
                f"the answer can't be read ({where}): update millrace-airflow or the workers"
            ) from error
        if answer.failed and answer.data.failure is None:
            raise UnreadableError(f"the answer {answer.type} tells no failure: update millrace-airflow or the workers")
        return answer


def is_answer_to(body: bytes, stage: Stage, command_id: str) -> bool:
    """Whether a body answers this command. Looks only at the envelope, so that a shape it can't read is still found."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return False
    if not isinstance(envelope, dict):
        return False
    return envelope.get("correlationid") == command_id and envelope.get("type") in answer_types(stage)
