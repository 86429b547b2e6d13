"""Runs the emulator: python -m emulator --port PORT --folder FOLDER …"""

import os
import sys
import threading

import uvicorn

from . import app, settings


def main() -> None:
    chosen = settings.read(sys.argv[1:])
    if chosen.end_with_input:
        threading.Thread(target=_end_with_input, daemon=True).start()
    application = app.application(chosen)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=chosen.port,
        http="h11",
        lifespan="off",
        log_level="warning",
        access_log=False,
        # Longer than any client keeps a connection that it does not use: never the emulator's doing that one breaks.
        timeout_keep_alive=600,
    )


def _end_with_input() -> None:
    """Whoever holds the other end of standard input is gone, however it went."""
    while os.read(0, 4096):
        pass
    os._exit(0)


main()
