"""The databases: fakesnow over one DuckDB, and what fakesnow's information schema lacks."""

import os
import threading
import warnings
from collections import OrderedDict

import fakesnow.cursor
import fakesnow.fakes
from fakesnow import info_schema
from fakesnow.instance import FakeSnow
from sqlglot import exp

from .transactions import Database

# Each answer makes a table of its own; nothing is gained by the other way, which DuckDB recommends.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")
# It would turn every sum into a floating point number, where the service sums what are numbers exactly. The price: a sum
# over text is an error here.
fakesnow.cursor.transforms.numeric_agg_implicit_cast = lambda expression: expression

_TO_TIMESTAMP = fakesnow.cursor.transforms.to_timestamp


def _to_timestamp(expression: exp.Expr) -> exp.Expr:
    """fakesnow forgets that TRY_CAST is to try."""
    if isinstance(expression, exp.TryCast) and expression.to.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
        return exp.Anonymous(this="_emulator_try_timestamp", expressions=[expression.this])
    return _TO_TIMESTAMP(expression)


fakesnow.cursor.transforms.to_timestamp = _to_timestamp

# A whole number is a time since 1970: in seconds, or in smaller parts where it would be too far away.
_TRY_TIMESTAMP = """CREATE OR REPLACE MACRO {name}._emulator_try_timestamp(val) AS (CASE
    WHEN NOT regexp_full_match(CAST(val AS VARCHAR), '-?[0-9]+') THEN TRY_CAST(val AS TIMESTAMP)
    WHEN ABS(TRY_CAST(val AS BIGINT)) < 31536000000 THEN make_timestamp(TRY_CAST(val AS BIGINT) * 1000000)
    WHEN ABS(TRY_CAST(val AS BIGINT)) < 31536000000000 THEN make_timestamp(TRY_CAST(val AS BIGINT) * 1000)
    WHEN ABS(TRY_CAST(val AS BIGINT)) < 31536000000000000 THEN make_timestamp(TRY_CAST(val AS BIGINT))
    ELSE make_timestamp(TRY_CAST(val AS BIGINT) // 1000) END)"""

_EXT = "_fs_global._fs_information_schema"

_COMMENT = f"""(SELECT E.comment FROM {_EXT}._fs_tables_ext E WHERE E.ext_table_catalog = database_name
    AND E.ext_table_schema = schema_name AND E.ext_table_name = view_name)"""

_TEXT = f"""COALESCE((SELECT T.text FROM {_EXT}._emulator_views T WHERE T.catalog = database_name
    AND T.schema = schema_name AND T.name = view_name), sql)"""


def _information_schema(name: str) -> str:
    """Views with their comments and texts, among the tables as well; stages."""
    views = info_schema.SQL_CREATE_INFORMATION_SCHEMA_VIEWS_VIEW.substitute(catalog=name)
    views = views.replace("sql as VIEW_DEFINITION", f"{_TEXT} as VIEW_DEFINITION")
    views = views.replace("null::VARCHAR as COMMENT", f"{_COMMENT} as COMMENT")
    views = views.replace("create view if not exists", "create or replace view")
    tables = info_schema.SQL_CREATE_INFORMATION_SCHEMA_TABLES_VIEW.substitute(catalog=name)
    tables = tables.replace("create view if not exists", "create or replace view")
    tables += f"""UNION ALL BY NAME SELECT database_name AS "TABLE_CATALOG", schema_name AS "TABLE_SCHEMA",
        view_name AS "TABLE_NAME", 'SYSADMIN' AS "TABLE_OWNER", 'VIEW' AS "TABLE_TYPE", {_COMMENT} AS "COMMENT"
        FROM duckdb_views WHERE database_name = '{name}' AND schema_name != '_fs_information_schema'"""
    stages = f"""CREATE OR REPLACE VIEW {name}._fs_information_schema._emulator_stages AS SELECT
        database_name AS "STAGE_CATALOG", schema_name AS "STAGE_SCHEMA", name AS "STAGE_NAME", NULL::VARCHAR AS "STAGE_URL",
        NULL::VARCHAR AS "STAGE_REGION", 'Internal Named' AS "STAGE_TYPE", owner AS "STAGE_OWNER", comment AS "COMMENT",
        created_on AS "CREATED", created_on AS "LAST_ALTERED" FROM {_EXT}._fs_stages WHERE database_name = '{name}'"""
    return f"{views}; {tables}; {stages}; {_TRY_TIMESTAMP.format(name=name)}"


