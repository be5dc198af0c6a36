"""What turns a table or view into what its file says: statements, and sentences where QuestDB has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operations.reconciler.sql import MATERIALIZED_VIEW, TABLE, VIEW, Statement, folded, quoted

if TYPE_CHECKING:
    from operations.reconciler.catalog import Column, Relation

# A symbol's capacity grows by itself when this share of it is used: cairo.auto.scale.symbol.capacity.threshold.
GROWS_AT = 0.8


@dataclass(frozen=True)
class Definition:
    """A table or view with its columns by name in small letters."""

    relation: Relation
    columns: dict[str, Column]


@dataclass
class Changes:
    """Statements to run; `differences` are what a person must decide; `lacking` is true if rows may not fit the table."""

    statements: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    lacking: bool = False


def changes(statement: Statement, have: Definition, want: Definition) -> Changes:
    """Compare what QuestDB has with what it makes of the file (`want`)."""
    if have.relation.kind != want.relation.kind:
        was, now = have.relation.kind.lower(), want.relation.kind.lower()
        difference = f"it is a {was}, the file says {now}. {_remake(have)}, or give one of the two another name"
        return Changes(differences=[difference], lacking=True)
    compare = {TABLE: _table, MATERIALIZED_VIEW: _materialized_view, VIEW: _view}[want.relation.kind]
    return compare(statement, have, want)


def _remake(have: Definition) -> str:
    """Name the statement after which the reconciler makes it anew, and what that costs."""
    run = f"run: DROP {have.relation.kind} {quoted(have.relation.name)}"
    lost = {
        TABLE: "To have it made anew without its rows",
        MATERIALIZED_VIEW: "To have it rebuilt from what its base still holds",
    }
    return f"{lost.get(have.relation.kind, 'To have it made anew')}, {run}"


def _table(_: Statement, have: Definition, want: Definition) -> Changes:
    layout = _layout(have, want)
    if layout:
        return Changes(differences=[f"{layout}. {_remake(have)}"], lacking=True)
    found = Changes(differences=_extra(have, want) + _endless(have, want))
    for name, column in want.columns.items():
        if name not in have.columns:
            found.statements.append(_alter(have, f"ADD COLUMN IF NOT EXISTS {quoted(column.name)} {_typed(column)}"))
        elif have.columns[name].type != column.type:
            found.differences.append(_other_type(have, have.columns[name], column))
            found.lacking = True
        else:
            found.statements += _symbol(have, have.columns[name], column)
    found.statements += _keys(have, want) + _ttl(have, want) + _parameters(have, want)
    return found


def _layout(have: Definition, want: Definition) -> str:
    """Return what QuestDB decides when it creates a table or view and can't alter, if that differs; else nothing."""
    facts = (
        ("designated timestamp", have.relation.timestamp or "none", want.relation.timestamp or "none"),
        ("PARTITION BY", have.relation.partition, want.relation.partition),
        ("write-ahead log", _on(have.relation.wal), _on(want.relation.wal)),
    )
    return "; ".join(
        f"{what} is {current}, the file says {wanted}" for what, current, wanted in facts if current != wanted
    )


def _on(flag: bool) -> str:  # noqa: FBT001 - a word for it
    return "on" if flag else "off"


def _extra(have: Definition, want: Definition) -> list[str]:
    return [
        f"the file has no column {quoted(column.name)}. Add the line `{quoted(column.name)} {_typed(column)}` to the file, "
        f"or run: ALTER TABLE {quoted(have.relation.name)} DROP COLUMN {quoted(column.name)}"
        for name, column in have.columns.items()
        if name not in want.columns
    ]


def _other_type(have: Definition, current: Column, wanted: Column) -> str:
    column = quoted(current.name)
    return (
        f"column {current.name} is {current.type}, the file says {wanted.type}. Write {current.type} in the file, "
        f"or run: ALTER TABLE {quoted(have.relation.name)} ALTER COLUMN {column} TYPE {wanted.type}"
    )


def _typed(column: Column) -> str:
    """Return the type of a column with all that a symbol has besides."""
    if column.type != "SYMBOL":
        return column.type
    index = f" INDEX CAPACITY {column.index}" if column.index else ""
    return f"SYMBOL CAPACITY {column.capacity} {_cache(column)}{index}"


def _cache(column: Column) -> str:
    return "CACHE" if column.cached else "NOCACHE"


def _alter(have: Definition, what: str) -> str:
    return f"ALTER {have.relation.kind} {quoted(have.relation.name)} {what}"


def _symbol(have: Definition, current: Column, wanted: Column) -> list[str]:
    """Change what a symbol has besides its type."""
    changed = []
    if _capacity_differs(current, wanted):
        changed.append(f"SYMBOL CAPACITY {wanted.capacity}")
    if current.cached != wanted.cached:
        changed.append(_cache(wanted))
    column = f"ALTER COLUMN {quoted(current.name)}"
    return [_alter(have, f"{column} {change}") for change in changed] + _index(have, current, wanted)


