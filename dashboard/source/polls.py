"""Panels about the pollers, which more than one dashboard shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.source import panels, sql

if TYPE_CHECKING:
    from dashboard.source.panels import Panel

TABLE = "github_polls"
# Three requests of a page without a token, in milliseconds: a line breaks where more are missing.
THREE_REQUESTS = 600_000


def nothing_missing(answers: str) -> str:
    """Describe a share of `answers`, in the same words wherever it is shown."""
    return (
        f"Share of {answers} after which nothing is known to be missing: not full, or holding an event of the answer before. "
        "GitHub's public feed shows about 170 events a second through a window of 300, so any plan sees a part of it and a "
        "low share is as designed; on a feed of your own it is near 100. The alert looks at whether a poller does what its "
        "plan allows."
    )


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


def by_page(value: str, where: str = "") -> str:
    """Select an aggregate for each page. Its name is written after the rows are added up, which saves writing it for each."""
    return f"""\
SELECT time, concat('page ', page::int) AS metric, value
FROM (
  SELECT timestamp AS time, page, {value} AS value
  FROM {TABLE}
  WHERE {sql.IN_BUCKETS}{where}
  SAMPLE BY $__interval FILL(NULL)
)
ORDER BY time, metric"""


def left(where: str = "") -> Panel:
    """Show what is left of the rate limit."""
    return panels.lines(
        "Requests left this hour",
        sql.sampled("poller AS metric, min(remaining) AS remaining", TABLE, f" AND remaining IS NOT NULL{where}"),
        "The smallest remainder of the hourly rate limit that GitHub reported to each poller: 60 an hour without a token, "
        "5,000 with one.",
        spans=THREE_REQUESTS,
    )


def silences() -> panels.Marks:
    """Mark the times without a good answer, as long as those that raise an alert."""
    query = sql.silences(TABLE, 600, "No good answer from GitHub", " AND status IN (200, 304)")
    return panels.Marks("Pollers without an answer", "orange", query)
