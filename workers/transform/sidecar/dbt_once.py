"""dbt's command line, once, for as long as somebody holds stdin open: `python dbt_once.py build --select …`.

A build that outlives the worker that wanted it would go on to hold the warehouse, and nobody would hear its result.
"""

import os
import threading


def end_with_stdin() -> None:
    # Not through sys.stdin: Python ends with an error of its own if its lock is held then.
    while os.read(0, 4096):
        pass
    os._exit(3)  # open transactions roll back when the file is next opened


if __name__ == "__main__":
    threading.Thread(target=end_with_stdin, daemon=True).start()
    import patience
    from dbt.cli.main import cli

    patience.limit()
    cli()
