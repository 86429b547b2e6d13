"""A throw-away warehouse as the platform makes it, and the sidecar at work on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

TRANSFORM = Path(__file__).resolve().parents[2]
PROJECT = TRANSFORM / "dbt"
SIDECAR = TRANSFORM / "sidecar" / "millrace_dbt.py"

COLUMNS = {
    "MATERIALS": "material_id material_name material_type unit_of_measure standard_cost currency supplier_id"
    " lead_time_days created_at",
    "PRODUCTION_ORDERS": "production_order_id material_id plant line planned_quantity actual_quantity planned_start"
    " planned_end actual_start actual_end order_status priority",
    "BATCHES": "batch_id production_order_id material_id plant line shift quantity_produced quantity_rejected start_time"
    " end_time status operator_id temperature_c_avg pressure_bar_avg remarks",
}


LINEAGE = "LOAD_ID varchar, SOURCE_FILE varchar, SOURCE_ROW bigint, LOADED_AT timestamp"


class Warehouse:
    """A DuckDB file with empty RAW tables; `deliver` replaces what one source shows."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.path = self.folder / "mill.duckdb"
        self.environment = {"MILLRACE_DUCKDB_PATH": str(self.path)}
        with duckdb.connect(str(self.path)) as db:
            db.execute("create schema RAW; create schema RAW_RUN")
            for table, columns in COLUMNS.items():
                typed = ", ".join(f"{column} varchar" for column in columns.split())
                db.execute(f"create table RAW_RUN.{table}_RUN ({typed}, {LINEAGE})")
                db.execute(f"create view RAW.{table} as select * from RAW_RUN.{table}_RUN")

    def deliver(self, table: str, load_id: str, *rows: dict[str, str]) -> None:
        with duckdb.connect(str(self.path)) as db:
            db.execute(f"delete from RAW_RUN.{table}_RUN")
            for number, row in enumerate(rows, 1):
                values = [row.get(column) for column in COLUMNS[table].split()]
                values += [load_id, f"{table.lower()}.csv", number, "2026-11-23 12:00:00"]
                db.execute(f"insert into RAW_RUN.{table}_RUN values ({', '.join('?' * len(values))})", values)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Opens the file for writing, so it also proves that nobody else holds it."""
        with duckdb.connect(str(self.path)) as db:
            return db.execute(sql).fetchall()

    def close(self) -> None:
        self._folder.cleanup()


class Sidecar:
    """The process under test, on a DuckDB file or the emulator; `first` is what it said at the start."""

    def __init__(self, warehouse: Any, project: Path = PROJECT) -> None:
        self.project = project
        self.environment = {
            **os.environ,
            **warehouse.environment,
            "DBT_TARGET_PATH": str(warehouse.folder / "target"),
            "DBT_LOG_PATH": str(warehouse.folder / "logs"),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(SIDECAR), str(project)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            text=True,
        )
        self.first = self._read()

    def ask(self, request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The nodes by name, and `done`."""
        self.send(request)
        nodes = {}
        while (event := self._read())["event"] == "node":
            nodes[event["name"]] = event
        return nodes, event

    def build(self, *select: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.ask({"id": "1", "op": "build", "select": list(select), **more})

    def send(self, request: Any) -> None:
        line = request if isinstance(request, str) else json.dumps(request)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code

    def _read(self) -> dict[str, Any]:
        return json.loads(self.process.stdout.readline())
