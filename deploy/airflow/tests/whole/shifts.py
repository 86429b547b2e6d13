"""Files of the source `shifts`: small, and each known by what is in it."""

from __future__ import annotations

from tests.kit.mill import Mill


def drop(mill: Mill, name: str, rows: int, day: str = "") -> str:
    """Lays a file into the raw folder that has so many rows; its path below it, as a command names it."""
    file = f"shifts_{name}.csv"
    mill.drop(file, "shift_id,day\n" + "".join(f"S-{name}-{number},{day or name}\n" for number in range(rows)))
    return f"source_system/{file}"


def shown(mill: Mill) -> str:
    """The day of the rows that RAW shows: those of one load."""
    days = mill.query("SELECT DISTINCT DAY FROM RAW.SHIFTS")
    assert len(days) == 1, days
    return days[0][0]


def kept(mill: Mill, load_id: str) -> list[list[str]]:
    """The days of a load's rows and their number, whether RAW shows them or not."""
    return mill.query(
        f"SELECT DAY, COUNT(*) FROM RAW_RUN.SHIFTS_RUN WHERE LOAD_ID = '{load_id}' GROUP BY DAY ORDER BY DAY"
    )
