"""Queries over HTTP: asked, waited for, asked about again, ended."""

import asyncio
import uuid
from collections import OrderedDict

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from . import errors, execute, faults, login
from .sessions import token_of

# How many queries are kept for those that ask again.
KEPT = 500


class Query:
    def __init__(self, session):
        self.id = str(uuid.uuid4())
        self.session = session
        self.task: asyncio.Task | None = None
        self.polls = 0
        """So many times it is said to run still, whether it does or not."""


class Queries:
    def __init__(self):
        self.by_id: OrderedDict[str, Query] = OrderedDict()
        self.by_request: dict[tuple[int, str], Query] = {}

    def keep(self, query: Query, request_id: str | None) -> None:
        self.by_id[query.id] = query
        if request_id:
            self.by_request[query.session.id, request_id] = query
        while len(self.by_id) > KEPT:
            _, old = self.by_id.popitem(last=False)
            self.by_request = {key: other for key, other in self.by_request.items() if other is not old}


async def request(state, request):
    body = await login.body_of(request)
    sql = body.get("sqlText", "")
    state.journal.count("queries")
    fault = state.faults.take("query", sql)

    async def work():
        try:
            session = state.sessions.of(request)
        except errors.ServiceError as error:
            return JSONResponse(error.body())
        # A client that repeats a request has its id in it: what runs, or has run, is not run again.
        request_id = request.query_params.get("requestId")
        query = state.queries.by_request.get((session.id, request_id))
        if query is None:
            query = Query(session)
            accept = request.headers.get("accept", "")
            asked = execute.Asked(
                sql=sql,
                bindings=body.get("bindings"),
                describe_only=bool(body.get("describeOnly")),
                as_json="application/json" in accept and "application/snowflake" not in accept,
                query_id=query.id,
            )
            query.task = asyncio.create_task(execute.run(state, session, asked))
            state.queries.keep(query, request_id)
        if fault and fault.do == "long":
            query.polls = fault.polls
            return _running(query, "333333")
        at_once = bool(body.get("asyncExec"))
        return await _answer(query, 0 if at_once else state.settings.answer_after_secs, "333334" if at_once else "333333")

    return await faults.strike(fault, request, work, _spoiler(state, request))


def _spoiler(state, request):
    async def spoil(how: str) -> None:
        token = token_of(request)
        if how == "expired":
            state.sessions.expire(token)
        elif token in state.sessions.tokens:
            await login.close(state, state.sessions.tokens[token][0])

    return spoil


async def result(state, request):
    """The answer of a query that took longer."""
    state.journal.count("polls")

    async def work():
        session = state.sessions.of(request)
        query = state.queries.by_id.get(request.path_params["id"])
        if query is None or query.session is not session:
            raise errors.ServiceError("000709", f"Statement {request.path_params['id']} not found", "02000")
        if query.polls > 0:
            query.polls -= 1
            return _running(query, "333334")
        return await _answer(query, state.settings.answer_after_secs, "333334")

    async def answer():
        try:
            return await work()
        except errors.ServiceError as error:
            return JSONResponse(error.body())

    return await faults.strike(state.faults.take("poll"), request, answer, _spoiler(state, request))


async def _answer(query: Query, wait_secs: float, code: str):
    done, _ = await asyncio.wait([query.task], timeout=wait_secs)
    return JSONResponse(query.task.result()) if done else _running(query, code)


def _running(query: Query, code: str) -> JSONResponse:
    data = {
        "getResultUrl": f"/queries/{query.id}/result",
        "queryId": query.id,
        "queryAbortsAfterSecs": 172800,
        "progressDesc": None,
    }
    return JSONResponse({"data": data, "code": code, "message": "Query execution in progress.", "success": True})


async def abort(state, request):
    session = state.sessions.of(request)
    asked = await login.body_of(request)
    query = state.queries.by_request.get((session.id, asked.get("requestId")))
    if query is None or query.task.done():
        raise errors.ServiceError("000605", "Identified SQL statement is not currently executing.", "02000")
    await run_in_threadpool(session.connection._duck_conn.interrupt)
    return JSONResponse({"data": None, "code": None, "message": None, "success": True})


async def monitor(state, request):
    state.sessions.of(request)
    query = state.queries.by_id.get(request.path_params["id"])
    if query is None:
        return JSONResponse({"data": {"queries": []}, "success": True})
    status = "RUNNING" if not query.task.done() else "SUCCESS" if query.task.result()["success"] else "FAILED_WITH_ERROR"
    return JSONResponse({"data": {"queries": [{"id": query.id, "status": status}]}, "success": True})
