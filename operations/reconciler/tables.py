"""Tables and materialized views: created, and altered where QuestDB can, as questdb/schema/*.sql say."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlparse

from operations.reconciler.problems import Problem
from operations.reconciler.questdb import QuestDb  # noqa: TC001 - known by this name, too

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

CREATE = re.compile(r"CREATE\s+(TABLE|MATERIALIZED\s+VIEW)\s+IF\s+NOT\s+EXISTS\s+(\w+)", re.IGNORECASE)
VIEW_QUERY = re.compile(r"\bAS\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
TTL = re.compile(r"\bTTL\s+(\d+)\s*(\w+?)S?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One CREATE … IF NOT EXISTS of a schema file, without its comments."""

    file: str
    sql: str
    name: str
    is_view: bool


def read(folder: Path) -> list[Statement]:
    """Read the statements of every *.sql of `folder`, files by name, statements in their order."""
    return [statement for path in sorted(folder.glob("*.sql")) for statement in _parse(path)]


def _parse(path: Path) -> list[Statement]:
    text = sqlparse.format(path.read_text(encoding="utf-8"), strip_comments=True)
    return [_statement(path.name, sql.strip().rstrip(";")) for sql in sqlparse.split(text)]


def _statement(file: str, sql: str) -> Statement:
    match = CREATE.match(sql)
    if not match:
        message = f"{file}: only CREATE … IF NOT EXISTS can be applied again and again, this can't: {sql[:80]}"
        raise Problem(message)
    return Statement(file, sql, match[2], is_view=match[1].upper() != "TABLE")


def missing(database: QuestDb, statements: Iterable[Statement]) -> list[str]:
    """Return the names of tables and views that the database does not have."""
    have = database.names()
    return [statement.name for statement in statements if statement.name not in have]


def apply(database: QuestDb, statements: list[Statement]) -> None:
    """Create what is missing, alter what differs.

    Raises:
        Problem: QuestDB refused a statement, or a difference cannot be altered; the other statements are applied.

    """
    have = database.names()
    refused = []
    for statement in statements:
        try:
            _apply(database, statement, exists=statement.name in have)
        except Problem as problem:
            refused.append(f"schema/{statement.file}, {statement.name}: {problem}")
    if refused:
        raise Problem("; ".join(refused))


def _apply(database: QuestDb, statement: Statement, *, exists: bool) -> None:
    if not exists:
        database.run(statement.sql)
        log.info("created %s", statement.name)
    elif statement.is_view:
        _match_view(database, statement)
    else:
        _match_table(database, statement)


def _match_view(database: QuestDb, statement: Statement) -> None:
    rows = database.run(f"SHOW CREATE MATERIALIZED VIEW {statement.name}")
    current = str(rows[0]["ddl"])
    if _query(current) != _query(statement.sql):
        message = (
            "its query has changed, and QuestDB cannot alter that. To have it rebuilt from what the table still holds, "
            f"run: DROP MATERIALIZED VIEW {statement.name}"
        )
        raise Problem(message)
    if _ttl(statement.sql) != _ttl(current):
        value, unit = _ttl(statement.sql)
        _alter(database, f"ALTER MATERIALIZED VIEW {statement.name} SET TTL {value} {unit}")


def _query(create: str) -> str:
    """Return the query of a CREATE MATERIALIZED VIEW, white space folded."""
    match = VIEW_QUERY.search(create)
    return " ".join((match[1] if match else create).split())


def _ttl(create: str) -> tuple[int, str]:
    """Return the TTL in hours or months, as QuestDB keeps it: it shows 24 MONTHS as 2 YEARS."""
    match = TTL.search(create[create.rfind(")") :])
    if not match:
        return 0, "HOUR"
    factor, unit = {
        "HOUR": (1, "HOUR"),
        "DAY": (24, "HOUR"),
        "WEEK": (168, "HOUR"),
        "MONTH": (1, "MONTH"),
        "YEAR": (12, "MONTH"),
    }[match[2].upper()]
    return int(match[1]) * factor, unit


def _match_table(database: QuestDb, statement: Statement) -> None:
    """Compare the table with a twin made from the file, so that QuestDB itself reads the file."""
    twin = f"{statement.name}__as_in_file"
    database.run(f"DROP TABLE IF EXISTS {twin}")
    database.run(CREATE.sub(f"CREATE TABLE {twin}", statement.sql))
    try:
        changes = _changes(statement.name, _shape(database, statement.name), _shape(database, twin))
    finally:
        database.run(f"DROP TABLE IF EXISTS {twin}")
    for change in changes:
        _alter(database, change)


def _alter(database: QuestDb, sql: str) -> None:
    database.run(sql)
    log.info("%s", sql)


@dataclass(frozen=True)
class Shape:
    """What of a table a schema file decides."""

    columns: dict[str, str]
    keys: list[str]
    layout: tuple[str, str]
    ttl: tuple[int, str]


def _shape(database: QuestDb, table: str) -> Shape:
    columns = database.run(f"SELECT \"column\", type, upsertKey FROM table_columns('{table}')")  # noqa: S608 - our names
    row = database.run(f"SELECT * FROM tables() WHERE table_name = '{table}'")[0]  # noqa: S608 - our names
    return Shape(
        columns={column["column"]: column["type"] for column in columns},
        keys=[column["column"] for column in columns if column["upsertKey"]],
        layout=(row["designatedTimestamp"], row["partitionBy"]),
        ttl=(row["ttlValue"], row["ttlUnit"]),
    )


def _changes(table: str, have: Shape, want: Shape) -> list[str]:
    """Return the ALTER statements that turn `have` into `want`; raise Problem where there are none."""
    if have.layout != want.layout:
        message = f"designated timestamp and partitioning are {have.layout}, the file says {want.layout}: {_REMAKE}"
        raise Problem(message)
    for column, kind in have.columns.items():
        if want.columns.get(column) != kind:
            says = f"the file says {want.columns[column]}" if column in want.columns else "the file has no such column"
            message = f"column {column} is {kind}, {says}: {_REMAKE}"
            raise Problem(message)
    new = [f"ALTER TABLE {table} ADD COLUMN {c} {k}" for c, k in want.columns.items() if c not in have.columns]
    return new + _settings(table, have, want)


_REMAKE = "QuestDB cannot change that without losing views; copy the rows to a new table, or drop the table"


def _settings(table: str, have: Shape, want: Shape) -> list[str]:
    settings = []
    if have.keys != want.keys:
        keys = f"ENABLE UPSERT KEYS({', '.join(want.keys)})" if want.keys else "DISABLE"
        settings.append(f"ALTER TABLE {table} DEDUP {keys}")
    if have.ttl != want.ttl:
        value, unit = want.ttl
        settings.append(f"ALTER TABLE {table} SET TTL {value} {unit}")
    return settings
