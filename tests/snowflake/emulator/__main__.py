"""Runs the emulator: python -m emulator --port PORT --folder FOLDER …"""

import sys

import uvicorn

from . import app, settings


def main() -> None:
    chosen = settings.read(sys.argv[1:])
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


main()
