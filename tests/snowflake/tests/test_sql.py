"""The statements that the workers send: those of workers/warehouse (layout, standing, ledger) and workers/dq (checks)."""

import unittest

from . import kit
from .kit import Refused, Session

AUDIT = """CREATE TABLE IF NOT EXISTS RAW.RAW_LOAD_AUDIT (LOAD_ID VARCHAR, COMMAND_ID VARCHAR, TABLE_NAME VARCHAR,
    SOURCE_NAME VARCHAR, SOURCE_FILE VARCHAR, FILE_ID VARCHAR, STATUS VARCHAR, ATTEMPT BIGINT, ROWS_LOADED BIGINT,
    ROWS_REJECTED BIGINT, BYTES BIGINT, MODIFIED_AT TIMESTAMP, AS_OF TIMESTAMP, STARTED_AT TIMESTAMP, FINISHED_AT TIMESTAMP,
    ERROR VARCHAR, TRACE_ID VARCHAR, RUN_FILES BIGINT, TABLE_FILES BIGINT, WORKER VARCHAR)"""
NAMES = """LOAD_ID, COMMAND_ID, TABLE_NAME, SOURCE_NAME, SOURCE_FILE, FILE_ID, STATUS, ATTEMPT, ROWS_LOADED, ROWS_REJECTED,
    BYTES, MODIFIED_AT, AS_OF, STARTED_AT, FINISHED_AT, ERROR, TRACE_ID, RUN_FILES, TABLE_FILES, WORKER"""
VIEWS = {
    "COMPLETE_LOADS": """SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, MAX(AS_OF) AS AS_OF FROM RAW.RAW_LOAD_AUDIT
        WHERE STATUS = 'SUCCESS' GROUP BY TABLE_NAME, LOAD_ID, COMMAND_ID HAVING MAX(TABLE_FILES) <= 1
        OR COUNT(DISTINCT CASE WHEN TABLE_FILES > 1 THEN SOURCE_FILE END) >= MAX(TABLE_FILES)
        QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME, LOAD_ID ORDER BY COMMAND_ID DESC) = 1""",
    "CURRENT_LOADS": """SELECT TABLE_NAME, LOAD_ID, COMMAND_ID, AS_OF FROM RAW.COMPLETE_LOADS
        QUALIFY ROW_NUMBER() OVER (PARTITION BY TABLE_NAME ORDER BY AS_OF DESC, COMMAND_ID DESC, LOAD_ID DESC) = 1""",
    "CURRENT_FILES": """SELECT F.TABLE_NAME, F.SOURCE_FILE, F.LOAD_ID, F.COMMAND_ID, G.AS_OF FROM RAW.RAW_LOAD_AUDIT F
        JOIN RAW.COMPLETE_LOADS G ON G.TABLE_NAME = F.TABLE_NAME AND G.LOAD_ID = F.LOAD_ID AND G.COMMAND_ID = F.COMMAND_ID
        WHERE F.STATUS = 'SUCCESS' QUALIFY ROW_NUMBER() OVER (PARTITION BY F.TABLE_NAME, F.SOURCE_FILE
        ORDER BY G.AS_OF DESC, F.COMMAND_ID DESC, F.LOAD_ID DESC) = 1""",
    "BATCHES": """WITH C AS (SELECT LOAD_ID, COMMAND_ID FROM RAW.CURRENT_LOADS WHERE TABLE_NAME = 'BATCHES')
        SELECT R."ID", R."STATE", R.LOAD_ID, R.SOURCE_FILE, R.SOURCE_ROW, R.LOADED_AT FROM RAW_RUN."BATCHES_RUN" R
        WHERE R.LOAD_ID = (SELECT LOAD_ID FROM C) AND R.COMMAND_ID = (SELECT COMMAND_ID FROM C)""",
    "ALL_BATCHES": """SELECT R."ID", R."STATE" FROM RAW_RUN."BATCHES_RUN" R JOIN RAW.CURRENT_FILES F
        ON F.TABLE_NAME = 'BATCHES' AND F.SOURCE_FILE = R.SOURCE_FILE AND F.LOAD_ID = R.LOAD_ID
        AND F.COMMAND_ID = R.COMMAND_ID""",
}


def moment(hour: int) -> str:
    return f"CAST('2026-11-23 {hour:02}:00:00.000001' AS TIMESTAMP)"


def line(command: int, status: str = "SUCCESS", file: str = "b.csv") -> str:
    at = moment(command)
    return (
        f"('l', '{command}', 'BATCHES', 'batches', '{file}', CAST(NULL AS VARCHAR), '{status}', 1, 2, 0, 100, {at}, {at}, "
        f"{at}, {at}, ('a' || CHR(92) || 'b'), 't', 1, 1, 'it''s')"
    )


