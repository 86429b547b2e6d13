"""Files of the source `shifts`, or of another of its shape: small, and each known by what is in it."""

from __future__ import annotations

from tests.kit.mill import Mill


def drop(mill: Mill, name: str, rows: int, day: str = "", source: str = "shifts") -> str:
    """Lays a file into the raw folder that has so many rows; its path below it, as a command names it."""
    file = f"{source}_{name}.csv"
    mill.drop(file, "shift_id,day\n" + "".join(f"S-{name}-{number},{day or name}\n" for number in range(rows)))
    return f"source_system/{file}"


def shown(mill: Mill, source: str = "shifts") -> list[str]:
    """The days of the rows that RAW shows: one, if they are those of one load of one file."""
    return [day for (day,) in mill.query(f"SELECT DISTINCT DAY FROM RAW.{source.upper()}")]


def kept(mill: Mill, load_id: str, source: str = "shifts") -> list[list[str]]:
    """The days of a load's rows and their number, whether RAW shows them or not."""
    return mill.query(
        f"SELECT DAY, COUNT(*) FROM RAW_RUN.{source.upper()}_RUN WHERE LOAD_ID = '{load_id}' GROUP BY DAY ORDER BY DAY"
    )
