"""What QuestDB has: tables, views and their columns, in two statements however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.reconciler.problems import Problem
from operations.reconciler.sql import MATERIALIZED_VIEW, TABLE, VIEW, literal

if TYPE_CHECKING:
    from collections.abc import Collection

    from operations.reconciler.questdb import QuestDb

RELATIONS = """
SELECT t.table_name, t.table_type, t.designatedTimestamp, t.partitionBy, t.ttlValue, t.ttlUnit, t.walEnabled,
  t.maxUncommittedRows, t.o3MaxLag, w.suspended, w.errorMessage, p.view_sql plain_sql,
  v.view_status, v.invalidation_reason, v.base_table_name, v.view_sql, v.refresh_type, v.timer_start, v.timer_time_zone,
  v.timer_interval, v.timer_interval_unit, v.period_length, v.period_length_unit, v.period_delay, v.period_delay_unit
FROM tables() t
LEFT JOIN wal_tables() w ON w.name = t.table_name
LEFT JOIN materialized_views() v ON v.view_name = t.table_name
LEFT JOIN views() p ON p.view_name = t.table_name
"""
TWIN = "__as_in_file"  # ends the name of what is created only to be compared with something else
KINDS = {"T": TABLE, "M": MATERIALIZED_VIEW, "V": VIEW}
SCHEDULE = (
    "refresh_type",
    "timer_time_zone",
    "timer_interval",
    "timer_interval_unit",
    "period_length",
    "period_length_unit",
    "period_delay",
    "period_delay_unit",
)


@dataclass(frozen=True)
class Column:
    """A column; `index` is the block capacity of its index, 0 without one; the last three are of symbols only."""

    name: str
    type: str
    key: bool
    index: int
    cached: bool
    capacity: int
    values: int


@dataclass(frozen=True)
class Relation:
    """A table or view as QuestDB reports it.

    `ttl` is a number and its unit, 0 for none; `lag` is o3MaxLag in microseconds. Of a view: its `query`. Of a materialized view:
    its `base`, when it is refreshed (`schedule`) and since when (`start`), its `status` and why that is invalid (`reason`).
    `suspended` is None while writes are applied, else the error that stopped them, empty if a person did.
    """

    name: str
    kind: str
    timestamp: str
    partition: str
    ttl: tuple[int, str]
    wal: bool
    uncommitted: int
    lag: int
    query: str
    base: str
    schedule: tuple[Any, ...]
    start: str
    status: str
    reason: str
    suspended: str | None

    @property
    def complete(self) -> bool:
        """Tell whether QuestDB said what it is made of: for a moment it may list a materialized view without its query."""
        return self.kind == TABLE or bool(self.query)


def relations(database: QuestDb) -> dict[str, Relation]:
    """Return all tables and views by their names in small letters, as QuestDB compares names."""
    return {row["table_name"].lower(): _relation(row) for row in database.run(RELATIONS)}


def _relation(row: dict[str, Any]) -> Relation:
    return Relation(
        name=row["table_name"],
        kind=KINDS.get(row["table_type"], TABLE),
        timestamp=row["designatedTimestamp"] or "",
        partition=row["partitionBy"],
        ttl=(row["ttlValue"], row["ttlUnit"]),
        wal=row["walEnabled"],
        uncommitted=row["maxUncommittedRows"],
        lag=row["o3MaxLag"],
        query=row["view_sql"] or row["plain_sql"] or "",
        base=row["base_table_name"] or "",
        schedule=tuple(row[name] for name in SCHEDULE),
        start=row["timer_start"] or "",
        status=row["view_status"] or "",
        reason=row["invalidation_reason"] or "",
        suspended=(row["errorMessage"] or "") if row["suspended"] else None,
    )


def columns(database: QuestDb, names: Collection[str]) -> dict[str, dict[str, Column]]:
    """Return the columns of these tables and views: by the relation's name, then by the column's, both in small letters.

    What is listed but is not there is left out: QuestDB goes on listing the old name of a table that was renamed.
    """
    try:
        return _columns(database, names)
    except Problem:
        if len(names) <= 1:
            return {}
    return {name: found for single in names for name, found in columns(database, [single]).items()}


def _columns(database: QuestDb, names: Collection[str]) -> dict[str, dict[str, Column]]:
    found: dict[str, dict[str, Column]] = {name.lower(): {} for name in names}
    selects = [f"SELECT {literal(name)} relation, * FROM table_columns({literal(name)})" for name in names]  # noqa: S608 - its names
    for row in database.run(" UNION ALL ".join(selects)) if selects else []:
        found[row["relation"].lower()][row["column"].lower()] = _column(row)
    return found


def _column(row: dict[str, Any]) -> Column:
    return Column(
        name=row["column"],
        type=row["type"],
        key=row["upsertKey"],
        index=row["indexBlockCapacity"] if row["indexed"] else 0,
        cached=row["symbolCached"],
        capacity=row["symbolCapacity"],
        values=row["symbolTableSize"],
    )
