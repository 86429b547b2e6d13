"""READ COMMITTED, locks, failed statements."""

import threading
import time
import unittest

from . import kit
from .kit import Refused, Session


class Case(unittest.TestCase):
    server: kit.Server

    def setUp(self):
        self.server = getattr(self, "server", None) or kit.shared()
        self.database = kit.fresh_database()
        self.a = self.session()
        self.a.query("CREATE SCHEMA S")
        self.a.query("CREATE TABLE S.T (A INT)")
        self.a.query("CREATE TABLE S.L (HOLDER VARCHAR)")
        self.a.query("INSERT INTO S.L VALUES ('nobody')")

    def session(self, **parameters) -> Session:
        return Session(self.server, self.database, parameters)

    def rows(self, table: str = "S.T") -> list:
        return [row[0] for row in self.session().query(f"SELECT * FROM {table} ORDER BY 1")]

    def refused(self, session: Session, sql: str) -> str:
        with self.assertRaises(Refused) as refused:
            session.query(sql)
        return refused.exception.code


class Transactions(Case):
    def test_others_see_what_is_committed(self):
        self.a.query("BEGIN TRANSACTION")
        self.a.query("INSERT INTO S.T VALUES (1)")
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.a.value("SELECT COUNT(*) FROM S.T"), "1")
        self.a.query("COMMIT")
        self.assertEqual(self.rows(), ["1"])

    def test_each_statement_sees_what_others_committed_before_it(self):
        self.a.query("START TRANSACTION")
        self.a.query("INSERT INTO S.T VALUES (1)")
        self.session().query("INSERT INTO S.T VALUES (2)")
        self.assertEqual(self.a.query("SELECT A FROM S.T ORDER BY 1"), [["1"], ["2"]])
        self.a.query("INSERT INTO S.T SELECT 10 * COUNT(*) FROM S.T")
        self.a.query("COMMIT")
        self.assertEqual(self.rows(), ["1", "2", "20"])

    def test_a_rollback_undoes(self):
        self.a.query("BEGIN")
        self.a.query("INSERT INTO S.T VALUES (1)")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        self.a.query("ROLLBACK")
        self.assertEqual((self.rows(), self.rows("S.L")), ([], ["nobody"]))

    def test_a_definition_commits_what_is_open(self):
        self.a.query("BEGIN")
        self.a.query("INSERT INTO S.T VALUES (1)")
        self.a.query("CREATE TABLE IF NOT EXISTS S.OTHER (A INT)")
        self.a.query("ROLLBACK")
        self.assertEqual(self.rows(), ["1"])

    def test_a_failed_statement_is_undone_and_its_transaction_goes_on(self):
        self.a.query("BEGIN")
        self.a.query("INSERT INTO S.T VALUES (1)")
        self.assertEqual(self.refused(self.a, "INSERT INTO S.NOT_THERE VALUES (2)"), "002003")
        self.assertEqual(self.refused(self.a, "INSERT INTO S.T SELECT CAST('x' AS INT)"), "100038")
        self.a.query("INSERT INTO S.T VALUES (3)")
        self.a.query("COMMIT")
        self.assertEqual(self.rows(), ["1", "3"])

    def test_abort_on_error_rolls_back_and_later_statements_commit_by_themselves(self):
        session = self.session(TRANSACTION_ABORT_ON_ERROR=True)
        session.query("BEGIN")
        session.query("INSERT INTO S.T VALUES (1)")
        self.refused(session, "INSERT INTO S.NOT_THERE VALUES (2)")
        session.query("INSERT INTO S.T VALUES (3)")
        self.assertEqual(self.rows(), ["3"])
        # The trap: nothing is open, and nothing says so.
        session.query("COMMIT")
        self.assertEqual(self.rows(), ["3"])

    def test_without_a_transaction_commit_and_rollback_do_nothing(self):
        self.a.query("COMMIT")
        self.a.query("ROLLBACK")

    def test_without_autocommit_a_transaction_begins_by_itself(self):
        session = self.session(AUTOCOMMIT=False)
        session.query("INSERT INTO S.T VALUES (1)")
        self.assertEqual(self.rows(), [])
        session.query("COMMIT")
        self.assertEqual(self.rows(), ["1"])

    def test_many_writers_lose_nothing(self):
        def write(number: int) -> None:
            session = self.session()
            for at in range(5):
                session.query("BEGIN")
                session.query(f"INSERT INTO S.T VALUES ({number * 100 + at})")
                session.query("UPDATE S.L SET HOLDER = HOLDER || 'x'")
                session.query("COMMIT")

        threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.rows()), 20)
        self.assertEqual(self.rows("S.L"), ["nobody" + "x" * 20])

    def test_tables_that_a_transaction_wrote_to_can_be_altered_by_others(self):
        self.a.query("BEGIN")
        self.a.query("INSERT INTO S.T (A) VALUES (1)")
        self.session().query("ALTER TABLE S.T ADD COLUMN IF NOT EXISTS B VARCHAR")
        self.a.query("COMMIT")
        self.assertEqual(self.session().query("SELECT A, B FROM S.T"), [["1", None]])


