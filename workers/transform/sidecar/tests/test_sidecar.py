"""The protocol: what the Rust driver may rely on."""

import re
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

from warehouse import PROJECT, SIDECAR, Sidecar, Warehouse

ENDLESS = "select sum(a.range * b.range) as s from range(10000000) a, range(1000000) b"


def files(folder: Path) -> dict[str, bytes]:
    """What dbt has left there, but for what each of its commands notes and none reads."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "graph_summary.json")
    return {str(path): path.read_bytes() for path in paths}


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.warehouse = Warehouse()
        cls.sidecar = Sidecar(cls.warehouse)

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.sidecar.stop() == 0, "the end of stdin is a normal end"
        cls.warehouse.close()

    def test_says_what_it_parsed(self) -> None:
        ready = self.sidecar.first
        self.assertEqual((ready["event"], ready["protocol"]), ("ready", 1))
        self.assertEqual(ready["sources"], ["raw.batches", "raw.materials", "raw.production_orders"])

    def test_first_build_of_any_source_brings_what_it_reads(self) -> None:
        self.warehouse.query("drop schema if exists STAGING cascade; drop schema if exists CORE cascade")
        sidecar = Sidecar(self.warehouse)
        nodes, done = sidecar.build("source:raw.batches+")
        self.assertEqual((done["rc"], done["error"]), (0, None))
        self.assertIn("core_materials", nodes)
        nodes, _ = sidecar.build("source:raw.batches+")
        self.assertNotIn("core_materials", nodes)
        sidecar.stop()

    def test_tells_each_node_and_lets_go_of_the_file(self) -> None:
        nodes, done = self.sidecar.build("source:raw.materials+")
        self.assertEqual((done["id"], done["rc"]), ("1", 0))
        node = nodes["core_materials"]
        self.assertEqual((node["resource_type"], node["materialization"], node["status"]), ("model", "table", "success"))
        self.assertEqual(node["relation"], '"mill"."CORE"."core_materials"')
        for time_of in ("started_at", "finished_at"):
            self.assertRegex(node[time_of], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        test = nodes["unique_core_materials_material_id"]
        self.assertEqual((test["resource_type"], test["status"], test["failures"]), ("test", "pass", 0))
        self.warehouse.query("create table held_by_nobody as select 1; drop table held_by_nobody")

    def test_upper_case_schemas_and_nothing_in_main(self) -> None:
        self.sidecar.build("*")
        schemas = self.warehouse.query("select distinct table_schema from information_schema.tables order by 1")
        self.assertEqual([name for (name,) in schemas], ["CORE", "MARTS", "RAW", "RAW_RUN", "STAGING"])

    def test_a_plan_names_what_the_build_then_builds_and_changes_nothing(self) -> None:
        self.warehouse.query("drop schema if exists STAGING cascade; drop schema if exists CORE cascade")
        self.warehouse.query("drop schema if exists MARTS cascade")
        sidecar = Sidecar(self.warehouse)
        before = self.warehouse.query("select table_schema, table_name from information_schema.tables order by all")
        target = files(self.warehouse.folder / "target")
        planned, done = sidecar.ask({"id": "1", "op": "plan", "select": ["source:raw.batches+"]})
        self.assertEqual((done["rc"], done["error"]), (0, None))
        self.assertIn("core_materials", planned, "what it reads is planned while it is missing")
        self.assertEqual({node["status"] for node in planned.values()}, {"selected"})
        after = self.warehouse.query("select table_schema, table_name from information_schema.tables order by all")
        self.assertEqual(before, after)
        self.assertTrue(files(self.warehouse.folder / "target") == target, "the target folder is another")
        for _ in range(2):
            built, _ = sidecar.build("source:raw.batches+")
            self.assertEqual(sorted(planned), sorted(built))
            planned, _ = sidecar.ask({"id": "2", "op": "plan", "select": ["source:raw.batches+"]})
        self.assertNotIn("core_materials", planned)
        sidecar.stop()

    def test_errors_of_a_request_leave_it_running(self) -> None:
        for request, says in (
            ("no json", "not a JSON object"),
            ([], "not a JSON object"),
            ({"id": "2", "op": "dance", "select": ["*"]}, '"op": "build" or "plan"'),
            ({"id": "3", "op": "build", "select": []}, "not empty"),
            ({"id": "4", "op": "build", "select": ["source:raw.nope+"]}, "nothing to build"),
            ({"id": "5", "op": "plan", "select": ["source:raw.nope+"]}, "nothing to build"),
        ):
            nodes, done = self.sidecar.ask(request)
            self.assertEqual((nodes, done["rc"]), ({}, 2), request)
            self.assertIn(says, done["error"])
        self.assertEqual(self.sidecar.build("stg_materials")[1]["rc"], 0)

    def test_a_file_that_somebody_else_holds(self) -> None:
        import duckdb

        holder = duckdb.connect(str(self.warehouse.path))
        try:
            _, done = self.sidecar.build("stg_materials")
        finally:
            holder.close()
        self.assertEqual(done["rc"], 2)
        self.assertIn("Could not set lock on file", done["error"])
        self.assertEqual(self.sidecar.build("stg_materials")[1]["rc"], 0)


class OtherProjects(unittest.TestCase):
    """Copies of the project with more models."""

    def setUp(self) -> None:
        self.warehouse = Warehouse()
        self.addCleanup(self.warehouse.close)

    def with_models(self, **models: str) -> Sidecar:
        project = self.warehouse.folder / "dbt"
        shutil.copytree(PROJECT, project)
        for name, sql in models.items():
            (project / "models" / "marts" / f"{name}.sql").write_text(sql)
        return Sidecar(self.warehouse, project)

    def test_a_model_that_does_not_parse_is_named(self) -> None:
        sidecar = self.with_models(mart_broken="select * from {{ ref('nobody') }}")
        self.assertEqual(sidecar.first["event"], "fatal")
        self.assertTrue(re.search(r"mart_broken.*nobody", sidecar.first["message"], re.DOTALL))
        self.assertEqual(sidecar.stop(), 2)

    def test_a_model_that_fails_and_what_it_skips(self) -> None:
        sidecar = self.with_models(
            mart_failing="select cast('x' as integer) as a from {{ ref('core_materials') }}",
            mart_skipped="select * from {{ ref('mart_failing') }}",
        )
        self.warehouse.deliver("MATERIALS", "l", {"material_id": "M1"})
        nodes, done = sidecar.build("source:raw.materials+")
        self.assertEqual((done["rc"], done["error"]), (1, None))
        self.assertEqual(nodes["mart_failing"]["status"], "error")
        self.assertIn("Could not convert string", nodes["mart_failing"]["message"])
        self.assertEqual((nodes["mart_skipped"]["status"], nodes["mart_skipped"]["failures"]), ("skipped", None))
        self.warehouse.query("select 1")
        sidecar.stop()

    def test_a_plan_compiles_for_itself_alone(self) -> None:
        """What a dry run compiled, with --full-refresh here, must not be found by the build after it."""
        sidecar = self.with_models(
            inline="{{ config(materialized='ephemeral') }} select '{{ flags.FULL_REFRESH }}' as full",
            mart_full="{{ config(materialized='table') }} select * from {{ ref('inline') }}",
            mart_wrong="{% if execute %}{{ exceptions.raise_compiler_error('not today') }}{% endif %} select 1 as a",
        )
        _, done = sidecar.ask({"id": "1", "op": "plan", "select": ["mart_full"], "full_refresh": True})
        self.assertEqual(done["rc"], 0)
        self.assertEqual(sidecar.build("mart_full")[1]["rc"], 0)
        self.assertEqual(self.warehouse.query('select "full" from MARTS.mart_full'), [("False",)])
        nodes, done = sidecar.ask({"id": "2", "op": "plan", "select": ["mart_full", "mart_wrong"]})
        self.assertEqual((sorted(nodes), done["rc"]), (["mart_full", "mart_wrong"], 2))
        self.assertRegex(done["error"], r"(?s)mart_wrong.*not today")
        sidecar.stop()

    def test_does_not_outlive_its_parent_in_a_build(self) -> None:
        sidecar = self.with_models(mart_endless=ENDLESS)
        sidecar.send({"id": "1", "op": "build", "select": ["mart_endless"]})
        time.sleep(2)
        self.assertIsNone(sidecar.process.poll())
        started = time.monotonic()
        self.assertEqual(sidecar.stop(), 3)
        self.assertLess(time.monotonic() - started, 1.5)
        self.warehouse.query("select 1")

    def test_nor_does_a_cold_build(self) -> None:
        sidecar = self.with_models(mart_endless=ENDLESS)
        sidecar.stop()
        where = ["--project-dir", sidecar.project, "--profiles-dir", sidecar.project]
        once = subprocess.Popen(
            [sys.executable, SIDECAR.with_name("dbt_once.py"), "build", "--select", "mart_endless", *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=sidecar.environment,
            text=True,
        )
        while "START sql table model" not in once.stdout.readline():
            self.assertIsNone(once.poll())
        once.stdin.close()
        self.assertEqual(once.wait(timeout=5), 3)
        once.stdout.close()
        self.warehouse.query("select 1")


if __name__ == "__main__":
    unittest.main()
