"""COPY INTO a table, from files of a stage, by DuckDB's reader of CSV."""

import csv
import gzip
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from . import errors, fake, sql
from .stages import StagedFile

csv.field_size_limit(2**31 - 1)

_VIEW = "_emulator_staged"

# What the file format may say: a value here is the only one that the emulator can do.
_FORMAT = {
    "TYPE": "CSV", "COMPRESSION": None, "FIELD_DELIMITER": None, "RECORD_DELIMITER": "\n", "SKIP_HEADER": None,
    "FIELD_OPTIONALLY_ENCLOSED_BY": '"', "ESCAPE": "NONE", "ESCAPE_UNENCLOSED_FIELD": "NONE", "TRIM_SPACE": "FALSE",
    "NULL_IF": (), "EMPTY_FIELD_AS_NULL": "TRUE", "ENCODING": "UTF8", "MULTI_LINE": "TRUE", "PARSE_HEADER": "FALSE",
    "SKIP_BLANK_LINES": "FALSE", "ERROR_ON_COLUMN_COUNT_MISMATCH": None, "REPLACE_INVALID_CHARACTERS": "FALSE",
    "SKIP_BYTE_ORDER_MARK": None, "BINARY_FORMAT": None, "DATE_FORMAT": "AUTO", "TIME_FORMAT": "AUTO",
    "TIMESTAMP_FORMAT": "AUTO",
}  # fmt: skip
_OPTIONS = {"FILES", "FILE_FORMAT", "ON_ERROR", "FORCE", "PURGE", "SIZE_LIMIT", "RETURN_FAILED_ONLY", "MATCH_BY_COLUMN_NAME"}


@dataclass
class _Plan:
    table: exp.Table
    columns: list[exp.Expr]
    select: exp.Select | None
    prefix: str
    """What the names of the files in the stage begin with."""
    files: dict[str, StagedFile]
    delimiter: str
    skip: int
    compression: str


async def run(state, session, copy: exp.Copy) -> fake.Result:
    plan = _plan(state, session, copy)
    if not plan.files:
        return fake.status("Copy executed with 0 files processed.")
    counts = await session.transactions.insert(lambda: _load(session, plan))
    state.journal.count("copied_files", len(counts))
    state.journal.count("copied_rows", sum(counts.values()))
    loaded = list(counts.values())
    nothing = [None] * len(counts)
    return fake.rows(
        {
            "file": list(counts),
            "status": ["LOADED"] * len(counts),
            "rows_parsed": loaded,
            "rows_loaded": loaded,
            "error_limit": [1] * len(counts),
            "errors_seen": [0] * len(counts),
            "first_error": nothing,
            "first_error_line": nothing,
            "first_error_character": nothing,
            "first_error_column_name": nothing,
        }
    )


def _plan(state, session, copy: exp.Copy) -> _Plan:
    source = copy.args["files"][0]
    select = source.this if isinstance(source, exp.Subquery) else None
    place = select.args["from_"].this if select is not None else source
    stage, path = state.stages.locate(place.this.name, session)
    options = {one.name.upper(): one for one in copy.args.get("params") or []}
    if unknown := set(options) - _OPTIONS:
        raise errors.compilation("001420", f"invalid parameter '{sorted(unknown)[0]}'")
    form = _format(options.get("FILE_FORMAT"))
    if "ON_ERROR" in options and _value(options["ON_ERROR"].expression) != "ABORT_STATEMENT":
        raise errors.unsupported("ON_ERROR but ABORT_STATEMENT")
    below = state.stages.below(stage, path)
    if "FILES" in options:
        path = path if not path or path.endswith("/") else path + "/"
        below = _named(below, path, _value(options["FILES"].expression), state.stages.prefix(stage))
    target = copy.this
    return _Plan(
        table=target.this if isinstance(target, exp.Schema) else target,
        columns=target.expressions if isinstance(target, exp.Schema) else [],
        select=select,
        prefix="",
        files=below,
        delimiter=form.get("FIELD_DELIMITER", ","),
        skip=int(form.get("SKIP_HEADER", 0)),
        compression=form.get("COMPRESSION", "AUTO").upper(),
    )


def _named(below: dict, path: str, names, prefix: str) -> dict[str, StagedFile]:
    names = (names,) if isinstance(names, str) else names
    for name in names:
        if path + name not in below:
            text = (
                f"Remote file '{prefix}{path}{name}' was not found. There are several potential causes. The file might not "
                "exist. The required credentials may be missing or invalid. If you are running a copy command, please make "
                "sure files are not deleted when they are being loaded or files are not being loaded into two different "
                "tables concurrently with auto purge option."
            )
            raise errors.ServiceError("091016", text, "22000")
    return {path + name: below[path + name] for name in names}


def _format(option: exp.Expr | None) -> dict:
    given = {one.name.upper(): _value(one.args["value"]) for one in (option.expressions if option is not None else [])}
    for name, value in given.items():
        if name not in _FORMAT:
            raise errors.compilation("001420", f"invalid parameter '{name}'")
        only = _FORMAT[name]
        if only is not None and value != only and not (name == "ENCODING" and value in ("UTF8", "UTF-8")):
            raise errors.unsupported(f"{name} = {value!r} in a file format: it has {only!r}")
    if given.get("COMPRESSION", "AUTO").upper() not in ("AUTO", "GZIP", "NONE"):
        raise errors.unsupported(f"COMPRESSION = {given['COMPRESSION']}: it has AUTO, GZIP and NONE")
    for name in ("FIELD_OPTIONALLY_ENCLOSED_BY", "EMPTY_FIELD_AS_NULL"):
        # The service's own defaults read the files in another way than the one that is here.
        if name == "FIELD_OPTIONALLY_ENCLOSED_BY" and name not in given:
            raise errors.unsupported(f"file format without {name}: give it {_FORMAT[name]!r}")
    if given.get("NULL_IF", ...) is ...:
        raise errors.unsupported("file format without NULL_IF: its default makes \\N a NULL; give it ()")
    return given