class Locks(Case):
    def test_an_update_waits_for_the_lock_and_then_sees_what_was_committed(self):
        b = self.session()
        for session, number in ((self.a, 1), (b, 2)):
            session.query("BEGIN")
            session.query(f"INSERT INTO S.T VALUES ({number})")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        waiting = threading.Thread(target=b.query, args=["UPDATE S.L SET HOLDER = HOLDER || 'b'"])
        waiting.start()
        # Reads and inserts don't wait.
        self.session().query("INSERT INTO S.L VALUES ('other')")
        self.assertEqual(self.rows("S.L"), ["nobody", "other"])
        time.sleep(0.2)
        self.assertTrue(waiting.is_alive())
        self.a.query("COMMIT")
        waiting.join()
        self.assertEqual(b.value("SELECT COUNT(*) FROM S.T"), "2")
        b.query("INSERT INTO S.T SELECT 3 WHERE NOT EXISTS (SELECT 1 FROM S.T WHERE A = 1)")
        b.query("COMMIT")
        self.assertEqual((self.rows(), self.rows("S.L")), (["1", "2"], ["ab", "otherb"]))

    def test_waiting_ends_after_the_lock_timeout(self):
        self.a.query("BEGIN")
        self.a.query("DELETE FROM S.L")
        b = self.session(LOCK_TIMEOUT=1)
        begun = time.monotonic()
        with self.assertRaises(Refused) as refused:
            b.query("UPDATE S.L SET HOLDER = 'b'")
        self.assertEqual(refused.exception.code, "000625")
        self.assertIn("has locked table 'L' in transaction", str(refused.exception))
        self.assertGreaterEqual(time.monotonic() - begun, 1)
        b.query("ALTER SESSION SET LOCK_TIMEOUT = 0")
        self.assertEqual(self.refused(b, "UPDATE S.L SET HOLDER = 'b'"), "000625")
        self.a.query("ROLLBACK")
        b.query("UPDATE S.L SET HOLDER = 'b'")

    def test_a_statement_takes_no_longer_than_it_may(self):
        self.a.query("BEGIN")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        b = self.session(STATEMENT_TIMEOUT_IN_SECONDS=1)
        b.query("BEGIN")
        b.query("INSERT INTO S.T VALUES (1)")
        for sql in (
            "UPDATE S.L SET HOLDER = 'b'",
            "SELECT SYSTEM$WAIT(30)",
            "WITH RECURSIVE R AS (SELECT 0 AS N UNION ALL SELECT N + 1 FROM R WHERE N < 5000) "
            "SELECT COUNT(*) FROM R A, R B, R C WHERE A.N + B.N * C.N = 7",
        ):
            begun = time.monotonic()
            self.assertEqual(self.refused(b, sql), "000630")
            self.assertLess(time.monotonic() - begun, 20)
        b.query("COMMIT")
        self.assertEqual(self.rows(), ["1"])
        self.a.query("COMMIT")
        b.query("UPDATE S.L SET HOLDER = 'b'")

    def test_a_closed_session_holds_no_lock(self):
        self.a.query("BEGIN")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        self.a.close()
        self.session(LOCK_TIMEOUT=5).query("UPDATE S.L SET HOLDER = 'b'")

    def test_no_more_than_twenty_wait(self):
        self.a.query("BEGIN")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        codes = []

        def change() -> None:
            codes.append(self.session(LOCK_TIMEOUT=3).ask("UPDATE S.L SET HOLDER = 'b'"))

        threads = [threading.Thread(target=change) for _ in range(22)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({answer["code"] for answer in codes}, {"000625"})
        self.assertEqual(sum("exceeds the 20 statements limit" in answer["message"] for answer in codes), 2)


class Idle(Case):
    server = None

    @classmethod
    def setUpClass(cls):
        cls.server = kit.Server("--idle-abort-secs", "1", "--aborted", "refuse")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def test_who_is_idle_and_in_the_way_is_rolled_back_and_told_so(self):
        self.a.query("BEGIN")
        self.a.query("UPDATE S.L SET HOLDER = 'a'")
        self.session(LOCK_TIMEOUT=30).query("UPDATE S.L SET HOLDER = HOLDER || 'b'")
        self.assertEqual(self.rows("S.L"), ["nobodyb"])
        self.assertEqual(self.refused(self.a, "COMMIT"), "000632")
        self.a.query("SELECT 1")

    def test_who_is_in_nobodys_way_is_not(self):
        self.a.query("BEGIN")
        self.a.query("INSERT INTO S.T VALUES (1)")
        time.sleep(1.2)
        self.session().query("INSERT INTO S.T VALUES (2)")
        self.a.query("COMMIT")
        self.assertEqual(self.rows(), ["1", "2"])

    def test_an_aborted_transaction_can_refuse_what_follows(self):
        session = self.session(TRANSACTION_ABORT_ON_ERROR=True)
        session.query("BEGIN")
        session.query("INSERT INTO S.T VALUES (1)")
        self.refused(session, "SELECT * FROM S.NOT_THERE")
        self.refused(session, "INSERT INTO S.T VALUES (2)")
        session.query("ROLLBACK")
        session.query("INSERT INTO S.T VALUES (3)")
        self.assertEqual(self.rows(), ["3"])
