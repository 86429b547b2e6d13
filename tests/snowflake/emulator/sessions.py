"""Sessions and their tokens."""

import asyncio
import itertools
import secrets
import time

from . import errors


class Session:
    """One login. Its statements run one after the other."""

    def __init__(self, id: int, connection, database, user: str, role: str, warehouse: str | None, parameters: dict):
        self.id = id
        self.connection = connection
        self.database = database
        self.user = user
        self.role = role
        self.warehouse = warehouse
        self.parameters = {name.upper(): value for name, value in parameters.items()}
        self.busy = asyncio.Lock()
        self.transaction = None
        self.told = None
        """An error that its next statement is to have."""
        self.temporary: set[str] = set()
        self.last_used = time.monotonic()
        self.last_query_id = ""

    @property
    def database_name(self) -> str | None:
        return self.connection.database

    def parameter(self, name: str, default):
        value = self.parameters.get(name, default)
        if isinstance(default, bool):
            return str(value).lower() in ("true", "1", "on")
        return type(default)(value)


class Sessions:
    def __init__(self, settings):
        self.settings = settings
        self.ids = itertools.count(10_000_000_001)
        self.tokens: dict[str, tuple[Session, float]] = {}
        self.masters: dict[str, tuple[Session, float]] = {}

    def open(self, session: Session) -> tuple[str, str]:
        """A session token and a master token."""
        now = time.monotonic()
        token, master = secrets.token_urlsafe(96), secrets.token_urlsafe(96)
        self.tokens[token] = (session, now + self.settings.token_secs)
        self.masters[master] = (session, now + self.settings.master_secs)
        return token, master

    def of(self, request) -> Session:
        return self.find(token_of(request))

    def find(self, token: str) -> Session:
        if token not in self.tokens:
            raise errors.gone()
        session, until = self.tokens[token]
        if time.monotonic() >= until:
            raise errors.expired()
        return session

    def master(self, token: str) -> Session:
        if token not in self.masters:
            raise errors.ServiceError("390113", "Master token not found. New login required.", data=None)
        session, until = self.masters[token]
        if time.monotonic() >= until:
            text = "Authentication token has expired.  The user must authenticate again."
            raise errors.ServiceError("390114", text, data=None)
        return session

    def expire(self, token: str) -> None:
        if token in self.tokens:
            self.tokens[token] = (self.tokens[token][0], 0.0)

    def remove(self, session: Session) -> None:
        for tokens in (self.tokens, self.masters):
            for token in [token for token, (other, _) in tokens.items() if other is session]:
                del tokens[token]


def token_of(request) -> str:
    header = request.headers.get("authorization", "")
    if not header.startswith('Snowflake Token="'):
        raise errors.ServiceError("390103", "Session token not found in the request data.", data=None)
    return header[len('Snowflake Token="') : -1]