def _capacity_differs(current: Column, wanted: Column) -> bool:
    """Tell whether to change a capacity; one that QuestDB has raised, for the values would not fit, stays."""
    fits = current.values < wanted.capacity * GROWS_AT
    return wanted.capacity > current.capacity or (wanted.capacity < current.capacity and fits)


def _index(have: Definition, current: Column, wanted: Column) -> list[str]:
    if current.index == wanted.index:
        return []
    column = f"ALTER COLUMN {quoted(current.name)}"
    drop = [_alter(have, f"{column} DROP INDEX")] if current.index else []
    return drop + ([_alter(have, f"{column} ADD INDEX CAPACITY {wanted.index}")] if wanted.index else [])


def _keys(have: Definition, want: Definition) -> list[str]:
    current, wanted = ({name: column.name for name, column in it.columns.items() if column.key} for it in (have, want))
    if current.keys() == wanted.keys():
        return []
    keys = f"ENABLE UPSERT KEYS({', '.join(map(quoted, wanted.values()))})" if wanted else "DISABLE"
    return [_alter(have, f"DEDUP {keys}")]


def _ttl(have: Definition, want: Definition) -> list[str]:
    value, unit = want.relation.ttl
    same = have.relation.ttl == want.relation.ttl or _endless(have, want)
    return [] if same else [_alter(have, f"SET TTL {value} {unit}")]


def _endless(have: Definition, want: Definition) -> list[str]:
    """Name a TTL that can't be removed: for these partitions QuestDB takes no unit with a 0."""
    if want.relation.ttl[0] or not have.relation.ttl[0] or have.relation.partition not in {"MONTH", "YEAR"}:
        return []
    partition = f"PARTITION BY {have.relation.partition}"
    return [f"QuestDB cannot remove the TTL with {partition}. Write one in the file that never ends: TTL 1000 YEARS"]


def _parameters(have: Definition, want: Definition) -> list[str]:
    """Change the parameters after WITH; o3MaxLag is in microseconds."""
    changed = []
    if have.relation.uncommitted != want.relation.uncommitted:
        changed.append(f"SET PARAM maxUncommittedRows = {want.relation.uncommitted}")
    if have.relation.lag != want.relation.lag:
        changed.append(f"SET PARAM o3MaxLag = {want.relation.lag}us")
    return [_alter(have, change) for change in changed]


def _materialized_view(statement: Statement, have: Definition, want: Definition) -> Changes:
    found = Changes(statements=_ttl(have, want) + _refresh(statement, have, want) + _indexes(have, want))
    wrong = [_layout(have, want), _base(have, want), _query(have, want)]
    found.differences = _endless(have, want) + [
        f"{what}, and QuestDB cannot alter that. {_back(have)}" for what in wrong if what
    ]
    return found


def _back(have: Definition) -> str:
    return f"Put back what the file said before, or lose what only the view still holds. {_remake(have)}"


def _base(have: Definition, want: Definition) -> str:
    current, wanted = have.relation.base, want.relation.base
    return f"its base is {current}, the file says {wanted}" if current.lower() != wanted.lower() else ""


def _query(have: Definition, want: Definition) -> str:
    if folded(have.relation.query) != folded(want.relation.query):
        return "its query has changed"
    current, wanted = ({column.name: column.type for column in it.columns.values()} for it in (have, want))
    return "" if current == wanted else f"its columns are {_listed(current)}, its query gives {_listed(wanted)}"


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


def _refresh(statement: Statement, have: Definition, want: Definition) -> list[str]:
    """Change when a view is refreshed; without START it begins when it is created, so that tells nothing."""
    same = have.relation.schedule == want.relation.schedule
    if same and ("START" not in map(str.upper, statement.refresh) or have.relation.start == want.relation.start):
        return []
    # Without the semicolon QuestDB 9.3.4 looks for a token after START, and fails.
    return [_alter(have, f"SET REFRESH {' '.join(statement.refresh)};")]


def _indexes(have: Definition, want: Definition) -> list[str]:
    """Change a view's indexes; the capacity of its symbols comes from its base, and is not the file's to say."""
    both = have.columns.keys() & want.columns.keys()
    return [change for name in sorted(both) for change in _index(have, have.columns[name], want.columns[name])]


def _view(statement: Statement, have: Definition, want: Definition) -> Changes:
    """Replace a view, which holds no rows."""
    if folded(have.relation.query) == folded(want.relation.query):
        return Changes()
    return Changes([f"CREATE OR REPLACE VIEW {quoted(statement.name)}{statement.rest}"])
