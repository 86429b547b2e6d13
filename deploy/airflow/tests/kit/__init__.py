"""What the tests run against: a private broker, real workers, and Airflow with a metadata database of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import TypeVar

REPOSITORY = Path(__file__).resolve().parents[4]
AIRFLOW = REPOSITORY / "deploy/airflow"

# Longer than anything takes that is not stuck, on a busy machine with two cores.
DEADLINE_SECS = 120.0

T = TypeVar("T")


def free_port() -> int:
    """A port below those that systems give to outgoing connections, so that nobody takes it while its server is down."""
    while True:
        port = 10_000 + SystemRandom().randrange(22_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(what: str, ready: Callable[[], T | None], deadline_secs: float = DEADLINE_SECS) -> T:
    """The first result that is true."""
    end = time.monotonic() + deadline_secs
    while time.monotonic() < end:
        if result := ready():
            return result
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {deadline_secs} s")
