"""A private RabbitMQ node, set up with what operators import, and ended by its process id."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pika

from tests.kit import REPOSITORY, certificates, free_port, wait_for

ADMINISTRATOR = "administrator"
VHOST = "millrace"
WORKERS_OWN = tuple(f"millrace.answers.{stage}." for stage in ("ingest", "transform", "dq"))
ROLES = ("watch", "ingest", "transform", "dq", "operator", "airflow")


def _programs() -> Path:
    """As tests/kit/src/find.rs: Debian's own folder before PATH, where a wrapper changes user and folder."""
    home = os.environ.get("RABBITMQ_HOME")
    places = [Path(home) / "sbin"] if home else []
    places += [
        Path("/usr/lib/rabbitmq/bin"),
        Path("/opt/homebrew/opt/rabbitmq/sbin"),
        Path("/usr/local/opt/rabbitmq/sbin"),
    ]
    places += [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    for place in places:
        if (place / "rabbitmq-server").is_file():
            return place
    raise AssertionError("missing: RabbitMQ: run deploy/dev/rabbitmq.sh, or set RABBITMQ_HOME to where it is")


class Broker:
    """A node with millrace's definitions and a user per role."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-airflow-rabbitmq-"))
        self.port, self.management_port, self.tls_port = free_port(), free_port(), free_port()
        self.certificates = certificates.write(self.folder, "millrace-airflow")
        self.password = secrets.token_hex(12)
        self._environment = self._write_files()
        self._epmd = subprocess.Popen(
            [shutil.which("epmd") or "epmd", "-address", "127.0.0.1", "-port", self._environment["ERL_EPMD_PORT"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self.start()
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _write_files(self) -> dict[str, str]:
        (self.folder / "rabbitmq.conf").write_text(
            f"""listeners.tcp.1 = 127.0.0.1:{self.port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {self.management_port}
default_user = {ADMINISTRATOR}
default_pass = {self.password}
collect_statistics_interval = 250
log.file = false
log.console = true
disk_free_limit.absolute = 1MB
raft.wal_max_size_bytes = 67108864
listeners.ssl.1 = 127.0.0.1:{self.tls_port}
ssl_options.cacertfile = {self.certificates.ca}
ssl_options.certfile = {self.certificates.server}
ssl_options.keyfile = {self.certificates.server_key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
"""
        )
        (self.folder / "plugins").write_text("[rabbitmq_management, rabbitmq_auth_mechanism_ssl].\n")
        home = self.folder / "home"
        home.mkdir()
        cookie = home / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(12))
        cookie.chmod(0o400)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")}
        environment |= {
            "HOME": str(home),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": f"kit{secrets.token_hex(6)}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "rabbitmq.pid"),
            # Makes the script become the Erlang machine: its process id is the one to end.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        (self.folder / "advanced.config").write_text("[].\n")
        return environment

    def start(self) -> None:
        """Starts the node, and waits until it takes connections."""
        with (self.folder / "console.log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(_programs() / "rabbitmq-server")],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Out of reach of a Ctrl-C: it is ended when its test is.
                process_group=0,
            )
        wait_for("RabbitMQ", self._is_up)

    def _is_up(self) -> bool:
        if self._server is not None and self._server.poll() is not None:
            raise AssertionError(f"RabbitMQ ended: {(self.folder / 'console.log').read_text()[-3000:]}")
        try:
            return bool(self.manage("GET", "/api/overview"))
        except (OSError, urllib.error.URLError):
            return False

    def stop(self) -> None:
        """Ends the node in order, as a maintenance does."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(60)
            self._server = None

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(60)
            self._server = None

    def close(self) -> None:
        """Ends all, and removes what it wrote."""
        self.kill()
        self._epmd.kill()
        self._epmd.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _set_up(self) -> None:
        for role in ROLES:
            tags = "monitoring" if role == "operator" else ""
            self.manage("PUT", f"/api/users/millrace-{role}", {"password": self.password, "tags": tags})
        definitions = json.loads((REPOSITORY / "deploy/rabbitmq/definitions.json").read_text())
        self.manage("POST", "/api/definitions", definitions)
        self.manage(
            "PUT",
            f"/api/permissions/{VHOST}/{ADMINISTRATOR}",
            {"configure": ".*", "write": ".*", "read": ".*"},
        )

    def url(self, role: str) -> str:
        """The address for a role's own user."""
        user = role if role == ADMINISTRATOR else f"millrace-{role}"
        return f"amqp://{user}:{self.password}@127.0.0.1:{self.port}/{VHOST}"

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the management API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.management_port}{path}", data=data, method=method)
        login = base64.b64encode(f"{ADMINISTRATOR}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else True

    def queues(self, prefix: str) -> list[str]:
        """The names of the queues that begin so, but for those in which workers hear of cancels."""
        queues = self.manage("GET", f"/api/queues/{quote(VHOST)}")
        names = (queue["name"] for queue in queues)
        return sorted(name for name in names if name.startswith(prefix) and not name.startswith(WORKERS_OWN))

    def consumers(self, prefix: str) -> int:
        """How many consume the queues that begin so. The management API would tell it seconds late."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url(ADMINISTRATOR)))
        try:
            channel = connection.channel()
            names = self.queues(prefix)
            return sum(channel.queue_declare(name, passive=True).method.consumer_count for name in names)
        finally:
            connection.close()

    def in_hand(self, queue: str) -> int:
        """How many messages of a queue its workers have and have not acknowledged."""
        told = self.manage("GET", f"/api/queues/{quote(VHOST)}/{quote(queue)}")
        return int(told.get("messages_unacknowledged", 0))

    def connections(self, name: str) -> int:
        """How many connections there are whose name begins so."""
        told = self.manage("GET", "/api/connections")
        return sum(str(at.get("user_provided_name", "")).startswith(name) for at in told)

    def get(self, queue: str) -> list[dict[str, Any]]:
        """What lies in a queue; it stays there."""
        body = {"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"}
        letters = self.manage("POST", f"/api/queues/{quote(VHOST)}/{quote(queue)}/get", body)
        return list(letters)

    def purge(self, queue: str) -> None:
        """Empties a queue."""
        self.manage("DELETE", f"/api/queues/{quote(VHOST)}/{quote(queue)}/contents")

    def delete_queue(self, queue: str) -> None:
        """Deletes a queue, if it is there."""
        try:
            self.manage("DELETE", f"/api/queues/{quote(VHOST)}/{quote(queue)}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
