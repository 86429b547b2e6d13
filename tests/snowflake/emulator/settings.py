"""What can be set when the emulator starts."""

import argparse
from dataclasses import dataclass, field


@dataclass
class Settings:
    port: int
    folder: str
    account: str = "TESTACCOUNT"
    user: str = "MILLRACE"
    password: str = ""
    public_key: str = ""
    """The user's public key as PEM; without one, tokens made from key pairs are refused."""
    roles: list[str] = field(default_factory=lambda: ["MILLRACE_LOADER", "PUBLIC"])
    warehouses: list[str] = field(default_factory=lambda: ["MILLRACE_WH"])
    databases: list[str] = field(default_factory=list)
    """The databases that exist; without any, a database is made by the first login that names it."""
    token_secs: int = 3600
    master_secs: int = 14400
    idle_abort_secs: float = 300
    """After how long without a statement a transaction that others wait for is rolled back."""
    lock_timeout_secs: float = 60
    """LOCK_TIMEOUT of sessions that set none. The service's own is twelve hours: no test should be stuck for so long."""
    answer_after_secs: float = 45
    """After how long a query is answered with where to ask for its result."""
    inline_rows: int = 1000
    """Rows of a JSON result that come in the answer; the others come in chunks."""
    chunk_rows: int = 5000
    aborted: str = "rolled-back"
    """What follows a failed statement where TRANSACTION_ABORT_ON_ERROR is set: later statements of the transaction
    commit by themselves (rolled-back), or fail until COMMIT or ROLLBACK (refuse)."""
    on_disk: bool = False
    """Keeps tables in files below the folder rather than in memory."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


def read(arguments: list[str]) -> Settings:
    defaults = Settings(port=0, folder="")
    parser = argparse.ArgumentParser(prog="emulator", description="A stand-in for Snowflake, for tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True, help="where staged files and results lie")
    for name in ("account", "user", "password", "public_key"):
        parser.add_argument(option(name), default=getattr(defaults, name))
    for name in ("token_secs", "master_secs", "inline_rows", "chunk_rows"):
        parser.add_argument(option(name), type=int, default=getattr(defaults, name))
    for name in ("idle_abort_secs", "lock_timeout_secs", "answer_after_secs"):
        parser.add_argument(option(name), type=float, default=getattr(defaults, name))
    for name in ("role", "warehouse", "database"):
        parser.add_argument(option(name), action="append", dest=f"{name}s", help="one that exists; may be repeated")
    parser.add_argument("--aborted", choices=["rolled-back", "refuse"], default=defaults.aborted)
    parser.add_argument("--on-disk", action="store_true")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    return Settings(**given)


def option(name: str) -> str:
    return "--" + name.replace("_", "-")
