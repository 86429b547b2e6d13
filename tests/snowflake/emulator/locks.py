"""The locks of a database's tables: UPDATE, DELETE and MERGE take them, until their transaction ends."""

import asyncio
import time
from collections import deque

from . import errors

# More statements than this can't wait for one lock.
WAITERS = 20


class Database:
    """What the transactions of one database share."""

    def __init__(self):
        self.commits = 0
        """How often something was committed: who has seen fewer has an old view of the tables."""
        self.defining = asyncio.Lock()
        """Held while a statement that defines something runs: DuckDB refuses two at a time."""
        self.holders: dict[str, "object"] = {}
        self.waiting: dict[str, deque] = {}

    async def take(self, table: str, session, query_id: str, settings) -> None:
        """Waits for the lock of `table`, in turn, for as long as the session's LOCK_TIMEOUT says."""
        if self.holders.get(table) is session:
            return
        queue = self.waiting.setdefault(table, deque())
        if len(queue) >= WAITERS:
            why = f"the number of waiters for this lock exceeds the {WAITERS} statements limit"
            raise self._refused(table, query_id, why)
        timeout = session.parameter("LOCK_TIMEOUT", float(settings.lock_timeout_secs))
        begun = time.monotonic()
        queue.append(session)
        try:
            while self.holders.get(table) is not None or queue[0] is not session:
                if time.monotonic() - begun >= timeout:
                    raise self._refused(table, query_id, f"it waited longer than LOCK_TIMEOUT, {timeout:g} s")
                await self._end_idle(self.holders.get(table), settings.idle_abort_secs)
                await asyncio.sleep(0.01)
            self.holders[table] = session
        finally:
            queue.remove(session)

    def release(self, session) -> None:
        for table in [table for table, holder in self.holders.items() if holder is session]:
            del self.holders[table]

    async def _end_idle(self, holder, idle_abort_secs: float) -> None:
        """Rolls the holder's transaction back if nothing was heard of it for too long: its client may be gone."""
        if holder is None or holder.busy.locked() or time.monotonic() - holder.last_used < idle_abort_secs:
            return
        async with holder.busy:
            id = holder.transaction.id if holder.transaction else 0
            await holder.transactions.rollback()
            text = f"Transaction {id} was aborted because it was idle for too long while others waited for its locks."
            holder.told = errors.ServiceError("000632", text, "57014")

    def _refused(self, table: str, query_id: str, why: str) -> errors.ServiceError:
        holder = self.holders.get(table)
        transaction = holder.transaction.id if holder and holder.transaction else 0
        statement = holder.last_query_id if holder else ""
        text = (
            f"Statement '{statement}' has locked table '{table.split('.')[-1]}' in transaction {transaction} and this lock "
            f"has not yet been released.\nYour statement '{query_id}' was aborted because {why}."
        )
        return errors.ServiceError("000625", text, "57014")
