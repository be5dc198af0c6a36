"""What the queries of a panel returned, and the series in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

Series = dict[str, list[float | None]]


@dataclass(frozen=True)
class Result:
    """The answer to one query: the names of the columns, and the rows."""

    names: list[str]
    rows: list[tuple[Any, ...]]

    def column(self, name: str) -> list[Any]:
        """Return the values of one column."""
        index = self.names.index(name)
        return [row[index] for row in self.rows]

    def labelled(self) -> list[tuple[str, Any]]:
        """Return (first column as text, last column) of each row: what Grafana takes for names and values of a table."""
        return [(str(row[0]) if len(row) > 1 else self.names[-1], row[-1]) for row in self.rows]


def wide(results: list[Result]) -> tuple[list[datetime], Series]:
    """Return the times and, by name, a value or None for each of them.

    As in Grafana, a column `metric` splits the rows into series; without it every column but `time` is a series.
    """
    cells: dict[str, dict[datetime, float | None]] = {}
    for result in results:
        if result.names:
            _add(cells, result)
    times = sorted({time for series in cells.values() for time in series})
    return times, {name: [series.get(time) for time in times] for name, series in cells.items()}


def _add(cells: dict[str, dict[datetime, float | None]], result: Result) -> None:
    at = result.names.index("time")
    metric = result.names.index("metric") if "metric" in result.names else None
    values = [index for index in range(len(result.names)) if index not in {at, metric}]
    for row in result.rows:
        for index in values:
            name = result.names[index] if metric is None else str(row[metric])
            cells.setdefault(name, {})[row[at]] = row[index]


def epoch_ms(moment: datetime) -> int:
    """Return milliseconds since 1970; a time without a zone is UTC, as QuestDB gives it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return round(aware.timestamp() * 1_000)
