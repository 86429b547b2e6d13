"""Login, renewal of tokens, and the end of a session."""

import gzip
import json
import sys
import uuid

from fakesnow.expr import normalise_ident
from fakesnow.transforms import SERVER_VERSION
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from . import errors, faults, keypair
from .sessions import Session, token_of
from .transactions import Transactions


async def body_of(request) -> dict:
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body) if body else {}


async def login(state, request):
    asked = (await body_of(request)).get("data", {})

    async def work():
        try:
            answer = await _login(state, request.query_params, asked)
        except errors.ServiceError as error:
            state.journal.count("refused_logins")
            return JSONResponse(error.body())
        state.journal.count("logins")
        return JSONResponse(answer)

    return await faults.strike(state.faults.take("login"), request, work)


async def _login(state, query, asked: dict) -> dict:
    settings = state.settings
    _authenticate(settings, asked)
    parameters = asked.get("SESSION_PARAMETERS") or {}
    strict = str(parameters.get("CLIENT_VALIDATE_DEFAULT_PARAMETERS", "false")).lower() == "true"
    role = _name(query.get("roleName")) or settings.roles[0]
    if role not in settings.roles:
        text = (
            f"Role '{role}' specified in the connect string does not exist or not authorized. "
            "Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."
        )
        raise _refused("390189", text)
    database = _known("database", _name(query.get("databaseName")), settings.databases, strict)
    warehouse = _known("warehouse", _name(query.get("warehouse")), settings.warehouses, strict)
    schema = _name(query.get("schemaName"))
    connection = await run_in_threadpool(state.warehouse.connect, database, schema)
    user = settings.user
    session = Session(
        next(state.sessions.ids), connection, state.warehouse.database(database), user, role, warehouse, parameters
    )
    session.transactions = Transactions(state, session)
    token, master = state.sessions.open(session)
    data = {
        "token": token,
        "masterToken": master,
        "validityInSeconds": settings.token_secs,
        "masterValidityInSeconds": settings.master_secs,
        "sessionId": session.id,
        "displayUserName": user,
        "serverVersion": SERVER_VERSION,
        "firstLogin": False,
        "remMeToken": None,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": 45,
        "parameters": [
            {"name": "AUTOCOMMIT", "value": session.parameter("AUTOCOMMIT", True)},
            {"name": "TIMEZONE", "value": "Etc/UTC"},
            {"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3600},
            # Clients take it for the number of rows from which they upload what they bind: never.
            {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
        ],
        "sessionInfo": {
            "databaseName": connection.database,
            "schemaName": connection.schema,
            "warehouseName": warehouse,
            "roleName": role,
        },
        "idToken": None,
        "responseData": None,
    }
    return {"data": data, "code": None, "message": None, "success": True}


def _authenticate(settings, asked: dict) -> None:
    user = (asked.get("LOGIN_NAME") or "").upper()
    if asked.get("AUTHENTICATOR") == "SNOWFLAKE_JWT":
        try:
            keypair.verify(asked.get("TOKEN") or "", settings.public_key, settings.account, settings.user)
        except keypair.Refused as why:
            # The service tells nobody why; whoever debugs a test reads it in the log.
            print(f"refused a token: {why}", file=sys.stderr, flush=True)
            raise _refused("390144", f"JWT token is invalid. [{uuid.uuid4()}]", "KEY_PAIR") from None
        return
    # The password of no user is empty.
    if user != settings.user or not settings.password or asked.get("PASSWORD") != settings.password:
        raise _refused("390100", "Incorrect username or password was specified.")


def _refused(code: str, text: str, method: str = "USERNAME_PASSWORD") -> errors.ServiceError:
    data = {
        "nextAction": "RETRY_LOGIN",
        "authnMethod": method,
        "signInOptions": {},
        "errorCode": code,
        "loginName": None,
    }
    return errors.ServiceError(code, text, data=data)


def _name(text: str | None) -> str | None:
    return normalise_ident(text) if text else None


def _known(kind: str, name: str | None, known: list[str], strict: bool) -> str | None:
    """The name; an unknown one is an error where the client wants its defaults to be checked, else it is none."""
    if name is None or not known or name in known:
        return name
    if strict:
        raise _refused("390201", f"The requested {kind} does not exist or not authorized.")
    return None


async def renew(state, request):
    async def work():
        try:
            session = state.sessions.master(token_of(request))
        except errors.ServiceError as error:
            return JSONResponse(error.body())
        token, master = state.sessions.open(session)
        state.journal.count("renewals")
        data = {
            "sessionToken": token,
            "validityInSecondsST": state.settings.token_secs,
            "masterToken": master,
            "validityInSecondsMT": state.settings.master_secs,
            "sessionId": session.id,
        }
        return JSONResponse({"data": data, "code": None, "message": None, "success": True})

    return await faults.strike(state.faults.take("token"), request, work)


async def session(state, request):
    """The end of a session, or a sign of life."""

    async def work():
        try:
            found = state.sessions.of(request)
        except errors.ServiceError as error:
            return JSONResponse(error.body())
        if request.query_params.get("delete") == "true":
            await close(state, found)
            state.journal.count("closes")
        return JSONResponse({"data": None, "code": None, "message": None, "success": True})

    return await faults.strike(state.faults.take("close"), request, work)


async def close(state, found: Session) -> None:
    """Ends a session: what it has not committed is undone."""
    state.sessions.remove(found)
    async with found.busy:
        await found.transactions.rollback()
        found.connection.close()
