"""A server of another program, with all that it starts, ended by its process group."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class Process:
    """A program that is started, killed and started again; all that it writes is in one log."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path, user: str | None = None
    ) -> None:
        self._command, self._environment, self._folder, self._user = list(command), dict(environment), folder, user
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, out of reach of a Ctrl-C: it is ended when its test is."""
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )

    def check(self) -> None:
        """Fails, with what it wrote, if it runs no more."""
        if self._running is not None and (code := self._running.poll()) is not None:
            raise AssertionError(f"{self._command[0]} ended with {code}: {self.log()[-3000:]}")

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        assert self._running is not None
        return self._running.pid

    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill(self) -> None:
        """Ends it and what it started, as a crash of its machine does."""
        self._end(signal.SIGKILL, 30)

    def stop(self, sign: signal.Signals = signal.SIGTERM, timeout_secs: float = 30) -> None:
        """Ends it in order."""
        self._end(sign, timeout_secs)

    def _end(self, sign: signal.Signals, timeout_secs: float) -> None:
        process, self._running = self._running, None
        if process is None:
            return
        # Only the first process is told to end in order, and tells its own; the group is ended with it.
        if sign is not signal.SIGKILL:
            process.send_signal(sign)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout_secs)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
