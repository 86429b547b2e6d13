"""What the models promise about data as it really comes."""

import unittest

from warehouse import Sidecar, Warehouse

MATERIALS = [
    {"material_id": "MAT-1", "material_name": "Flour", "material_type": "finished", "standard_cost": "2.50"},
    {"material_id": "MAT-2", "material_type": "COMPOST", "standard_cost": "-1"},
]
ORDERS = [
    {
        "production_order_id": "PO-1",
        "material_id": "MAT-1",
        "plant": "P1",
        "line": "L1",
        "planned_quantity": "100",
        "actual_quantity": "90",
        "planned_start": "2026-01-01T06:00:00Z",
        "planned_end": "2026-01-01T18:00:00Z",
        "actual_start": "2026-01-01T06:30:00Z",
        "actual_end": "2026-01-01T19:00:00Z",
        "order_status": "completed",
    },
]


def batch(batch_id: str, **values: str) -> dict[str, str]:
    return {
        "batch_id": batch_id,
        "production_order_id": "PO-1",
        "material_id": "MAT-1",
        "plant": "P1",
        "line": "L1",
        "quantity_produced": "40",
        "quantity_rejected": "10",
        "start_time": "2026-01-01 07:00:00",
        "end_time": "2026-01-01 08:30:00",
        "status": "RELEASED",
        **values,
    }


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.warehouse = Warehouse()
        cls.sidecar = Sidecar(cls.warehouse)
        cls.warehouse.deliver("MATERIALS", "load-m", *MATERIALS)
        cls.warehouse.deliver("PRODUCTION_ORDERS", "load-o", *ORDERS)
        _, done = cls.sidecar.build("*")
        assert done["rc"] == 0, done

    @classmethod
    def tearDownClass(cls) -> None:
        cls.sidecar.stop()
        cls.warehouse.close()

    def deliver(self, load_id: str, *rows: dict[str, str]) -> dict:
        self.warehouse.deliver("BATCHES", load_id, *rows)
        nodes, done = self.sidecar.build("source:raw.batches+")
        self.assertEqual(done["rc"], 0, nodes)
        return nodes

    def one(self, sql: str) -> tuple:
        rows = self.warehouse.query(sql)
        self.assertEqual(len(rows), 1, sql)
        return rows[0]

    def everything(self) -> dict[str, list]:
        tables = self.warehouse.query(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('CORE', 'MARTS') order by 1"
        )
        return {name: self.warehouse.query(f"select * from {name} order by all") for (name,) in tables}

    def test_measures(self) -> None:
        self.deliver("load-1", batch("B1"), batch("B2", end_time="", status="IN_PROCESS", quantity_produced="0"))
        self.assertEqual(
            self.one(
                "select quantity_good, yield_rate, scrap_rate, cycle_time_minutes, is_within_schedule, load_id, source_row"
                " from CORE.core_batches where batch_id = 'B1'"
            ),
            (30, 0.75, 0.25, 90, True, "load-1", 1),
        )
        self.assertEqual(
            self.one("select yield_rate, scrap_rate, cycle_time_minutes from CORE.core_batches where batch_id = 'B2'"),
            (None, None, None),
        )
        self.assertEqual(
            self.one("select start_delay_minutes, end_delay_minutes, is_on_time, quantity_adherence from CORE.core_production_orders"),
            (30, 60, False, 0.9),
        )
        self.assertEqual(
            self.one(
                "select batch_count, released_batch_count, quantity_produced, schedule_adherence, load_ids, order_load_ids"
                " from MARTS.mart_daily_plant_line_kpis"
            ),
            (2, 1, 40, 0, "load-1", "load-o"),
        )
        self.assertEqual(
            self.one("select scrap_cost from MARTS.mart_material_performance where material_id = 'MAT-1'"), (50,)
        )

    def test_of_two_rows_for_one_batch_the_later_wins(self) -> None:
        self.deliver("load-1", batch("B1", quantity_produced="1"), batch(" b1 ", quantity_produced="2"), batch(""))
        self.assertEqual(
            self.one("select batch_id, quantity_produced, source_row from MARTS.mart_batch_features join CORE.core_batches using (batch_id, source_row)"),
            ("B1", 2, 2),
        )

    def test_dirty_values_warn_and_do_not_stop(self) -> None:
        nodes = self.deliver(
            "load-1",
            batch("B1", material_id="MAT-404", production_order_id="PO-404", status="LOST", quantity_produced="many"),
            batch("B2", end_time="not yet", temperature_c_avg="nan", quantity_rejected="41"),
            batch("B3", quantity_produced="999999999999", quantity_rejected="999999999999", temperature_c_avg="80.5"),
        )
        warned = {name.split("_core_batches")[0] for name, node in nodes.items() if node["status"] == "warn"}
        self.assertEqual(warned, {"accepted_values", "relationships", "not_null", "in_range"})
        features = "select temperature_c_avg, is_temperature_imputed from MARTS.mart_batch_features where batch_id = "
        self.assertEqual(self.one(features + "'B2'"), (80.5, True))
        self.assertEqual(self.one(features + "'B3'"), (80.5, False))

    def test_incremental_fact_is_a_function_of_raw(self) -> None:
        self.deliver("load-1", batch("B1"), batch("B2"), batch("B3"))
        self.deliver("load-2", batch("B1"), batch("B2", quantity_rejected="20"))
        incremental = self.everything()
        self.assertEqual(
            self.warehouse.query("select batch_id, quantity_rejected, load_id from CORE.core_fct_batch_output order by 1"),
            [("B1", 10, "load-2"), ("B2", 20, "load-2")],
        )
        self.sidecar.build("source:raw.batches+")
        self.assertEqual(self.everything(), incremental, "a rerun changes nothing")
        self.sidecar.build("*", full_refresh=True)
        self.assertEqual(self.everything(), incremental, "a full refresh gives the same")

    def test_corrected_master_data_reaches_the_fact(self) -> None:
        self.deliver("load-1", batch("B1"))
        for load_id, cost, scrap_cost in (("load-m2", "5", 50), ("load-m", "2.50", 25)):
            self.warehouse.deliver("MATERIALS", load_id, {**MATERIALS[0], "standard_cost": cost}, MATERIALS[1])
            self.sidecar.build("source:raw.materials+")
            self.assertEqual(self.one("select scrap_cost from CORE.core_fct_batch_output"), (scrap_cost,))


if __name__ == "__main__":
    unittest.main()
