"""Where RabbitMQ is, and as whom to log in: Airflow's connection, as both of the clients here take it."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aio_pika
import pika
from aio_pika.abc import AbstractConnection
from pika.credentials import ExternalCredentials

if TYPE_CHECKING:
    from airflow.sdk import Connection

# Tells each step of each connection at level INFO, which would bury what a task's log is for.
logging.getLogger("pika").setLevel(logging.WARNING)

DEFAULT_CONN_ID = "rabbitmq_default"

# A broker that is gone without a word is noticed after so long.
HEARTBEAT_SECS = 30
# A broker short of memory or disk takes connections and no messages.
BLOCKED_SECS = 30
CONNECT_SECS = 10


@dataclass(frozen=True)
class Address:
    """A vhost at a broker, and a login."""

    host: str
    port: int
    # None: the client's certificate is the login.
    user: str | None
    password: str = field(repr=False)
    vhost: str = "/"
    # PEM files, for `amqps://`; the system's authorities and no certificate of our own if absent.
    tls: bool = False
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None

    @classmethod
    def of(cls, connection: Connection) -> Address:
        """The address that an Airflow connection names.

        `amqps` as its type, or a port of 5671, means TLS; files are named in its extra: `ca_file`, `client_cert_file`,
        `client_key_file`. With a certificate and no login the certificate's common name is the user.
        """
        if not connection.host:
            raise ValueError(f"connection {connection.conn_id} names no host: amqp://USER:PASSWORD@HOST:5672/VHOST")
        extra = connection.extra_dejson
        tls = connection.conn_type == "amqps" or connection.port == 5671
        files = {name: extra.get(name) for name in ("ca_file", "client_cert_file", "client_key_file")}
        if any(files.values()) and not tls:
            raise ValueError(f"connection {connection.conn_id} names certificates: begin it with amqps://")
        return cls(
            host=connection.host,
            port=connection.port or (5671 if tls else 5672),
            user=connection.login or (None if files["client_cert_file"] else "guest"),
            password=connection.password or "guest",
            vhost=connection.schema or "/",
            tls=tls,
            **files,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port} (vhost {self.vhost}, {f'user {self.user}' if self.user else 'by certificate'})"

    def _tls_context(self) -> ssl.SSLContext | None:
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.client_cert_file:
            context.load_cert_chain(self.client_cert_file, self.client_key_file)
        return context

    def connect(self, name: str) -> Any:
        """A connection for a thread of one's own. `name` is what the management page shows."""
        context = self._tls_context()
        by_name = pika.PlainCredentials(self.user, self.password) if self.user else None
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                host=self.host,
                port=self.port,
                virtual_host=self.vhost,
                credentials=by_name or ExternalCredentials(),
                ssl_options=pika.SSLOptions(context, self.host) if context else None,
                heartbeat=HEARTBEAT_SECS,
                blocked_connection_timeout=BLOCKED_SECS,
                socket_timeout=CONNECT_SECS,
                stack_timeout=CONNECT_SECS,
                client_properties={"connection_name": name},
            )
        )

    async def aconnect(self, name: str) -> AbstractConnection:
        """A connection for an event loop."""
        return await aio_pika.connect(
            host=self.host,
            port=self.port,
            virtualhost=self.vhost,
            login=self.user or "",
            password=self.password if self.user else "",
            auth="plain" if self.user else "external",
            ssl=self.tls,
            ssl_context=self._tls_context(),
            timeout=CONNECT_SECS,
            client_properties={"connection_name": name},
            heartbeat=HEARTBEAT_SECS,
        )