def _value(value: exp.Expr):
    match value:
        case exp.Tuple() | exp.Array():
            return tuple(_value(one) for one in value.expressions)
        case exp.Paren():
            return (_value(value.this),)
        case exp.Boolean():
            return "TRUE" if value.this else "FALSE"
        case exp.Literal():
            return value.name
    return value.name.upper() or value.sql().upper()


def _load(session, plan: _Plan) -> dict[str, int]:
    """Loads, and says how many rows of each file. Blocks."""
    database = session.connection._duck_conn
    packed = plan.compression == "GZIP" or (plan.compression == "AUTO" and all(name.endswith(".gz") for name in plan.files))
    try:
        width = max([_width(file.path, packed, plan.delimiter) for file in plan.files.values()] + [_asked(plan.select)])
        database.execute(_staged(plan, width, packed))
        insert = _insert(plan, width)
        result = fake.run(session, sql.prepared(insert, session), None, qualified=False)
        total = result.table.column(0)[0].as_py()
        if len(plan.files) == 1:
            return {name: total for name in plan.files}
        rows = database.execute(f'SELECT "METADATA$FILENAME", COUNT(*) FROM {_VIEW} GROUP BY ALL').fetchall()
        return {name: dict(rows).get(name, 0) for name in plan.files}
    except (duckdb.InvalidInputException, duckdb.IOException, EOFError, OSError, UnicodeDecodeError) as error:
        text = f"Error parsing the file: {str(error).splitlines()[0]}"
        raise errors.ServiceError("100069", text, "22000") from error


def _width(path: str, packed: bool, delimiter: str) -> int:
    """The fields of the first row. An error where a quote is not closed, which DuckDB would close by itself."""
    read = gzip.open if packed else open
    with read(path, "rb") as file:
        quotes = sum(piece.count(b'"') for piece in iter(lambda: file.read(1 << 20), b""))
    if quotes % 2:
        raise errors.ServiceError("100073", "End of file reached in a quoted field: a quote is not closed", "22000")
    with read(path, "rt", encoding="utf-8", newline="") as file:
        return len(next(csv.reader(file, delimiter=delimiter, doublequote=True), [""]))


def _asked(select: exp.Select | None) -> int:
    """The greatest $n."""
    return max([int(one.name) for one in select.find_all(exp.Parameter)], default=1) if select is not None else 1


def _staged(plan: _Plan, width: int, packed: bool) -> str:
    """A view of the files. Rows that lack fields have NULLs there, as in the service where they are selected from."""
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    paths = ", ".join(quoted(file.path) for file in plan.files.values())
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(1, width + 1))
    names = " ".join(f"WHEN {quoted(file.path)} THEN {quoted(name)}" for name, file in plan.files.items())
    return (
        f'CREATE OR REPLACE TEMP VIEW {_VIEW} AS SELECT * EXCLUDE (filename), CASE filename {names} END AS "METADATA$FILENAME", '
        f'ROW_NUMBER() OVER (PARTITION BY filename) AS "METADATA$FILE_ROW_NUMBER" FROM read_csv([{paths}], '
        f"auto_detect = false, header = false, skip = {plan.skip}, delim = {quoted(plan.delimiter)}, quote = '\"', "
        "escape = '\"', new_line = '\\n', nullstr = '', allow_quoted_nulls = false, null_padding = true, parallel = false, "
        f"compression = '{'gzip' if packed else 'none'}', filename = true, max_line_size = 134217728, columns = {{{columns}}})"
    )


def _insert(plan: _Plan, width: int) -> exp.Insert:
    if plan.select is None:
        select = exp.select(*[exp.column(f"c{at}", quoted=True) for at in range(1, width + 1)])
        alias = None
    else:
        select = plan.select.copy().transform(_field)
        alias = select.args["from_"].this.args.get("alias")
    select.set("from_", exp.From(this=exp.Table(this=exp.to_identifier(_VIEW, quoted=True), alias=alias)))
    count = len(select.expressions)
    if plan.columns and len(plan.columns) != count:
        text = f"Insert value list does not match column list expecting {len(plan.columns)} but got {count}"
        raise errors.compilation("002020", text, "42601")
    table = plan.table.copy()
    columns = [column.copy() for column in plan.columns]
    return exp.Insert(this=exp.Schema(this=table, expressions=columns) if columns else table, expression=select)


def _field(node: exp.Expr) -> exp.Expr:
    """$3, t.$3 and METADATA$… as columns of the view."""
    table = node.args.get("table") if isinstance(node, exp.Column) else None
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Parameter):
        return exp.column(f"c{node.this.name}", table=table, quoted=True)
    if isinstance(node, exp.Parameter):
        return exp.column(f"c{node.name}", quoted=True)
    if isinstance(node, exp.Column) and node.name.upper().startswith("METADATA$"):
        return exp.column(node.name.upper(), table=table, quoted=True)
    return node
