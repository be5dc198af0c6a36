"""Panels about the pollers, which more than one dashboard shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.source import panels, sql

if TYPE_CHECKING:
    from dashboard.source.panels import Panel

TABLE = "github_polls"
# Three requests of a page without a token, in milliseconds: a line breaks where more are missing.
THREE_REQUESTS = 600_000


def events(where: str = "") -> Panel:
    """Show what the answers brought."""
    columns = f'{sql.per("sum(fresh)")} AS "new", {sql.per("sum(duplicate)")} AS "repeated"'
    return panels.bars(
        "New and repeated events a second",
        sql.sampled(columns, TABLE, where, order="time", gaps=False),
        "Events in the answers of GitHub. New: not seen before, they go to Kafka. Repeated: an earlier answer already held "
        "them.",
        unit="eps",
        colours={"new": "green", "repeated": "text"},
    )


def left(where: str = "") -> Panel:
    """Show what is left of the rate limit."""
    return panels.lines(
        "Requests left this hour",
        sql.sampled("poller AS metric, min(remaining) AS remaining", TABLE, f" AND remaining IS NOT NULL{where}"),
        "The smallest remainder of the hourly rate limit that GitHub reported to each poller: 60 an hour without a token, "
        "5,000 with one.",
        spans=THREE_REQUESTS,
    )
