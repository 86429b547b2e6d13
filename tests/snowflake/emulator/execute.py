"""One statement in a session, from its text to its answer."""

import asyncio
import sys
import time
import traceback
from dataclasses import dataclass

import duckdb
from fakesnow.converter import from_binding
from fakesnow.statement_type import DML_TYPE_IDS, statement_type_id
from sqlglot import exp
from starlette.concurrency import run_in_threadpool

from . import copy_into, errors, fake, plain, results, sql, stages
from .fake import Result


@dataclass
class Asked:
    sql: str
    bindings: dict | None
    describe_only: bool
    as_json: bool
    query_id: str


async def run(state, session, asked: Asked) -> dict:
    """The answer, whatever happens."""
    async with session.busy:
        in_transaction = session.transaction is not None
        session.last_used = time.monotonic()
        code = None
        try:
            told, session.told = session.told, None
            if told:
                raise told
            answer = await _in_time(state, session, asked)
        except Exception as error:
            failed = errors.of(error)
            if failed.code == "300002":
                traceback.print_exc(file=sys.stderr)
            code, answer = failed.code, failed.body(asked.query_id)
        session.last_used = time.monotonic()
        session.last_query_id = asked.query_id
        state.journal.statement(session, asked.sql, in_transaction, code)
        return answer


async def _in_time(state, session, asked: Asked) -> dict:
    """The answer, if it comes within STATEMENT_TIMEOUT_IN_SECONDS; waiting for locks counts."""
    timeout_secs = session.parameter("STATEMENT_TIMEOUT_IN_SECONDS", 172800)
    task = asyncio.create_task(_run(state, session, asked))
    # Zero is the longest that there is.
    await asyncio.wait([task], timeout=timeout_secs or None)
    if task.done():
        return task.result()
    # DuckDB's thread must be out of the connection before anything else is asked there; what waits here is then cancelled.
    session.connection._duck_conn.interrupt()
    await asyncio.wait([task], timeout=1)
    task.cancel()
    await asyncio.wait([task])
    await _once_free(session)
    text = f"Statement reached its statement or warehouse timeout of {timeout_secs} second(s) and was canceled."
    raise errors.ServiceError("000630", text, "57014")


async def _once_free(session) -> None:
    """Undoes the statement, once its thread has heard that it is interrupted."""
    deadline = time.monotonic() + 15
    while True:
        try:
            return await session.transactions.failed()
        except duckdb.Error as error:
            if "is busy with another call" not in str(error) or time.monotonic() > deadline:
                raise
        session.connection._duck_conn.interrupt()
        await asyncio.sleep(0.05)


async def _run(state, session, asked: Asked) -> dict:
    statement = sql.parse(asked.sql)
    if asked.describe_only and (described := await _described(session, statement)):
        return _answer(state, session, asked, statement, described)
    if statement.kind == "put":
        data = {**stages.put(state, session, statement.expression), "queryId": asked.query_id}
        return {"data": data, "code": None, "message": None, "success": True}
    result = await _result(state, session, asked, statement)
    if result.table.num_rows > state.settings.inline_rows:
        # Writing them takes a while, in which others want to be answered.
        return await run_in_threadpool(_answer, state, session, asked, statement, result)
    return _answer(state, session, asked, statement, result)


async def _result(state, session, asked: Asked, statement: sql.Statement) -> Result:
    transactions, expression = session.transactions, statement.expression
    work = _work(session, expression, asked.bindings)
    match statement.kind:
        case "begin":
            transactions.begin()
        case "commit":
            await transactions.commit()
        case "rollback":
            await transactions.rollback()
        case "nothing":
            return await transactions.define(lambda: fake.status("Statement executed successfully."))
        case "session":
            _set_parameters(session, statement)
        case "list":
            return stages.list_files(state, session, expression)
        case "remove":
            return stages.remove(state, session, expression)
        case "stage":
            return await transactions.define(lambda: stages.define(state, session, expression))
        case "copy":
            return await copy_into.run(state, session, expression)
        case "insert":
            return await transactions.insert(work)
        case "change":
            return await transactions.change(sql.target(expression, session), work, asked.query_id)
        case "define":
            return await transactions.define(lambda: fake.define(state, session, statement, work))
        case _:
            return await _read(state, session, statement, work)
    return fake.status("Statement executed successfully.")


