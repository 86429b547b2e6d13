"""Transactions as Snowflake has them, over DuckDB's.

Snowflake: READ COMMITTED, so that each statement sees what others committed before it began, and own work. UPDATE, DELETE
and MERGE lock their table, INSERT and COPY lock nothing. A failed statement is undone, its transaction goes on.

DuckDB: a snapshot for the whole transaction, an error in place of waiting, and a failed statement spoils all. So a
transaction here is a list of statements that wrote. It is played again, in a new transaction of DuckDB, whenever somebody
else has committed meanwhile, and after a statement that failed.
"""

import time

import duckdb
from starlette.concurrency import run_in_threadpool

from . import errors
from .locks import Database

__all__ = ["Database", "Transactions"]

# How often a statement is tried whose table was changed by others meanwhile.
TRIES = 20


class _Transaction:
    def __init__(self):
        self.id = time.time_ns() // 1_000
        self.seen: int | None = None
        """The commits that DuckDB's transaction has seen; none while DuckDB has none open."""
        self.log: list = []
        self.refused = False


class Transactions:
    """The transactions of one session: at most one at a time."""

    def __init__(self, state, session):
        self.state = state
        self.session = session
        self.database = session.database
        self.duckdb = session.connection._duck_conn

    def begin(self) -> None:
        # A second BEGIN is ignored, as by the service.
        if self.session.transaction is None:
            self.session.transaction = _Transaction()

    async def read(self, work):
        """Runs what changes nothing."""
        self._go_on()
        transaction = self.session.transaction
        if transaction and transaction.log:
            return await self._within(work, keep=False)
        return await self._alone(work)

    async def insert(self, work):
        """Runs what adds rows."""
        self._go_on()
        self._begin_unasked()
        if self.session.transaction:
            return await self._within(work, keep=True)
        result = await self._alone(work)
        self.database.commits += 1
        return result

    async def change(self, table: str, work, query_id: str):
        """Runs what changes or removes rows of `table`, which it locks."""
        self._go_on()
        self._begin_unasked()
        take = self.database.take(table, self.session, query_id, self.state.settings)
        if self.session.transaction:
            try:
                await take
            except errors.ServiceError:
                await self.failed()
                raise
            return await self._within(work, keep=True)
        await take
        try:
            result = await self._alone(work)
            self.database.commits += 1
            return result
        finally:
            self.database.release(self.session)

    async def define(self, work):
        """Runs what defines something: it commits what is open, and then itself."""
        await self.commit()
        async with self.database.defining:
            result = await self._alone(work)
            self.database.commits += 1
            return result

    async def commit(self) -> None:
        """Commits. Without a transaction it does nothing, and says that all is well, as the service does."""
        transaction = self.session.transaction
        if transaction and transaction.log and not transaction.refused:
            for left in reversed(range(TRIES)):
                try:
                    if transaction.seen is None:
                        await self._play()
                    await run_in_threadpool(self.duckdb.execute, "COMMIT")
                    break
                except duckdb.TransactionException:
                    transaction.seen = None
                    if not left:
                        await self.rollback()
                        raise
                except Exception:
                    await self.rollback()
                    raise
            transaction.seen = None
            self.database.commits += 1
        await self.rollback()

    async def rollback(self) -> None:
        await self._undo()
        self.session.transaction = None
        self.database.release(self.session)

    def _go_on(self) -> None:
        if self.session.transaction and self.session.transaction.refused:
            text = "The transaction was aborted by an error; end it with ROLLBACK before the next statement."
            raise errors.ServiceError("000632", text, "25P02")

    def _begin_unasked(self) -> None:
        if not self.session.parameter("AUTOCOMMIT", True):
            self.begin()

    async def _alone(self, work):
        for left in reversed(range(TRIES)):
            try:
                return await run_in_threadpool(work)
            except duckdb.TransactionException:
                if not left:
                    raise

    async def _within(self, work, keep: bool):
        transaction = self.session.transaction
        for left in reversed(range(TRIES)):
            try:
                if transaction.seen != self.database.commits:
                    await self._play()
                result = await run_in_threadpool(work)
                break
            except duckdb.TransactionException:
                await self._undo()
                if not left:
                    raise
            except Exception:
                await self.failed()
                raise
        if keep:
            transaction.log.append(work)
        return result

    async def _play(self) -> None:
        """Opens a transaction of DuckDB anew, and runs in it what the session's transaction has written."""
        transaction = self.session.transaction
        await self._undo()
        transaction.seen = self.database.commits
        await run_in_threadpool(self.duckdb.execute, "BEGIN TRANSACTION")
        for work in transaction.log:
            self.state.journal.count("replays")
            await run_in_threadpool(work)

    async def _undo(self) -> None:
        if self.session.transaction and self.session.transaction.seen is not None:
            await run_in_threadpool(self.duckdb.execute, "ROLLBACK")
            self.session.transaction.seen = None

    async def failed(self) -> None:
        """What becomes of the transaction, if there is one, whose statement failed."""
        if self.session.transaction is None:
            return
        if not self.session.parameter("TRANSACTION_ABORT_ON_ERROR", False):
            await self._undo()
        elif self.state.settings.aborted == "refuse":
            await self._undo()
            self.session.transaction.refused = True
            self.database.release(self.session)
        else:
            await self.rollback()
