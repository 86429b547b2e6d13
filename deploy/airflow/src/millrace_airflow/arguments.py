"""What an operator's arguments mean: they come as values, or as what a template made of a form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from airflow.sdk import Context


def default_load_id(context: Context) -> str:
    """The same for all tasks of a run, and over its retries and clears."""
    instance = context["ti"]
    return f"{instance.dag_id}::{instance.run_id}"


def default_as_of(context: Context) -> datetime:
    """The run's logical date. Runs that an event or the API starts have none."""
    run = context["dag_run"]
    return run.logical_date or run.run_after


def attempt(context: Context) -> UUID:
    """The task instance's id, a UUIDv7: another one in every attempt, and the same before and after a wait."""
    return UUID(str(context["ti"].id))


def texts(value: Sequence[str] | str | None) -> list[str]:
    """A list, from a list or from text with commas: what a template makes of it depends on the DAG's rendering."""
    if value is None:
        return []
    parts = value.split(",") if isinstance(value, str) else list(value)
    if not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{parts!r} is no list of names")
    return [part.strip() for part in parts if part.strip()]


def time(value: datetime | str | None) -> datetime | None:
    """A time. A template of a form's empty field makes `None`, as text or as itself."""
    if isinstance(value, datetime):
        return value
    if value is None or value.strip() in {"", "None"}:
        return None
    return datetime.fromisoformat(value.strip())


def flag(value: bool | str) -> bool:
    """A flag. A template of what is not there makes `None`, which is neither."""
    if isinstance(value, bool):
        return value
    if (text := str(value).strip().lower()) in {"true", "false"}:
        return text == "true"
    raise ValueError(f"{value!r} is no flag: it is true or false")
