"""Runs that a schedule makes: backfills, and what was missed. One logical date is one LOAD_ID."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.kit import wait_for
from tests.kit.mill import Mill
from tests.kit.rest import path
from tests.kit.run import ENDS, Run
from tests.kit.station import Station
from tests.whole import shifts

DAG = "daily_dag"
# Nothing newer is loaded of it than these days.
SOURCE = "rosters"


def _drop(mill: Mill, first: date, content: str = "") -> dict[str, str]:
    """The files of three days, by their days as RAW shows them."""
    days = [str(first + timedelta(days=number)) for number in range(3)]
    return {day: shifts.drop(mill, day, 2 + number, content + day, SOURCE) for number, day in enumerate(days)}


def _backfill(station: Station, days: dict[str, str], **how: Any) -> None:
    span = {"from_date": f"{min(days)}T00:00:00Z", "to_date": f"{max(days)}T23:00:00Z"}
    station.rest.post("backfills", {"dag_id": DAG, **span, **how})


def _ended(station: Station, days: dict[str, str]) -> dict[str, Run]:
    """The runs of these days, which are over, by their days."""

    def over() -> dict[str, Run]:
        told = {run: run.told() for run in station.runs(DAG)}
        found = {str(told[run]["logical_date"])[:10]: run for run in told if told[run]["state"] in ENDS}
        return {day: found[day] for day in days} if days.keys() <= found.keys() else {}

    runs = wait_for("end of the backfill", over)
    for run in runs.values():
        run.succeed()
    # Airflow itself notices the end each half minute, and makes one backfill of a DAG at a time.
    for backfill in station.rest.get("backfills", dag_id=DAG)["backfills"]:
        if backfill["completed_at"] is None:
            station.rest.call("PUT", path("backfills", str(backfill["id"]), "cancel"))
    return runs


def _as_of(mill: Mill, load_id: str) -> list[list[str]]:
    return mill.query(
        "SELECT SOURCE_FILE, CAST(AS_OF AS DATE), COUNT(*) FROM RAW.RAW_LOAD_AUDIT"
        f" WHERE LOAD_ID = '{load_id}' AND STATUS = 'SUCCESS' GROUP BY ALL"
    )


def test_a_backfill_is_a_load_for_each_day_and_the_view_never_moves_back(station: Station, mill: Mill) -> None:
    march = _drop(mill, date(2026, 3, 1))
    # The newest day first: the older ones come later, and are not shown.
    station.pause(DAG, False)
    span = ["--from-date", min(march), "--to-date", f"{max(march)}T23:00:00"]
    station.call("backfill", "create", "--dag-id", DAG, *span, "--run-backwards", "--max-active-runs", "1")
    wait_for("the newest day", lambda: shifts.shown(mill, SOURCE) != [])
    seen: list[list[str]] = []

    def runs_end() -> bool:
        seen.append(shifts.shown(mill, SOURCE))
        return sum(run.state() in ENDS for run in station.runs(DAG)) >= len(march)

    wait_for("end of the backfill", runs_end)
    assert all(days == ["2026-03-03"] for days in seen), seen
    runs = _ended(station, march)
    assert [run.run_id.startswith("backfill__") for run in runs.values()] == [True] * 3
    for (day, file), rows in zip(march.items(), ("2", "3", "4"), strict=True):
        assert _as_of(mill, runs[day].load_id) == [[file, day, "1"]]
        assert shifts.kept(mill, runs[day].load_id, SOURCE) == [[day, rows]]
    order = mill.query(
        "SELECT LOAD_ID FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' AND LOAD_ID LIKE 'daily_dag::%' ORDER BY FINISHED_AT"
    )
    assert [load_id for (load_id,) in order] == [runs[day].load_id for day in sorted(march, reverse=True)]

    # Days before them, though loaded after them.
    february = _drop(mill, date(2026, 2, 20))
    _backfill(station, february)
    _ended(station, february)
    assert shifts.shown(mill, SOURCE) == ["2026-03-03"]

    # The same days anew: the same loads, with what their files say now.
    before = {day: runs[day].task("ingest")["id"] for day in march}
    _drop(mill, date(2026, 3, 1), "mended ")
    _backfill(station, march, reprocess_behavior="completed")
    wait_for("other attempts", lambda: all(runs[day].task("ingest")["id"] != before[day] for day in march))
    again = _ended(station, march)
    assert {day: run.load_id for day, run in again.items()} == {day: run.load_id for day, run in runs.items()}
    for day, rows in zip(march, ("2", "3", "4"), strict=True):
        assert shifts.kept(mill, runs[day].load_id, SOURCE) == [[f"mended {day}", rows]]
    assert shifts.shown(mill, SOURCE) == ["mended 2026-03-03"]
    station.pause(DAG)


def test_missed_runs_are_made_up_each_with_its_own_load(station: Station, mill: Mill) -> None:
    hours = [f"20260201T{hour:02}0000" for hour in range(5)]
    files = [shifts.drop(mill, hour, 1 + number) for number, hour in enumerate(hours)]
    station.pause("hourly_dag", False)
    wait_for("runs", lambda: len(station.runs("hourly_dag")) == len(hours))
    runs = station.runs("hourly_dag")
    for number, (run, hour, file) in enumerate(zip(runs, hours, files, strict=True)):
        run.succeed()
        assert run.run_id.startswith("scheduled__")
        answer = run.xcom("ingest")
        assert (answer["load_id"], answer["command_id"]) == (run.load_id, run.task("ingest")["id"])
        assert [table["rows_loaded"] for table in answer["tables"]] == [number + 1]
        assert _as_of(mill, run.load_id) == [[file, "2026-02-01", "1"]]
        assert shifts.kept(mill, run.load_id) == [[hour, str(number + 1)]]
    station.pause("hourly_dag")