async def _read(state, session, statement: sql.Statement, work) -> Result:
    expression = statement.expression
    if (wait_secs := plain.wait_secs(statement.text)) is not None:
        await asyncio.sleep(wait_secs)
        return fake.rows({"SYSTEM$WAIT": [f"waited {wait_secs:g} seconds"]})
    if shown := plain.shown_parameters(statement.text, session, _defaults(state)):
        return fake.rows(shown)
    if not isinstance(expression, exp.Use):
        return await session.transactions.read(work)
    kind = expression.args.get("kind")
    kind = kind.name.upper() if kind is not None else "DATABASE"
    if kind in ("ROLE", "WAREHOUSE"):
        setattr(session, kind.lower(), expression.this.name.upper())
        return fake.status("Statement executed successfully.")
    if kind.startswith("SECONDARY"):
        return fake.status("Statement executed successfully.")
    result = await session.transactions.read(work)
    session.database = session.transactions.database = state.warehouse.database(session.database_name)
    return result


def _work(session, expression, bindings: dict | None):
    if not bindings:
        return lambda: fake.run(session, sql.prepared(expression, session), None)
    if not all(name.isdigit() for name in bindings):
        named = {name: from_binding(bound) for name, bound in bindings.items()}
        return lambda: fake.run(session, sql.prepared(expression, session), named)
    in_order = [bindings[str(at)] for at in range(1, len(bindings) + 1)]
    if not any(isinstance(bound["value"], list) for bound in in_order):
        values = tuple(from_binding(bound) for bound in in_order)
        return lambda: fake.run(session, sql.prepared(expression, session), values)
    columns = [[from_binding({**bound, "value": value}) for value in bound["value"]] for bound in in_order]
    rows = list(zip(*columns, strict=True))
    return lambda: fake.run_each(session, expression, rows)


async def _described(session, statement: sql.Statement) -> Result | None:
    """What columns a query would have, without its rows."""
    if not isinstance(statement.expression, exp.Query):
        return None
    empty = sql.prepared(statement.expression, session)
    empty = empty.transform(lambda node: exp.Null() if isinstance(node, exp.Placeholder) else node)
    result = await session.transactions.read(lambda: fake.run(session, exp.select("*").from_(empty.subquery("D")).limit(0), None))
    return result


def _set_parameters(session, statement: sql.Statement) -> None:
    if (parameters := plain.session_parameters(statement.text)) is not None:
        session.parameters.update(parameters)
        return
    for action in statement.expression.args.get("actions") or []:
        if not action.args.get("unset"):
            raise errors.unsupported(f"way to follow {statement.text!r}")
        for item in action.expressions:
            session.parameters.pop(item.name.upper(), None)


def _defaults(state) -> dict[str, str]:
    return {
        "ABORT_DETACHED_QUERY": "false",
        "AUTOCOMMIT": "true",
        "LOCK_TIMEOUT": f"{state.settings.lock_timeout_secs:g}",
        "QUERY_TAG": "",
        "STATEMENT_TIMEOUT_IN_SECONDS": "172800",
        "TIMEZONE": "Etc/UTC",
        "TRANSACTION_ABORT_ON_ERROR": "false",
    }


def _answer(state, session, asked: Asked, statement: sql.Statement, result: Result) -> dict:
    type_id = statement_type_id(statement.expression)
    columns = results.rowtype(result.table, result.types)
    count = result.table.num_rows
    if asked.as_json or type_id in DML_TYPE_IDS or not isinstance(statement.expression, exp.Query):
        # What is no query is answered in JSON always.
        rows, more = state.chunks.split(results.rows(result.table), state.settings.host)
        shown = {"rowset": rows, "queryResultFormat": "json", "returned": len(rows) if not more else count, **more}
    else:
        shown = {
            "rowsetBase64": results.arrow(result.table, columns) if count or columns else "",
            "queryResultFormat": "arrow",
            "returned": count,
        }
    data = {
        "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}, {"name": "CLIENT_RESULT_CHUNK_SIZE", "value": 160}],
        "rowtype": columns,
        "total": count,
        "queryId": asked.query_id,
        "databaseProvider": None,
        "finalDatabaseName": session.database_name,
        "finalSchemaName": session.connection.schema,
        "finalWarehouseName": session.warehouse,
        "finalRoleName": session.role,
        "numberOfBinds": len(list(statement.expression.find_all(exp.Placeholder))),
        "arrayBindSupported": isinstance(statement.expression, exp.Insert),
        "statementTypeId": type_id,
        "version": 1,
        "sendResultTime": int(time.time() * 1000),
        **shown,
    }
    return {"data": data, "code": None, "message": None, "success": True}