class _Few(OrderedDict):
    """The last results only: fakesnow would keep every one for ever."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > 20:
            self.popitem(last=False)


class Warehouse:
    def __init__(self, settings):
        folder = os.path.join(settings.folder, "databases") if settings.on_disk else None
        if folder:
            os.makedirs(folder)
        self.fakesnow = FakeSnow(create_schema_on_connect=False, db_path=folder)
        self.fakesnow.results_cache = _Few()
        self.fakesnow.duck_conn.execute(
            f"CREATE TABLE {_EXT}._emulator_views (catalog VARCHAR, schema VARCHAR, name VARCHAR, text VARCHAR)"
        )
        self.connecting = threading.Lock()
        self.databases: dict[str, Database] = {}
        self.prepared: set[str] = set()

    def connect(self, database: str | None, schema: str | None) -> fakesnow.fakes.FakeSnowflakeConnection:
        """A connection of one session's own."""
        with self.connecting:
            connection = self.fakesnow.connect(database, schema)
            self.prepare(connection, connection.database)
        return connection

    def prepare(self, connection, database: str | None) -> None:
        if database and database not in self.prepared:
            connection._duck_conn.execute(_information_schema(database))
            self.prepared.add(database)

    def database(self, name: str | None) -> Database:
        return self.databases.setdefault(name or "", Database())

    def describe(self, name: tuple[str, str, str], comment: str | None, text: str | None) -> None:
        """Keeps a table's or view's comment, and the text if there is one, in place of those that it had."""
        with self.connecting, self.fakesnow.duck_conn.cursor() as cursor:
            cursor.execute("BEGIN")
            where = "ext_table_catalog = ? AND ext_table_schema = ? AND ext_table_name = ?"
            cursor.execute(f"DELETE FROM {_EXT}._fs_tables_ext WHERE {where}", name)
            cursor.execute(f"INSERT INTO {_EXT}._fs_tables_ext VALUES (?, ?, ?, ?)", [*name, comment])
            if text is not None:
                cursor.execute(f"DELETE FROM {_EXT}._emulator_views WHERE catalog = ? AND schema = ? AND name = ?", name)
                cursor.execute(f"INSERT INTO {_EXT}._emulator_views VALUES (?, ?, ?, ?)", [*name, text])
            cursor.execute("COMMIT")

    def record_stage(self, name: tuple[str, str, str], comment: str | None) -> None:
        self.forget_stage(name)
        with self.connecting, self.fakesnow.duck_conn.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {_EXT}._fs_stages (created_on, database_name, schema_name, name, owner, comment, type, "
                "cloud, has_credentials, has_encryption_key, directory_enabled) "
                "VALUES (now(), ?, ?, ?, 'SYSADMIN', ?, 'INTERNAL', 'AWS', 'N', 'N', 'N')",
                [*name, comment],
            )

    def forget_stage(self, name: tuple[str, str, str]) -> None:
        with self.connecting, self.fakesnow.duck_conn.cursor() as cursor:
            where = "database_name = ? AND schema_name = ? AND name = ?"
            cursor.execute(f"DELETE FROM {_EXT}._fs_stages WHERE {where}", name)

    def has_schema(self, database: str, schema: str) -> bool:
        with self.connecting, self.fakesnow.duck_conn.cursor() as cursor:
            found = cursor.execute(
                "SELECT 1 FROM system.information_schema.schemata WHERE catalog_name = ? AND schema_name = ?",
                [database, schema],
            )
            return found.fetchone() is not None
