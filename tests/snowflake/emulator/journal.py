"""What was asked of the emulator, for tests to look at."""

from dataclasses import dataclass, field

COUNTS = [
    "logins", "refused_logins", "renewals", "queries", "polls", "chunks", "uploads", "upload_bytes", "closes",
    "copied_files", "copied_rows", "replays", "faults",
]  # fmt: skip


@dataclass
class Journal:
    statements: list[dict] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def statement(self, session, sql: str, in_transaction: bool, code: str | None) -> None:
        self.statements.append(
            {
                "session": session.id,
                "database": session.database_name,
                "sql": sql,
                "in_transaction": in_transaction,
                "ok": code is None,
                "code": code,
            }
        )

    def of_database(self, name: str | None) -> list[dict]:
        return [one for one in self.statements if name is None or one["database"] == name.upper()]

    def clear(self, name: str | None) -> None:
        self.statements = [one for one in self.statements if name is not None and one["database"] != name.upper()]
