"""A private PostgreSQL server with one empty database, ended by its process id."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]

from tests.kit import free_port, wait_for
from tests.kit.process import Process

USER = DATABASE = "airflow"
# It refuses to run as root: what root starts runs as the user that Debian's package makes.
UNPRIVILEGED = "postgres"


def _programs() -> Path:
    """The newest one where systems put them, as deploy/dev/postgres.sh looks for it."""
    home = os.environ.get("POSTGRES_HOME")
    places = [Path(home) / "bin"] if home else []
    for folder, pattern in (
        ("/usr/lib/postgresql", "*/bin"),
        ("/usr", "pgsql-*/bin"),
        ("/opt/homebrew/opt", "postgresql@*/bin"),
        ("/usr/local/opt", "postgresql@*/bin"),
    ):
        places += sorted(Path(folder).glob(pattern), key=_version, reverse=True)
    places += [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    for place in places:
        if (place / "postgres").is_file():
            return place
    raise AssertionError("missing: PostgreSQL: run deploy/dev/postgres.sh, or set POSTGRES_HOME to where it is")


def _version(programs: Path) -> int:
    digits = "".join(char for char in programs.parent.name if char.isdigit())
    return int(digits or 0)


class Postgres:
    """A server on the loopback interface. Nothing of it outlives a crash of the machine, which makes it quick."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-airflow-postgres-"))
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user, self._user)
        data = self.folder / "data"
        try:
            self._make(data)
            settings = {
                "listen_addresses": "127.0.0.1",
                "port": self.port,
                "unix_socket_directories": "",
                "max_connections": 200,
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
            command = [str(_programs() / "postgres"), "-D", str(data)]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            self._server = Process(command, self._environment(), self.folder, self.folder / "log", self._user)
            self._server.start()
            wait_for("PostgreSQL", self._is_up)
            self._run("CREATE DATABASE " + DATABASE)
        except BaseException:
            self.close()
            raise

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {"LC_ALL": "C.UTF-8", "HOME": str(self.folder), "TZ": "UTC"}

    def _make(self, data: Path) -> None:
        word = self.folder / "password"
        word.write_text(self.password)
        word.chmod(0o600)
        if self._user:
            shutil.chown(word, self._user, self._user)
        command = [str(_programs() / "initdb"), "--pgdata", str(data), "--username", USER, "--pwfile", str(word)]
        ended = subprocess.run(
            [*command, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
        )
        word.unlink()
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _is_up(self) -> bool:
        self._server.check()
        try:
            self._run("SELECT 1")
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, sql: str) -> None:
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres"
        )
        try:
            connection.autocommit = True
            connection.cursor().execute(sql)
        finally:
            connection.close()

    def url(self) -> str:
        """The database's address, as Airflow takes it."""
        return f"postgresql+psycopg2://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def close(self) -> None:
        """Ends it, and removes what it wrote."""
        if hasattr(self, "_server"):
            # Its processes have groups of their own; told so, they end at once.
            self._server.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
