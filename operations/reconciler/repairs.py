"""What QuestDB stops when a write fails, mostly for lack of disk, and does not start again by itself."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from operations.reconciler.backoff import Backoff
from operations.reconciler.catalog import TWIN
from operations.reconciler.problems import Problem
from operations.reconciler.sql import MATERIALIZED_VIEW, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.reconciler.catalog import Relation
    from operations.reconciler.questdb import QuestDb

log = logging.getLogger(__name__)

SUSPENDED = "SELECT name, errorMessage FROM wal_tables() WHERE suspended"
INVALID = "SELECT view_name, invalidation_reason FROM materialized_views() WHERE view_status = 'invalid'"


class Repairs:
    """Resumes suspended tables and rebuilds invalid views, less and less often while that does not help."""

    def __init__(self, database: QuestDb, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of nothing that has stopped; `clock` gives seconds."""
        self.backoff = Backoff(clock)
        self._database = database
        self._advice: dict[str, str] = {}

    def make(self, have: dict[str, Relation]) -> list[str]:
        """Repair what is due of `have`; return a sentence for each table or view that has stopped."""
        ailing = {name: relation for name, relation in have.items() if ails(relation)}
        for name in self.backoff.ailing() - ailing.keys():
            self.backoff.well(name)
        return [self._repaired(name, relation, have) for name, relation in ailing.items()]

    def _repaired(self, name: str, relation: Relation, have: dict[str, Relation]) -> str:
        """Repair one if that is due. If that fails, its sentence says so, and the others are repaired all the same."""
        if self.backoff.due(name):
            try:
                self._advice[name] = self._repair(relation, have)
            except Problem as problem:
                self._advice[name] = f"The repair failed: {problem}. It is tried again"
        return ". ".join(filter(None, (sentence(relation), self._advice[name])))

    def _repair(self, relation: Relation, have: dict[str, Relation]) -> str:
        """Repair one; return what a person must do instead, if anything."""
        return self._rebuild(relation, have) if relation.suspended is None else self._resume(relation)

    def _resume(self, relation: Relation) -> str:
        """Have QuestDB go on: it kept what it was sent. What a person suspended has no error, and waits for them."""
        if not relation.suspended:
            return f"To have it go on, run: {resuming(relation)}"
        log.warning("resuming %s: %s", relation.name, relation.suspended)
        self._database.run(resuming(relation))
        return ""

    def _rebuild(self, view: Relation, have: dict[str, Relation]) -> str:
        """Rebuild a view from its base, unless that would forget what only the view still holds."""
        base = have.get(view.base.lower())
        if base is None:
            return f"Its base {view.base} does not exist. Make it again, or run: DROP {view.kind} {quoted(view.name)}"
        if base.status == "invalid":
            return "It waits until its base is rebuilt"
        if forgotten(self._database, view, base):
            return f"To rebuild it from what {base.name} still holds, run: {rebuilding(view)}"
        log.warning("rebuilding view %s: %s", view.name, view.reason)
        self._database.run(rebuilding(view))
        return ""


def ails(relation: Relation) -> bool:
    """Tell whether a table or view has stopped; what was made to be compared is no one's concern."""
    invalid = relation.kind == MATERIALIZED_VIEW and relation.status == "invalid"
    return (invalid or relation.suspended is not None) and not relation.name.endswith(TWIN)


def sentence(relation: Relation) -> str:
    """Return what is wrong with a table or view that has stopped."""
    if relation.suspended is not None:
        return f"{relation.name} is suspended: {relation.suspended or 'by hand'}"
    return f"view {relation.name} is out of order: {relation.reason}"


def resuming(relation: Relation) -> str:
    """Return the statement that has QuestDB apply what was written."""
    return f"ALTER {relation.kind} {quoted(relation.name)} RESUME WAL"


def rebuilding(view: Relation) -> str:
    """Return the statement that computes a view anew."""
    return f"REFRESH MATERIALIZED VIEW {quoted(view.name)} FULL"


def forgotten(database: QuestDb, view: Relation, base: Relation) -> bool:
    """Return whether a view holds more than its base does: a bucket that ends before the base begins.

    The bucket in which the base begins, it holds whole, since both expire by whole partitions.
    """
    begin, oldest = first(database, base), first(database, view)
    if not begin or not oldest:
        return bool(oldest)
    following = first(database, view, after=oldest)
    return bool(following) and _digits(following) <= _digits(begin)


def first(database: QuestDb, relation: Relation, after: str = "") -> str:
    """Return the oldest timestamp of a table or view (that is later than `after`), in ISO 8601; empty if there is none."""
    time_column = quoted(relation.timestamp)
    where = f" WHERE {time_column} > {literal(after)}" if after else ""
    found = database.run(f"SELECT min({time_column}) first FROM {quoted(relation.name)}{where}")  # noqa: S608 - its own names
    return str(found[0]["first"] or "") if found else ""


def _digits(timestamp: str) -> str:
    """Return a timestamp so that text compares as time, be it of micro- or of nanoseconds."""
    return timestamp.rstrip("Z").ljust(len("2026-01-01T00:00:00.000000000"), "0")
