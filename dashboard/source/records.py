"""Panels of a table of records whose view has sums and counts by minute: what `make new-dataset` puts on a dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import table

from dashboard.source import panels, sql
from dashboard.source.panels import Panel, below
from dashboard.source.sql import Source

WORDS = "Over ranges of more than 3 hours this is counted in whole minutes."
NEWEST = 20  # rows


@dataclass(frozen=True)
class Records:
    """A table and its view; `by` is the column that charts are split by, which the view must have, or nothing."""

    table: str
    view: str
    by: str = ""

    @property
    def _metric(self) -> str:
        return quoted(self.by) if self.by else f"'{self.table}'"

    @property
    def _split(self) -> str:
        return f", by {self.by}" if self.by else ""

    @property
    def _count(self) -> tuple[Source, Source]:
        return Source(self.table, "count() AS records"), Source(self.view, "sum(records) AS records")

    def number(self) -> Panel:
        """Show how many records lie in the range."""
        about = f"Records in the chosen range. {WORDS}"
        return panels.number("Records", sql.total("sum(records) AS records", *self._count), about, none="0")

    def rate(self) -> Panel:
        """Show records a second."""
        query = sql.total(f"sum(records) * 1.0 / ({sql.SPAN}) AS rate", *self._count)
        about = f"Records in the chosen range divided by its length. {WORDS}"
        return panels.number("Mean rate", query, about, unit="cps", decimals=1, none="0")

    def age(self) -> Panel:
        """Show how old the newest record is."""
        about = "Now minus the newest timestamp that is not of the future, whatever the chosen range."
        return panels.number(
            "Age of the newest record",
            sql.newest(self.table),
            about,
            unit="s",
            none="none yet",
            steps=below(600, 86_400),
        )

    def over_time(self) -> Panel:
        """Draw records a second."""
        table_, view = f"{sql.per('count()')} AS value", f"{sql.per('sum(records)')} AS value"
        return panels.bars(
            f"Records a second{self._split}",
            sql.buckets(self._metric, Source(self.table, table_), Source(self.view, view)),
            "Records at their own time. The newest bucket still fills up.",
            unit="cps",
            points=120,
            calcs=["max"],
        )

    def mean(self, column: str) -> Panel:
        """Draw the mean of a number for each bucket."""
        return panels.lines(
            f"Mean of {column}{self._split}",
            sql.means(self._metric, self.table, self.view, quoted(column), column),
            f"Mean of the column {column} in each interval.",
            points=120,
            calcs=["mean"],
            least=None,
        )

    def top(self, column: str) -> Panel:
        """Rank the values of a column by their records."""
        query = f"""\
SELECT {quoted(column)}, count() AS records
FROM {self.table}
WHERE {sql.IN_RANGE}
ORDER BY records DESC, {quoted(column)}
LIMIT 10"""
        return panels.ranking(f"Most frequent {column}", query, f"The ten values of {column} with the most records.")

    def newest(self, *columns: str) -> Panel:
        """Show the newest rows."""
        listed = "".join(f", {quoted(column)}" for column in columns)
        query = f"""\
SELECT timestamp{listed}
FROM {self.table}
WHERE {sql.IN_RANGE}
ORDER BY timestamp DESC
LIMIT {NEWEST}"""
        about = f"The {NEWEST} newest rows of the chosen range."
        return panels.start(table.Panel(), "Newest records", query, about, unit="short", shape="table")


def quoted(name: str) -> str:
    """Return a column's name as SQL, whatever word it is."""
    return f'"{name}"'