class Sql(unittest.TestCase):
    def setUp(self):
        self.session = Session(kit.shared(), kit.fresh_database())
        for sql in (
            "CREATE SCHEMA IF NOT EXISTS RAW_RUN",
            "CREATE SCHEMA IF NOT EXISTS RAW",
            AUDIT,
            'CREATE TABLE IF NOT EXISTS RAW_RUN."BATCHES_RUN" ("ID" VARCHAR, "STATE" VARCHAR, LOAD_ID VARCHAR, '
            "SOURCE_FILE VARCHAR, SOURCE_ROW BIGINT, LOADED_AT TIMESTAMP, COMMAND_ID VARCHAR)",
            *(f"CREATE OR REPLACE VIEW RAW.\"{name}\" COPY GRANTS COMMENT = 'it''s {name}' AS {query}" for name, query in VIEWS.items()),
            "INSERT INTO RAW_RUN.BATCHES_RUN SELECT * FROM (VALUES ('1', 'x', 'l', 'b.csv', 1, "
            f"{moment(1)}, '1'), ('2', ' ', 'l', 'b.csv', 2, {moment(1)}, '1'), ('2', 'y', 'l', 'b.csv', 3, {moment(1)}, '2')) V",
        ):
            self.session.query(sql)

    def audit(self, *lines: str, condition: str = "") -> int:
        values = ", ".join(lines)
        sql = f"INSERT INTO RAW.RAW_LOAD_AUDIT ({NAMES}) SELECT * FROM (VALUES {values}) AS V ({NAMES}){condition}"
        return int(self.session.value(sql))

    def test_lines_are_appended_if(self):
        self.assertEqual(self.audit(line(1), line(1, "FAILED")), 2)
        plan = "WHERE LOAD_ID = 'l' AND COMMAND_ID = '1' AND STATUS = 'PLANNED'"
        ours = (
            f" WHERE (SELECT COUNT(*) FROM RAW.RAW_LOAD_AUDIT {plan}) = 0 AND NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT "
            f"{plan} AND (FINISHED_AT <> {moment(1)} OR WORKER <> 'it''s'))"
        )
        self.assertEqual(self.audit(line(1, "PLANNED"), condition=ours), 1)
        self.assertEqual(self.audit(line(1, "PLANNED"), condition=ours), 0)
        meanwhile = (
            " WHERE NOT EXISTS (SELECT 1 FROM RAW.RAW_LOAD_AUDIT S WHERE S.STATUS = 'SUCCESS' AND S.LOAD_ID = V.LOAD_ID "
            f"AND S.COMMAND_ID IN ('1', '2') AND S.FINISHED_AT >= {moment(1)})"
        )
        self.assertEqual(self.audit(line(2), condition=meanwhile), 0)

    def test_lines_are_read_back(self):
        self.audit(line(1), line(2, "FAILED"))
        rows = self.session.query(f"SELECT {NAMES} FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = 'l' ORDER BY FINISHED_AT")
        self.assertEqual(rows[0][11], "1795395600.000001000")
        self.assertEqual((rows[0][5], rows[0][15], rows[0][19]), (None, "a\\b", "it's"))
        rank = "CASE STATUS WHEN 'SUCCESS' THEN 2 WHEN 'FAILED' THEN 1 ELSE 0 END"
        rows = self.session.query(
            f"SELECT COMMAND_ID FROM RAW.RAW_LOAD_AUDIT QUALIFY ROW_NUMBER() OVER (PARTITION BY LOAD_ID, SOURCE_FILE "
            f"ORDER BY FINISHED_AT DESC, {rank} DESC) = 1 ORDER BY FINISHED_AT DESC, LOAD_ID LIMIT 10"
        )
        self.assertEqual(rows, [["2"]])

    def test_standing_and_views(self):
        self.audit(line(1), line(2, "PLANNED"))
        standing = self.session.query(
            "SELECT MAX(CASE WHEN COMMAND_ID > '1' AND STATUS IN ('SUCCESS', 'PLANNED') THEN COMMAND_ID END), "
            "COUNT(CASE WHEN COMMAND_ID = '1' AND SOURCE_FILE = 'b.csv' AND STATUS = 'SUCCESS' THEN 1 END), "
            "COUNT(CASE WHEN COMMAND_ID < '1' AND STATUS = 'SUCCESS' THEN 1 END), "
            "COUNT(DISTINCT CASE WHEN COMMAND_ID = '1' AND SOURCE_FILE <> 'b.csv' AND STATUS = 'SUCCESS' THEN SOURCE_FILE END) "
            "FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = 'l' AND TABLE_NAME = 'BATCHES'"
        )
        self.assertEqual(standing, [["2", "1", "0", "0"]])
        shown = "SELECT ID, STATE FROM RAW.BATCHES ORDER BY SOURCE_ROW"
        self.assertEqual(self.session.query(shown), [["1", "x"], ["2", " "]])
        self.audit(line(2))
        self.assertEqual(self.session.query(shown), [["2", "y"]])
        self.assertEqual(self.session.query("SELECT * FROM RAW.ALL_BATCHES"), [["2", "y"]])
        freshness = (
            "SELECT A.SOURCE_NAME, MAX(C.AS_OF), MAX(A.FINISHED_AT) FROM RAW.RAW_LOAD_AUDIT A LEFT JOIN RAW.CURRENT_LOADS C "
            "ON C.TABLE_NAME = A.TABLE_NAME AND C.LOAD_ID = A.LOAD_ID AND C.COMMAND_ID = A.COMMAND_ID "
            "WHERE A.STATUS = 'SUCCESS' GROUP BY A.SOURCE_NAME ORDER BY A.SOURCE_NAME"
        )
        self.assertEqual(self.session.query(freshness)[0][0], "batches")
        for sql in ("DELETE FROM RAW_RUN.\"BATCHES_RUN\" WHERE LOAD_ID = 'l' AND COMMAND_ID < '2'",):
            self.assertEqual(self.session.value(sql), "2")

    def test_checks(self):
        r = 'NULLIF(TRIM(R."STATE"), \'\')'
        rows = "(SELECT * FROM RAW_RUN.\"BATCHES_RUN\" WHERE LOAD_ID = 'l')"
        scan = f"""SELECT * FROM (SELECT COUNT(*) AS M0_0, COUNT(CASE WHEN {r} IS NULL THEN 1 END) AS M0_1,
            COUNT(CASE WHEN {r} IS NOT NULL AND (TRY_CAST({r} AS DOUBLE) IS NULL OR TRY_CAST({r} AS DOUBLE) < -1.7e308) THEN 1 END)
            AS M0_2, COUNT(CASE WHEN {r} IS NOT NULL AND UPPER({r}) NOT IN ('X', 'Z') THEN 1 END) AS M0_3,
            CAST(MAX(TRY_CAST({r} AS TIMESTAMP)) AS VARCHAR) AS M0_4 FROM {rows} R) S0 CROSS JOIN
            (SELECT CAST(COALESCE(SUM(D.N - 1), 0) AS BIGINT) AS M1_0 FROM (SELECT COUNT(*) AS N FROM {rows} R
            WHERE NULLIF(TRIM(R."ID"), '') IS NOT NULL GROUP BY R."ID" HAVING COUNT(*) > 1) D) S1 CROSS JOIN
            (SELECT COUNT(*) AS M2_0 FROM {rows} R WHERE {r} IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM RAW.RAW_LOAD_AUDIT O WHERE UPPER(TRIM(O.LOAD_ID)) = UPPER(TRIM(R."STATE")))) S2"""
        self.assertEqual(self.session.query(scan), [["3", "1", "2", "1", None, "1", "2"]])

    def test_texts_that_may_be_points_in_time(self):
        tried = "SELECT TRY_CAST(A AS TIMESTAMP) FROM (VALUES ('2026-11-23 12:00'), ('x'), (NULL), ('5'), ('1.5'), ('1795435200000')) V (A)"
        seconds = ["1795435200.000000000", None, None, "5.000000000", None, "1795435200.000000000"]
        self.assertEqual([row[0] for row in self.session.query(tried)], seconds)

    def test_the_information_schema(self):
        tables = self.session.query(
            "SELECT TABLE_NAME, TABLE_TYPE, COMMENT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'RAW' ORDER BY 1"
        )
        self.assertIn(["BATCHES", "VIEW", "it's BATCHES"], tables)
        self.assertIn(["RAW_LOAD_AUDIT", "BASE TABLE", None], tables)
        columns = self.session.query(
            "SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'RAW_RUN' "
            "AND TABLE_NAME = 'BATCHES_RUN' ORDER BY ORDINAL_POSITION"
        )
        self.assertEqual(columns[0], ["ID", "TEXT"])
        self.session.query("COMMENT ON VIEW RAW.BATCHES IS 'new'")
        self.session.query("CREATE OR REPLACE VIEW RAW.CURRENT_FILES AS SELECT 1 AS A")
        views = self.session.query("SELECT TABLE_NAME, COMMENT, VIEW_DEFINITION FROM INFORMATION_SCHEMA.VIEWS")
        views = {name: (comment, text) for name, comment, text in views}
        self.assertEqual(views["BATCHES"][0], "new")
        self.assertTrue(views["BATCHES"][1].startswith('CREATE OR REPLACE VIEW RAW."BATCHES" COPY GRANTS'))
        self.assertEqual(views["CURRENT_FILES"], (None, "CREATE OR REPLACE VIEW RAW.CURRENT_FILES AS SELECT 1 AS A"))

    def test_columns_are_added_once(self):
        for _ in range(2):
            self.session.query('ALTER TABLE RAW_RUN."BATCHES_RUN" ADD COLUMN IF NOT EXISTS "GRADE" VARCHAR')
        self.session.query('ALTER TABLE RAW_RUN."BATCHES_RUN" ADD COLUMN IF NOT EXISTS "A" VARCHAR, "B" VARCHAR')
        self.assertEqual(self.session.value('SELECT COUNT("GRADE") + COUNT(A) FROM RAW_RUN.BATCHES_RUN'), "0")

    def test_who_and_where(self):
        session = self.session
        asked = "SELECT CURRENT_VERSION(), CURRENT_ROLE(), CURRENT_WAREHOUSE(), CURRENT_DATABASE(), CURRENT_ACCOUNT(), CURRENT_USER()"
        row = session.query(asked)[0]
        database = session.login["sessionInfo"]["databaseName"]
        self.assertEqual(row[1:], ["MILLRACE_LOADER", None, database, "TESTACCOUNT", "MILLRACE"])
        session.query("USE WAREHOUSE MILLRACE_WH")
        self.assertEqual(session.value("SELECT CURRENT_WAREHOUSE()"), "MILLRACE_WH")

    def test_session_parameters(self):
        self.session.query("BEGIN")
        self.session.query("INSERT INTO RAW_RUN.BATCHES_RUN (ID) VALUES ('9')")
        self.session.query("ALTER SESSION SET LOCK_TIMEOUT = 5 QUERY_TAG = 'it''s'")
        self.session.query("ALTER SESSION SET TRANSACTION_ABORT_ON_ERROR = TRUE, STATEMENT_TIMEOUT_IN_SECONDS = 10")
        shown = self.session.query("SHOW PARAMETERS LIKE '%T%' IN SESSION")
        shown = {row[0]: row[1] for row in shown}
        self.assertEqual((shown["LOCK_TIMEOUT"], shown["QUERY_TAG"]), ("5", "it's"))
        self.assertEqual((shown["TRANSACTION_ABORT_ON_ERROR"], shown["STATEMENT_TIMEOUT_IN_SECONDS"]), ("true", "10"))
        # None of them commits.
        self.session.query("ROLLBACK")
        self.assertEqual(self.session.value("SELECT COUNT(*) FROM RAW_RUN.BATCHES_RUN"), "3")

    def test_options_of_definitions(self):
        for sql in (
            "CREATE SCHEMA IF NOT EXISTS S WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = 'x'",
            "CREATE TRANSIENT TABLE S.T (A VARCHAR, B NUMBER(38, 0)) CLUSTER BY (A) DATA_RETENTION_TIME_IN_DAYS = 0 COMMENT = 'x'",
            "ALTER TABLE S.T CLUSTER BY (B)",
            "ALTER TABLE S.T SET DATA_RETENTION_TIME_IN_DAYS = 1",
            "ALTER TABLE S.T SET COMMENT = 'it''s'",
            "GRANT SELECT ON FUTURE VIEWS IN SCHEMA S TO ROLE READER",
            "CREATE ROLE IF NOT EXISTS READER",
            "TRUNCATE TABLE IF EXISTS S.T",
        ):
            self.session.query(sql)
        comment = "SELECT COMMENT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'S' AND TABLE_NAME = 'T'"
        self.assertEqual(self.session.value(comment), "it's")

    def test_waiting(self):
        self.assertEqual(self.session.value("SELECT SYSTEM$WAIT(10, 'MILLISECONDS')"), "waited 0.01 seconds")

    def test_temporary_tables_are_the_session_s_own(self):
        self.session.query("CREATE TEMPORARY TABLE RAW.MINE AS SELECT 1 AS A")
        self.session.query("INSERT INTO RAW.MINE VALUES (2)")
        self.assertEqual(self.session.value("SELECT SUM(A) FROM RAW.MINE"), "3")
        self.assertEqual([row[0] for row in self.session.query("DESCRIBE TABLE RAW.MINE")], ["A"])
        other = Session(kit.shared(), self.session.login["sessionInfo"]["databaseName"])
        with self.assertRaises(Refused):
            other.query("SELECT * FROM RAW.MINE")

    def test_names_that_sql_reserves(self):
        self.session.query('CREATE TABLE RAW."ORDER" ("SELECT" VARCHAR, "GROUP" VARCHAR)')
        self.session.query("INSERT INTO RAW.\"ORDER\" (\"SELECT\", \"GROUP\") VALUES ('1', 'x')")
        self.assertEqual(self.session.query('SELECT "SELECT", "GROUP" FROM RAW."ORDER" ORDER BY 1'), [["1", "x"]])

    def test_a_long_plan_is_one_statement(self):
        lines = [line(1, "PLANNED", f"{at}.csv") for at in range(200)]
        self.assertEqual(self.audit(*lines), 200)
