"""The same rows in RAW give the same rows in every model, on DuckDB and on Snowflake."""

import csv
import datetime
import unittest
from decimal import Decimal
from typing import Any

import emulated
from test_models import MATERIALS, ORDERS, batch
from warehouse import Sidecar, Warehouse

SAMPLE = emulated.ROOT / "data" / "raw" / "source_system"

# A fingerprint is told by each warehouse in its own way; it is only ever compared with itself.
OWN_WAY = {"row_hash"}

DIRTY = [
    batch("B1", material_id="MAT-404", production_order_id="PO-404", status="LOST", quantity_produced="many"),
    batch(" b1 ", quantity_produced="2"),
    batch(""),
    batch("B2", end_time="not yet", temperature_c_avg="nan", quantity_rejected="41"),
    batch("B3", quantity_produced="999999999999", quantity_rejected="999999999999", temperature_c_avg="80.5"),
    batch("B4", quantity_produced="1e2", quantity_rejected="1.2345", start_time="2026-01-01T05:00:00+02:00"),
    batch("B5", quantity_produced="0", end_time="", status="IN_PROCESS", pressure_bar_avg=".5"),
    batch("B6", start_time="1767250800", end_time="2026-02-30 08:00:00"),
    batch("B7", start_time="2026/01/04 23:59:59.1234567", end_time="2026-01-05T00:00:00.25Z", plant="", line="L2"),
    batch("B8", start_time="01/02/2026 07:00:00", end_time="2026-01-01T06", plant="Werk Süd"),
    batch("B9", start_time="2026-01-04", end_time="2026-01-04 00:01", shift="früh", remarks="  a 'quoted' \\ text\n"),
]
DIRTY_MATERIALS = [
    *MATERIALS,
    {"material_id": "MAT-3", "material_type": "RAW", "standard_cost": "99999999999.99995", "lead_time_days": "99999999999"},
    {"material_id": "mat-3", "material_type": "RAW", "standard_cost": "0.00005", "lead_time_days": "3.5"},
]
DIRTY_ORDERS = [
    *ORDERS,
    {**ORDERS[0], "production_order_id": "PO-2", "actual_end": "", "order_status": "CANCELLED", "plant": ""},
    {**ORDERS[0], "production_order_id": "PO-3", "actual_end": "2026-01-01T05:00:00Z", "planned_quantity": "0", "line": ""},
]


@unittest.skipIf(emulated.MISSING, emulated.MISSING)
class BothWarehouses(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.warehouses = [Warehouse(), emulated.Emulator()]
        cls.sidecars = [Sidecar(warehouse) for warehouse in cls.warehouses]

    @classmethod
    def tearDownClass(cls) -> None:
        for sidecar in cls.sidecars:
            sidecar.stop()
        for warehouse in cls.warehouses:
            warehouse.close()

    def deliver(self, load_id: str, materials: list, orders: list, batches: list) -> None:
        for warehouse in self.warehouses:
            warehouse.deliver("MATERIALS", f"{load_id}-m", *materials)
            warehouse.deliver("PRODUCTION_ORDERS", f"{load_id}-o", *orders)
            warehouse.deliver("BATCHES", f"{load_id}-b", *batches)

    def build(self, select: str) -> None:
        """Builds on both: every node must end the same way, and every model hold the same rows."""
        told = []
        for sidecar in self.sidecars:
            nodes, done = sidecar.build(select)
            self.assertEqual((done["rc"], done["error"]), (0, None), [node for node in nodes.values() if node["status"] == "error"])
            told.append({name: (node["status"], node["failures"]) for name, node in nodes.items()})
        self.assertEqual(*told)
        models = [(name, node["relation"]) for name, node in nodes.items() if node["resource_type"] == "model"]
        self.assertTrue(models)
        for name, relation in models:
            ours, theirs = (rows_of(warehouse, ".".join(relation.split(".")[1:])) for warehouse in self.warehouses)
            self.assertTrue(ours, name)
            self.assertEqual(ours, theirs, name)

    def test_rows_as_they_really_come(self) -> None:
        self.deliver("dirty", DIRTY_MATERIALS, DIRTY_ORDERS, DIRTY)
        self.build("*")
        corrected = [{**row, "quantity_rejected": "7"} if row["batch_id"] == "B9" else row for row in DIRTY[2:]]
        self.deliver("dirty2", [{**DIRTY_MATERIALS[0], "standard_cost": "3"}, *DIRTY_MATERIALS[1:]], DIRTY_ORDERS, corrected)
        self.build("source:raw.batches+")
        self.build("source:raw.materials+")

    def test_the_sample(self) -> None:
        self.deliver("sample", sample("materials"), sample("production_orders"), sample("batches")[:400])
        self.build("*")


def sample(name: str) -> list[dict[str, str]]:
    with open(SAMPLE / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_of(warehouse: Any, relation: str) -> list[list[str]]:
    columns = [name.lower() for (name,) in warehouse.query(
        "select column_name from information_schema.columns"
        f" where table_schema || '.' || lower(table_name) = '{relation.replace(chr(34), '')}' order by ordinal_position"
    )]
    kept = [column for column in columns if column not in OWN_WAY]
    rows = warehouse.query(f"select {', '.join(kept)} from {relation}")
    return sorted([f"{column}={text(value)}" for column, value in zip(kept, row, strict=True)] for row in rows)


def text(value: Any) -> str:
    """How many zeros stand behind a decimal is no difference; whether it is a float is one."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return repr(value.isoformat() if isinstance(value, datetime.date) else value)
    return format(Decimal(value).normalize(), "f")


if __name__ == "__main__":
    unittest.main()
