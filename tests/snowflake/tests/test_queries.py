"""Answers: types, chunks, long queries, repeated requests; and faults of queries."""

import http.client
import json
import unittest
import urllib.error

import snowflake.connector

from . import kit
from .kit import Refused, Session


class Answers(unittest.TestCase):
    def setUp(self):
        self.session = Session(kit.shared(), kit.fresh_database())

    def test_types_are_written_as_the_service_writes_them(self):
        data = self.session.answer(
            "SELECT 1, 1.50, CAST(2.5 AS DOUBLE), TRUE, FALSE, NULL, 'x', CAST('1969-12-31' AS DATE), "
            "CAST('2026-11-23 12:00:00.000001' AS TIMESTAMP), CAST('01:02:03.5' AS TIME), TO_BINARY('00ff', 'HEX'), "
            "CAST('1969-12-31 23:59:58.5' AS TIMESTAMP), SUM(3), COUNT(*), "
            "CAST('2026-11-23 12:00:00' AS TIMESTAMP_TZ), OBJECT_CONSTRUCT('a', 1)"
        )
        self.assertEqual(
            data["rowset"],
            [["1", "1.50", "2.5", "1", "0", None, "x", "-1", "1795435200.000001000", "3723.500000000", "00FF",
              "-1.500000000", "3", "1", "1795435200.000000000 1440", '{"a":1}']],
        )  # fmt: skip
        self.assertEqual(
            [column["type"] for column in data["rowtype"]],
            ["fixed", "fixed", "real", "boolean", "boolean", "text", "text", "date", "timestamp_ntz", "time", "binary",
             "timestamp_ntz", "fixed", "fixed", "timestamp_tz", "variant"],
        )  # fmt: skip
        self.assertEqual((data["rowtype"][1]["precision"], data["rowtype"][1]["scale"]), (3, 2))

    def test_answers_have_what_clients_insist_on(self):
        data = self.session.answer("SELECT 1")
        for name in ("parameters", "rowtype", "total", "returned", "queryId", "finalRoleName", "statementTypeId", "version"):
            self.assertIsNotNone(data[name], name)
        failed = self.session.ask("SELECT * FROM S.NOT_THERE")
        for name in ("age", "internalError", "errorCode", "queryId", "sqlState"):
            self.assertIsNotNone(failed["data"][name], name)
        self.assertEqual(failed["message"], "SQL compilation error:\nObject 'S.NOT_THERE' does not exist or not authorized.")

    def test_one_statement_at_a_time(self):
        for sql, code in (("SELECT 1; SELECT 2", "000008"), ("", "000900"), ("-- nothing", "000900"), ("SELEC 1", "001003")):
            with self.assertRaises(Refused) as refused:
                self.session.query(sql)
            self.assertEqual(refused.exception.code, code, sql)
        self.assertEqual(self.session.value("SELECT 1; -- and a comment"), "1")

    def test_large_results_come_in_chunks(self):
        data = self.session.answer(
            "WITH RECURSIVE R AS (SELECT 0 AS N UNION ALL SELECT N + 1 FROM R WHERE N < 11999) SELECT N, 'é\"' FROM R ORDER BY 1"
        )
        self.assertEqual((data["total"], len(data["rowset"]), len(data["chunks"])), (12000, 1000, 3))
        rows = data["rowset"]
        for chunk in data["chunks"]:
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.session.chunk(chunk, {})
            self.assertEqual(refused.exception.code, 403)
            more = self.session.chunk(chunk, data["chunkHeaders"])
            self.assertEqual(len(more), chunk["rowCount"])
            rows += more
        self.assertEqual(rows, [[str(at), 'é"'] for at in range(12000)])

    def test_a_repeated_request_is_not_run_again(self):
        self.session.query("CREATE SCHEMA S")
        self.session.query("CREATE TABLE S.T (A INT)")
        first = self.session.ask("INSERT INTO S.T VALUES (1)", request_id="same")
        again = self.session.ask("INSERT INTO S.T VALUES (1)", request_id="same")
        self.assertEqual(first, again)
        self.assertEqual(self.session.value("SELECT COUNT(*) FROM S.T"), "1")

    def test_the_service_own_connector(self):
        """Its results are Arrow."""
        with snowflake.connector.connect(
            account="TESTACCOUNT", user="MILLRACE", password=kit.PASSWORD, host="127.0.0.1", port=kit.shared().port,
            protocol="http", database="CONNECTOR", role="MILLRACE_LOADER",
        ) as connection, connection.cursor() as cursor:  # fmt: skip
            cursor.execute("CREATE SCHEMA IF NOT EXISTS S")
            cursor.execute("CREATE OR REPLACE TABLE S.T (A INT, B VARCHAR, C TIMESTAMP)")
            cursor.execute("BEGIN")
            cursor.execute("INSERT INTO S.T VALUES (%s, %s, '2026-11-23 12:00:00')", (1, "it's"))
            self.assertEqual(cursor.rowcount, 1)
            cursor.execute("MERGE INTO S.T USING (SELECT 1 AS A, 'y' AS B) N ON N.A = S.T.A WHEN MATCHED THEN UPDATE SET B = N.B")
            cursor.execute("COMMIT")
            cursor.execute("SELECT A, B, YEAR(C) FROM S.T")
            self.assertEqual(cursor.fetchall(), [(1, "y", 2026)])
            cursor.execute("SELECT A FROM S.T WHERE A = 7")
            self.assertEqual(cursor.fetchall(), [])


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = kit.Server("--answer-after-secs", "0.3")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def setUp(self):
        self.database = kit.fresh_database()
        self.session = Session(self.server, self.database)
        self.session.query("CREATE SCHEMA S")
        self.session.query("CREATE TABLE S.T (A INT)")

    def result(self, running: dict, session: Session | None = None) -> dict:
        return json.loads(self.server.get(running["data"]["getResultUrl"], (session or self.session).headers()))

    def test_long_queries_are_asked_for(self):
        self.server.fault(at="query", contains="INSERT", do="long", polls=2)
        running = self.session.ask("INSERT INTO S.T VALUES (1)")
        self.assertEqual((running["code"], running["success"]), ("333333", True))
        self.assertEqual([self.result(running)["code"] for _ in range(3)], ["333334", "333334", None])
        self.assertEqual(self.result(running)["data"]["rowset"], [["1"]])
        other = Session(self.server, self.database)
        self.assertEqual(self.result(running, other)["code"], "000709")

    def test_who_waits_for_a_lock_is_answered_meanwhile(self):
        other = Session(self.server, self.database)
        self.session.query("BEGIN")
        self.session.query("UPDATE S.T SET A = 1")
        running = other.ask("UPDATE S.T SET A = 2")
        self.assertEqual(running["code"], "333333")
        self.assertEqual(self.result(running, other)["code"], "333334")
        self.session.query("COMMIT")
        self.assertTrue(self.result(running, other)["success"])

    def test_connections_end(self):
        for do, count in (("drop", "0"), ("drop_after", "1")):
            self.server.fault(at="query", contains="INSERT", do=do)
            with self.assertRaises((http.client.HTTPException, OSError)):
                self.session.ask("INSERT INTO S.T VALUES (1)")
            self.assertEqual(self.session.value("SELECT COUNT(*) FROM S.T"), count)

    def test_sessions_end(self):
        self.session.query("BEGIN")
        self.session.query("INSERT INTO S.T VALUES (1)")
        self.server.fault(at="query", do="expired")
        for _ in range(2):
            self.assertEqual(self.session.ask("COMMIT")["code"], "390112")
        master = {"Authorization": f'Snowflake Token="{self.session.master}"'}
        self.session.token = self.server.post("/session/token-request", {}, master)["data"]["sessionToken"]
        self.assertEqual(self.session.value("SELECT COUNT(*) FROM S.T"), "1")
        self.server.fault(at="query", do="gone")
        for _ in range(2):
            self.assertEqual(self.session.ask("COMMIT")["code"], "390111")
        self.assertEqual(Session(self.server, self.database).value("SELECT COUNT(*) FROM S.T"), "0")

    def test_errors_and_statuses(self):
        self.server.fault(at="query", do="error", code="000606", message="No active warehouse selected.")
        self.assertEqual(self.session.ask("SELECT 1")["code"], "000606")
        for at, ask in (("query", lambda: self.session.ask("SELECT 1")), ("login", lambda: Session(self.server, "x"))):
            self.server.fault(at=at, do="status", status=429)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                ask()
            self.assertEqual(refused.exception.code, 429)

    def test_a_fault_that_makes_no_sense_is_refused(self):
        for fault in ({"at": "nowhere", "do": "drop"}, {"at": "query", "do": "nothing"}, {"at": "query", "do": "drop", "x": 1}):
            with self.assertRaises(urllib.error.HTTPError):
                self.server.fault(**fault)
