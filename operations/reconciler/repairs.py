"""What QuestDB stops when a write fails, mostly for lack of disk, and does not start again by itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from operations.reconciler.backoff import Backoff

if TYPE_CHECKING:
    from operations.reconciler.tables import QuestDb

log = logging.getLogger(__name__)

SUSPENDED = "SELECT name, errorMessage FROM wal_tables() WHERE suspended"
INVALID = """
SELECT v.view_name, v.base_table_name, v.invalidation_reason, b.view_status base_status
FROM materialized_views() v LEFT JOIN materialized_views() b ON b.view_name = v.base_table_name
WHERE v.view_status = 'invalid'
"""


class Watch:
    """Resumes suspended tables and rebuilds invalid views, less and less often while that does not help."""

    def __init__(self) -> None:
        """Know of nothing that has stopped."""
        self._backoff = Backoff()

    def check(self, database: QuestDb) -> list[str]:
        """Repair what is due; return a sentence for each table or view that has stopped."""
        suspended = {row["name"]: row["errorMessage"] for row in database.run(SUSPENDED)}
        invalid = {row["view_name"]: row for row in database.run(INVALID)}
        for name in self._backoff.ailing() - suspended.keys() - invalid.keys():
            self._backoff.well(name)
        sentences = [self._suspended(database, name, error) for name, error in suspended.items()]
        return sentences + [self._invalid(database, view) for name, view in invalid.items() if name not in suspended]

    def _suspended(self, database: QuestDb, name: str, error: str) -> str:
        """Have QuestDB go on: it kept what it was sent. What a person suspended has no error, and waits for them."""
        if error and self._backoff.due(name):
            log.warning("resuming %s: %s", name, error)
            resume(database, name)
        return f"{name} is suspended: {error or 'by hand'}"

    def _invalid(self, database: QuestDb, view: dict[str, Any]) -> str:
        """Rebuild a view from its base, unless that would forget what only the view still holds."""
        name = view["view_name"]
        sentence = f"view {name} is out of order: {view['invalidation_reason']}"
        if view["base_status"] == "invalid":
            return sentence
        base = view["base_table_name"]
        if forgotten(database, name, base):
            return f"{sentence}. To rebuild it from what {base} still holds, run: {rebuilding(name)}"
        if self._backoff.due(name):
            log.warning("rebuilding view %s: %s", name, view["invalidation_reason"])
            database.run(rebuilding(name))
        return sentence


def resume(database: QuestDb, name: str) -> None:
    """Have QuestDB apply what was written to a table or view."""
    is_view = database.run(f"SELECT view_name FROM materialized_views() WHERE view_name = '{name}'")  # noqa: S608 - its names
    database.run(f"ALTER {'MATERIALIZED VIEW' if is_view else 'TABLE'} {name} RESUME WAL")


def rebuilding(view: str) -> str:
    """Return the statement that computes a view anew."""
    return f"REFRESH MATERIALIZED VIEW {view} FULL"


def forgotten(database: QuestDb, view: str, base: str) -> bool:
    """Return whether a view holds more than its base does: a bucket that ends before the base begins.

    The bucket in which the base begins, it holds whole, since both expire by whole partitions.
    """
    begin, oldest = first(database, base), first(database, view)
    if not begin or not oldest:
        return bool(oldest)
    following = first(database, f"{view} WHERE timestamp > '{oldest}'")
    return bool(following) and following <= begin


def first(database: QuestDb, rows: str) -> str:
    """Return the oldest timestamp of these rows, in ISO 8601; empty if there are none."""
    found = database.run(f"SELECT min(timestamp) first FROM {rows}")  # noqa: S608 - QuestDB's own names
    return str(found[0]["first"] or "") if found else ""
