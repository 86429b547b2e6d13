"""What went wrong, in the service's words."""

import re
from typing import Any

import duckdb
import snowflake.connector.errors
import sqlglot.errors


class ServiceError(Exception):
    """An answer without success: the code and text that the service gives."""

    def __init__(self, code: str, message: str, sql_state: str = "42000", data: Any = "query"):
        super().__init__(message)
        self.code = code
        self.message = message
        self.sql_state = sql_state
        self.data = data

    def body(self, query_id: str = "") -> dict:
        data = self.data
        if data == "query":
            data = {
                "internalError": False,
                "unredactedFromSecureObject": False,
                "errorCode": self.code,
                "age": 0,
                "sqlState": self.sql_state,
                "queryId": query_id,
                "line": -1,
                "pos": -1,
                "type": "COMPILATION" if self.code < "003000" else "EXECUTION",
            }
        return {"data": data, "code": self.code, "message": self.message, "success": False, "headers": None}


def compilation(code: str, message: str, sql_state: str = "42000") -> ServiceError:
    return ServiceError(code, f"SQL compilation error:\n{message}", sql_state)


def missing(kind: str, name: str) -> ServiceError:
    state = "42S02" if kind in ("Object", "Table") else "02000"
    return compilation("002003", f"{kind} '{name}' does not exist or not authorized.", state)


def unsupported(what: str) -> ServiceError:
    """Not the service's fault but ours."""
    return ServiceError("009999", f"the emulator of Snowflake has no {what}", "0A000")


def expired() -> ServiceError:
    return ServiceError("390112", "Your session has expired. Please login again.", data=None)


def gone() -> ServiceError:
    return ServiceError("390111", "Session no longer exists.  New login required to access the service.", data=None)


# What DuckDB says, and what Snowflake says instead: code, SQL state, text (with what was found).
_WORDS = [
    (r"Table with name \"?([\w$.]+)\"? does not exist", "002003", "42S02", "Object '{0}' does not exist or not authorized."),
    (r"Schema with name \"?([\w$.]+)\"? does not exist", "002003", "02000", "Schema '{0}' does not exist or not authorized."),
    (r"with name \"?([\w$.]+)\"? already exists", "002002", "42710", "Object '{0}' already exists."),
    (r"Function with name \"?([\w$.]+)\"? does not exist", "002140", "42601", "Unknown function {0}"),
    (r"(?:Referenced column|column named) \"([^\"]+)\"", "000904", "42000", "error line 1 at position 0\ninvalid identifier '{0}'"),
    (r"Table \"[^\"]*\" does not have a column (?:named|with name) \"([^\"]+)\"", "000904", "42000", "error line 1 at position 0\ninvalid identifier '{0}'"),
    (r"Referenced update column (\S+) not found", "000904", "42000", "error line 1 at position 0\ninvalid identifier '{0}'"),
    (r"NOT NULL constraint failed: (\S+)", "100072", "22000", "NULL result in a non-nullable column"),
    (r"Could not convert string ['\"](.*)['\"] to (?:INT|BIGINT|HUGEINT|DECIMAL|DOUBLE)", "100038", "22018", "Numeric value '{0}' is not recognized"),
]
_EXECUTION = ("100", "000604")


def of(error: BaseException) -> ServiceError:
    """Any error of a statement."""
    if isinstance(error, ServiceError):
        return error
    text = getattr(error, "raw_msg", None) or getattr(error, "msg", None) or str(error)
    text = re.sub(r"\x1b\[\d*m", "", text)
    for pattern, code, state, words in _WORDS:
        if found := re.search(pattern, text, re.DOTALL):
            words = words.format(*found.groups())
            return ServiceError(code, words if code.startswith(_EXECUTION) else f"SQL compilation error:\n{words}", state)
    match error:
        case sqlglot.errors.ParseError() | duckdb.ParserException():
            return compilation("001003", f"syntax error: {text}")
        case duckdb.InterruptException():
            return ServiceError("000604", "SQL execution canceled", "57014")
        case duckdb.ConversionException():
            return ServiceError("100035", text.split("\n")[0], "22007")
        case duckdb.BinderException():
            return compilation("000904", text.split("\n")[0])
        case snowflake.connector.errors.Error():
            return ServiceError(f"{error.errno:06d}", text, error.sqlstate or "42000")
        case duckdb.Error():
            return ServiceError("100069", text.split("\n")[0], "22000")
        case _:
            return ServiceError("300002", f"Processing aborted by error 300002: {type(error).__name__}: {text}", "XX000")
