"""How long dbt waits for a service that gives no answer."""

from __future__ import annotations

import os

# A service that restarts is waited for; one that stays away gives the build an error, and the platform tries again later.
# By itself the connector would ask for ever. A long query is none of it: each of its answers ("still running", after 45 s
# at most) begins the time anew.
NETWORK_TIMEOUT_SECS = int(os.environ.get("MILLRACE_DBT_NETWORK_TIMEOUT_SECS") or 300)


def limit() -> None:
    """Call before dbt logs in: its profile has no word for this."""
    if os.environ.get("MILLRACE_DBT_TARGET") != "snowflake":
        return
    try:
        from snowflake.connector import connection
    except ImportError:  # dbt will say what is missing
        return
    _, types = connection.DEFAULT_CONFIGURATION["network_timeout"]
    connection.DEFAULT_CONFIGURATION["network_timeout"] = (NETWORK_TIMEOUT_SECS, types)
