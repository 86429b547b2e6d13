"""Results as the service writes them: rows of text, or Arrow."""

import datetime
import decimal
import json
import math
from base64 import b64encode

import pyarrow as pa
from fakesnow.arrow import to_ipc, to_sf

_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)
_LENGTH = 16_777_216


def rowtype(table: pa.Table, types: list[str]) -> list[dict]:
    """The columns, by DuckDB's names of their types."""
    return [_column(field, kind) for field, kind in zip(table.schema, types, strict=True)]


def _column(field: pa.Field, kind: str) -> dict:
    column = {
        "name": field.name, "database": "", "schema": "", "table": "", "nullable": True, "type": "text",
        "byteLength": None, "length": None, "scale": None, "precision": None, "collation": None,
    }  # fmt: skip
    t = field.type
    if pa.types.is_boolean(t):
        return {**column, "type": "boolean"}
    if pa.types.is_integer(t):
        return {**column, "type": "fixed", "precision": 38, "scale": 0}
    if pa.types.is_decimal(t):
        return {**column, "type": "fixed", "precision": t.precision, "scale": t.scale}
    if pa.types.is_floating(t):
        return {**column, "type": "real"}
    if pa.types.is_date(t):
        return {**column, "type": "date"}
    if pa.types.is_time(t):
        return {**column, "type": "time", "precision": 0, "scale": 9}
    if pa.types.is_timestamp(t):
        return {**column, "type": "timestamp_tz" if t.tz else "timestamp_ntz", "precision": 0, "scale": 9}
    if pa.types.is_binary(t) or pa.types.is_large_binary(t):
        return {**column, "type": "binary", "byteLength": _LENGTH // 2, "length": _LENGTH // 2}
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return {**column, "type": "array"}
    if pa.types.is_struct(t) or pa.types.is_map(t):
        return {**column, "type": "object"}
    if kind == "JSON":
        return {**column, "type": "variant"}
    return {**column, "byteLength": _LENGTH, "length": _LENGTH}


def rows(table: pa.Table) -> list[list[str | None]]:
    """Every value as text, or nothing."""
    columns = [[None if value is None else _text(value) for value in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(value) -> str:
    match value:
        case str():
            return value
        case bool():
            return "1" if value else "0"
        case int():
            return str(value)
        case decimal.Decimal():
            return format(value, "f")
        case float():
            return _real(value)
        case datetime.datetime():
            naive = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
            text = _seconds((naive - _EPOCH) // _MICROSECOND)
            return f"{text} 1440" if value.tzinfo else text
        case datetime.date():
            return str((value - _EPOCH.date()).days)
        case datetime.time():
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return _seconds(seconds * 1_000_000 + value.microsecond)
        case bytes():
            return value.hex().upper()
        case list() | dict():
            return json.dumps(value, default=str)
    return str(value)


def _real(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return {"nan": "NaN"}.get(str(value), str(value))
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _seconds(microseconds: int) -> str:
    """With nine digits behind the point; before 1970 it is the negative number as a whole."""
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    return f"{sign}{microseconds // 1_000_000}.{microseconds % 1_000_000 * 1000:09d}"


def arrow(table: pa.Table, columns: list[dict]) -> str:
    told = to_sf(table, columns)
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and table.column(at).null_count:
            told = told.set_column(at, told.schema.field(at), _masked(told.column(at), table.column(at).is_null()))
    return b64encode(to_ipc(told)).decode()


def _masked(times: pa.ChunkedArray, missing: pa.ChunkedArray) -> pa.Array:
    """fakesnow makes 1970 of a time that is not there."""
    parts = times.combine_chunks()
    arrays = [part.fill_null(0) for part in parts.flatten()]
    return pa.StructArray.from_arrays(arrays, fields=list(parts.type), mask=missing.combine_chunks())
