"""One statement: what kind it is, and what fakesnow needs to be told differently."""

from dataclasses import dataclass

import sqlglot
from fakesnow.transforms.transforms import SQL_DESCRIBE_TABLE
from sqlglot import exp

from . import errors, plain


@dataclass
class Statement:
    kind: str
    """read, insert, change, define, nothing, begin, commit, rollback, session, put, list, remove, copy, stage"""
    expression: exp.Expr
    text: str


def parse(text: str) -> Statement:
    if plain.changes_nothing(text):
        return Statement("nothing", exp.Command(this="ALTER"), text)
    parsed = [one for one in sqlglot.parse(plain.rewritten(text), read="snowflake") if one is not None and not isinstance(one, exp.Semicolon)]
    if not parsed:
        raise errors.ServiceError("000900", "SQL compilation error:\nsyntax error: empty SQL statement.")
    if len(parsed) > 1:
        text = f"Actual statement count {len(parsed)} did not match the desired statement count 1."
        raise errors.ServiceError("000008", text, "0A000")
    return Statement(_kind(parsed[0]), parsed[0], text)


def _kind(expression: exp.Expr) -> str:
    match expression:
        case exp.Transaction():
            return "begin"
        case exp.Commit():
            return "commit"
        case exp.Rollback():
            return "rollback"
        case exp.Put():
            return "put"
        case exp.ListStage():
            return "list"
        case exp.Copy():
            return "copy"
        case exp.Insert():
            return "change" if expression.args.get("overwrite") else "insert"
        case exp.MultitableInserts():
            return "insert"
        case exp.Update() | exp.Delete() | exp.Merge() | exp.TruncateTable():
            return "change"
        case exp.Alter() if expression.args.get("kind") == "SESSION":
            return "session"
        case exp.Create() | exp.Drop() if expression.args.get("kind") == "STAGE":
            return "stage"
        case exp.Query() | exp.Values() | exp.Show() | exp.Describe() | exp.Use() | exp.Set() | exp.Alias() | exp.Column():
            return "read"
        case exp.Command():
            word = str(expression.this).upper()
            if word == "ALTER" and str(expression.expression).strip().upper().startswith("SESSION"):
                return "session"
            return "remove" if word in ("REMOVE", "RM") else "read" if word in _READING else "define"
    return "define"


# Of the statements that sqlglot leaves alone, those that change nothing of the tables.
_READING = {"CALL", "DESC", "DESCRIBE", "EXPLAIN", "SET", "SHOW", "UNSET", "USE"}


def full_name(table: exp.Table, session) -> tuple[str, str, str]:
    """Database, schema and name of a table, in the session's words where the statement has none."""
    def part(identifier, default):
        if identifier is None:
            return default or ""
        return identifier.name if identifier.args.get("quoted") else identifier.name.upper()

    connection = session.connection
    return (
        part(table.args.get("catalog"), connection.database),
        part(table.args.get("db"), connection.schema),
        part(table.this, None),
    )


def target(expression: exp.Expr, session) -> str:
    """The table that a statement changes."""
    table = expression.this if isinstance(expression.this, exp.Expr) else expression
    found = table if isinstance(table, exp.Table) else table.find(exp.Table)
    return ".".join(full_name(found, session)) if found is not None else "?"


def prepared(expression: exp.Expr, session) -> exp.Expr:
    """A copy of the statement that fakesnow understands."""
    expression = expression.copy()
    if isinstance(expression, exp.Create):
        _strip_properties(expression, session)
    if isinstance(expression, exp.TruncateTable) and expression.args.get("exists"):
        expression.set("exists", False)
    if isinstance(expression, exp.Describe) and isinstance(expression.this, exp.Table):
        name = full_name(expression.this, session)
        if ".".join(name) in session.temporary:
            return _describe_temporary(name[2])
    return expression.transform(lambda node: _rewrite(node, session), copy=False)


def _describe_temporary(name: str) -> exp.Expr:
    asked = SQL_DESCRIBE_TABLE.substitute(catalog="temp", schema="main", table=name)
    return sqlglot.parse_one(asked.replace("FROM _fs", "FROM _fs_global._fs"), read="duckdb")


def _rewrite(node: exp.Expr, session) -> exp.Expr:
    connection = session.connection
    match node:
        case exp.Table() if node.db.upper() == "INFORMATION_SCHEMA" and node.name.upper() == "STAGES":
            node.set("this", exp.to_identifier("_emulator_stages"))
            node.set("db", exp.to_identifier("_fs_information_schema"))
        case exp.Table() if session.temporary and ".".join(full_name(node, session)) in session.temporary:
            # DuckDB keeps them in a database of their own.
            node.set("catalog", None)
            node.set("db", None)
    values = {
        "CurrentRole": session.role,
        "CurrentSession": str(session.id),
        "CurrentDatabase": connection.database,
        "CurrentCatalog": connection.database,
        "CurrentSchema": connection.schema,
        "CurrentUser": session.user,
        "CurrentWarehouse": session.warehouse,
        "CurrentAccount": "TESTACCOUNT",
        "CurrentAccountName": "TESTACCOUNT",
        "CurrentRegion": "AWS_US_EAST_1",
        "CurrentTransaction": str(session.transaction.id) if session.transaction else None,
        "LAST_QUERY_ID": session.last_query_id,
    }
    name = type(node).__name__ if isinstance(node, exp.Func) else ""
    name = node.name.upper() if isinstance(node, exp.Anonymous) else name
    if name not in values and name.startswith("CURRENT_"):
        name = "".join(word.title() for word in name.split("_"))
    if name not in values:
        return node
    literal = exp.Literal.string(values[name]) if values[name] is not None else exp.cast(exp.Null(), "VARCHAR")
    if isinstance(node.parent, exp.Select):
        return exp.alias_(literal, node.sql(dialect="snowflake"), quoted=True)
    return literal


# What DuckDB has no word for, and what makes no difference here.
_STRIPPED = (exp.SchemaCommentProperty, exp.CopyGrantsProperty, exp.TransientProperty, exp.SecureProperty)


def _strip_properties(create: exp.Create, session) -> None:
    properties = create.args.get("properties")
    if properties is None:
        return
    kept = [one for one in properties.expressions if not isinstance(one, _STRIPPED)]
    create.set("properties", exp.Properties(expressions=kept) if kept else None)
    table = create.find(exp.Table)
    if create.kind == "TABLE" and any(isinstance(one, exp.TemporaryProperty) for one in kept):
        session.temporary.add(".".join(full_name(table, session)))


def comment_of(expression: exp.Expr) -> str | None:
    """The comment that a CREATE gives."""
    found = expression.find(exp.SchemaCommentProperty)
    return found.name if found is not None else None
