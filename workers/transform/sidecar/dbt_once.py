"""dbt's command line, once, for as long as somebody holds stdin open: `python dbt_once.py build --select …`.

A build that outlives the worker that wanted it would go on to hold the warehouse, and nobody would hear its result.
"""

import os
import sys
import threading


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(3)  # open transactions roll back when the file is next opened


if __name__ == "__main__":
    threading.Thread(target=end_with_stdin, daemon=True).start()
    import patience
    from dbt.cli.main import cli

    patience.limit()
    cli()
