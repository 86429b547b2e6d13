"""The emulator as one application: its routes, and what they share."""

import functools
import sys
import traceback

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import chunks, errors, login, query, s3
from .chunks import Chunks
from .faults import Faults
from .journal import Journal
from .sessions import Sessions
from .settings import Settings
from .stages import Stages
from .warehouse import Warehouse


class State:
    def __init__(self, settings: Settings):
        self.settings = settings
        self.journal = Journal()
        self.faults = Faults(self.journal)
        self.sessions = Sessions(settings)
        self.warehouse = Warehouse(settings)
        self.stages = Stages(settings)
        self.chunks = Chunks(settings)
        self.queries = query.Queries()


def application(settings: Settings):
    state = State(settings)

    def route(path: str, handler, *methods: str) -> Route:
        @functools.wraps(handler)
        async def endpoint(request):
            try:
                return await handler(state, request)
            except errors.ServiceError as error:
                return JSONResponse(error.body())
            except Exception as error:
                traceback.print_exc(file=sys.stderr)
                return JSONResponse(errors.of(error).body())

        return Route(path, endpoint, methods=list(methods))

    starlette = Starlette(
        routes=[
            route("/session/v1/login-request", login.login, "POST"),
            route("/session/token-request", login.renew, "POST"),
            # What one client makes of the path above.
            route("//session/token-request", login.renew, "POST"),
            route("/session", login.session, "POST"),
            route("/session/heartbeat", login.session, "POST"),
            route("/queries/v1/query-request", query.request, "POST"),
            route("/queries/v1/abort-request", query.abort, "POST"),
            route("/queries/{id}/result", query.result, "GET"),
            route("/monitoring/queries/{id}", query.monitor, "GET"),
            route("/results/{id}/main/{name}", chunks.fetch, "GET"),
            route("/telemetry/send", _nothing, "POST"),
            route("/emulator/ready", _ready, "GET"),
            route("/emulator/faults", _faults, "POST", "DELETE"),
            route("/emulator/statements", _statements, "GET", "DELETE"),
            route("/emulator/counts", _counts, "GET"),
            route("/{bucket}/{key:path}", s3.endpoint, "GET", "HEAD", "PUT", "POST", "DELETE"),
        ]
    )

    async def asgi(scope, receive, send):
        # For faults, which close it.
        scope["emulator.transport"] = receive.__self__.transport if hasattr(receive, "__self__") else None
        await starlette(scope, receive, send)

    return asgi


async def _nothing(state, request):
    return JSONResponse({"success": True})


async def _ready(state, request):
    return Response("ready\n")


async def _faults(state, request):
    if request.method == "DELETE":
        state.faults.clear()
        return Response("cleared\n")
    try:
        state.faults.arm(await request.json())
    except (TypeError, ValueError) as error:
        return Response(f"{error}\n", status_code=400)
    return Response("armed\n")


async def _statements(state, request):
    database = request.query_params.get("database")
    if request.method == "DELETE":
        state.journal.clear(database)
        return Response("cleared\n")
    return JSONResponse(state.journal.of_database(database))


async def _counts(state, request):
    return JSONResponse(state.journal.counts)
