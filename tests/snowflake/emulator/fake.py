"""Running a statement in fakesnow."""

from dataclasses import dataclass

import pyarrow as pa
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

from . import sql


@dataclass
class Result:
    table: pa.Table
    types: list[str]
    """DuckDB's names of the columns' types, or nothing."""


def rows(columns: dict[str, list]) -> Result:
    """A result made by hand. Columns of nothing are text."""
    made = {name: pa.array(values, pa.string() if not any(v is not None for v in values) else None) for name, values in columns.items()}
    return Result(pa.table(made), [""] * len(columns))


def status(text: str) -> Result:
    return rows({"status": [text]})


def run(session, expression: exp.Expr, parameters, qualified: bool = True) -> Result:
    """Runs a statement that [`sql.prepared`] made. Blocks."""
    connection = session.connection
    cursor: FakeSnowflakeCursor = connection.cursor()
    if qualified:
        cursor.check_db_and_schema(expression)
    for part in cursor._transform_explode(expression):
        part = cursor._transform(part, list(parameters) if isinstance(parameters, tuple) else parameters)
        if part.args.get("table_comment", (None, ""))[1] is None:
            # No comment; fakesnow would write the word None, and that into another database, which no transaction may.
            del part.args["table_comment"]
        cursor._execute(part, parameters if parameters and part.find(exp.Placeholder) else None)
    described = connection._duck_conn.description or []
    return Result(cursor._arrow_table, [str(column[1]) for column in described])


def run_each(session, expression: exp.Expr, rows_of_parameters: list[tuple]) -> Result:
    """Runs a statement once for each row of parameters; the count is that of all."""
    total = 0
    result = status("Statement executed successfully.")
    for parameters in rows_of_parameters:
        result = run(session, sql.prepared(expression, session), parameters)
        total += result.table.column(0)[0].as_py() if result.table.num_rows else 0
    return rows({result.table.column_names[0]: [total]})


def define(state, session, statement: sql.Statement, work) -> Result:
    """Runs a statement that defines something, and keeps what DuckDB has no place for: comments, and views' texts."""
    expression = statement.expression
    described = isinstance(expression, exp.Create) and expression.kind in ("TABLE", "VIEW")
    if isinstance(expression, exp.Comment) and expression.args.get("kind") in ("TABLE", "VIEW"):
        name = sql.full_name(expression.this, session)
        run(session, exp.select("*").from_(expression.this.copy()).limit(0), None)
        state.warehouse.describe(name, expression.expression.name, None)
        return status("Statement executed successfully.")
    if isinstance(expression, exp.Alter) and (comment := sql.comment_of(expression)) is not None:
        run(session, exp.select("*").from_(expression.this.copy()).limit(0), None)
        state.warehouse.describe(sql.full_name(expression.this, session), comment, None)
        return status("Statement executed successfully.")
    if described:
        name = sql.full_name(expression.find(exp.Table), session)
        kept = bool(expression.args.get("exists")) and _exists(session, name)
    result = work()
    if described and not kept:
        text = statement.text.strip() if expression.kind == "VIEW" else None
        state.warehouse.describe(name, sql.comment_of(expression), text)
    if isinstance(expression, exp.Create) and expression.kind == "DATABASE":
        state.warehouse.prepare(session.connection, session.database_name)
    return result


def _exists(session, name: tuple[str, str, str]) -> bool:
    where = "table_catalog = ? AND table_schema = ? AND table_name = ?"
    found = session.connection._duck_conn.execute(f"SELECT 1 FROM system.information_schema.tables WHERE {where}", name)
    return found.fetchone() is not None
