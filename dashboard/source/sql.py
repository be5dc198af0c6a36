"""The parts of SQL that panels share: which of a table and its views is read, and rates of counters.

QuestDB leaves a part of a UNION out when its condition on the range is constant and false, so each panel reads one source.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent

SHORT = 10_800  # seconds: up to here the table itself is read
MINUTE, HOUR = 60_000, 3_600_000  # milliseconds: buckets from here on can be added up from the view of that grain
SPAN = "$__unixEpochTo() - $__unixEpochFrom()"
IN_RANGE = "$__timeFilter(timestamp)"
# As in the range, but the first bucket is complete.
IN_BUCKETS = "timestamp >= timestamp_floor('$__interval', $__timeFrom()::timestamp) AND timestamp <= $__timeTo()"
# As a number of today: what of the last minute is known, whatever range is chosen.
LAST_MINUTE = "timestamp > dateadd('s', -60, now()) AND timestamp <= now()"


@dataclass(frozen=True)
class Source:
    """A table or view, what to select from it, and which rows: `where` begins with AND."""

    name: str
    columns: str
    where: str = ""


@dataclass(frozen=True)
class Choice:
    """When the table itself is read, whatever the range: where a choice asks for what no view knows. Both are constants in SQL."""

    table: str = ""
    views: str = ""


ANYTHING = Choice()


def total(outer: str, table: Source, view: Source, *, end: str = "", choice: Choice = ANYTHING) -> str:
    """Add up over the whole range: from the table where that is short, else from the view."""
    return f"""\
SELECT {outer}
FROM (
  SELECT {table.columns}
  FROM {table.name}
  WHERE {IN_RANGE} AND ({SPAN} <= {SHORT}{choice.table}){table.where}
  UNION ALL
  SELECT {view.columns}
  FROM {view.name}
  WHERE {IN_RANGE} AND {SPAN} > {SHORT}{choice.views}{view.where}
){end}"""


def buckets(
    by: str,
    table: Source,
    minutes: Source,
    *,
    hours: Source | None = None,
    gaps: bool = False,
    choice: Choice = ANYTHING,
) -> str:
    """Return a value for each bucket and each `by`, read from the coarsest source that has buckets as short.

    With `gaps` a bucket without rows is there too, so that a line can break.
    """
    until = "" if hours is None else f" AND $__interval_ms < {HOUR}"
    parts = [
        (table, f"($__interval_ms < {MINUTE} OR {SPAN} <= {SHORT}{choice.table})"),
        (minutes, f"$__interval_ms >= {MINUTE}{until} AND {SPAN} > {SHORT}{choice.views}"),
    ]
    if hours is not None:
        parts.append((hours, f"$__interval_ms >= {HOUR} AND {SPAN} > {SHORT}{choice.views}"))
    fill = " FILL(NULL)" if gaps else ""
    selects = "\n  UNION ALL\n".join(_bucket(by, source, condition) + fill for source, condition in parts)
    return f"SELECT * FROM (\n{selects}\n) ORDER BY time, metric"


def means(by: str, table: str, minutes: str, column: str, name: str) -> str:
    """Return the mean of a column for each bucket and each `by`; the view has its sums and counts under `name`."""
    added = f"sum({name}_sum) * 1.0 / sum({name}_count) AS value"
    return buckets(by, Source(table, f"avg({column}) AS value"), Source(minutes, added), gaps=True)


def _bucket(by: str, source: Source, condition: str) -> str:
    return f"""\
  SELECT timestamp AS time, {by} AS metric, {source.columns}
  FROM {source.name}
  WHERE {IN_BUCKETS}
    AND {condition}{source.where}
  SAMPLE BY $__interval"""


MOST_MARKS = 100


def silences(table: str, seconds: int, text: str, where: str = "") -> str:
    """Return the spans of more than `seconds` within the range in which a table has no row."""
    return f"""\
SELECT earlier AS time, timestamp AS timeend, '{text}' AS text
FROM (
  SELECT timestamp, lag(timestamp) OVER (ORDER BY timestamp) AS earlier
  FROM {table}
  WHERE {IN_RANGE}{where}
)
WHERE datediff('s', earlier, timestamp) > {seconds}
ORDER BY time
LIMIT {MOST_MARKS}"""


def ended(query: str) -> str:
    """Name each bucket after its end: so Grafana's heatmap takes it, where all other panels take its beginning."""
    return f"""\
SELECT dateadd('s', $__interval_ms / 1000, time) AS time, metric, rate
FROM (
{query}
)
ORDER BY time, metric"""


LONG = 172_800  # seconds: from here on whole days (UTC) are read from a view by day, and only the rest from a finer one
FIRST_DAY = "timestamp_ceil('d', $__timeFrom()::timestamp)"
LAST_DAY = "timestamp_floor('d', $__timeTo()::timestamp)"


def top(table: Source, view: str, days: str, column: str, choice: Choice = ANYTHING) -> str:
    """Return the ten names with the most events: counted in the table over short ranges, else added up from the views."""
    best = f"ORDER BY events DESC, {column}\nLIMIT 10"
    added = f"{column}, sum(events) AS events"
    ranges = [
        (view, f"timestamp >= $__timeFrom() AND timestamp < {FIRST_DAY}"),
        (days, f"timestamp >= {FIRST_DAY} AND timestamp < {LAST_DAY}"),
        (view, f"timestamp >= {LAST_DAY} AND timestamp <= $__timeTo()"),
    ]
    counted = f"{IN_RANGE} AND ({SPAN} <= {SHORT}{choice.table}){table.where}"
    # Each alone has its ten. What is added up from three parts needs more names, but not all: a name that is not among the
    # first thousand of a part has so few events there that they hardly change which names are the ten.
    most = "ORDER BY events DESC\nLIMIT 1000"
    parts = [
        f"(SELECT {table.columns}\nFROM {table.name}\nWHERE {counted}\n{best})",
        f"(SELECT {added}\nFROM {view}\nWHERE {IN_RANGE} AND {SPAN} > {SHORT} AND {SPAN} <= {LONG}{choice.views}\n{best})",
        *(
            f"(SELECT {added}\nFROM {name}\nWHERE {condition} AND {SPAN} > {LONG}{choice.views}\n{most})"
            for name, condition in ranges
        ),
    ]
    selects = indent("\nUNION ALL\n".join(parts), "  ")
    return f"SELECT {column}, sum(events) AS events\nFROM (\n{selects}\n)\n{best}"


def newest(table: str) -> str:
    """Return the seconds since the newest row that is not of the future."""
    return f"""\
SELECT datediff('s', max(timestamp), now()) AS age
FROM (SELECT timestamp FROM {table} WHERE timestamp <= now() ORDER BY timestamp DESC LIMIT 1)"""


def sampled(columns: str, table: str, where: str = "", *, order: str = "time, metric", gaps: bool = True) -> str:
    """Select `columns` for each bucket; with `gaps` a bucket without rows is there too, so that a line can break."""
    return f"""\
SELECT timestamp AS time, {columns}
FROM {table}
WHERE {IN_BUCKETS}{where}
SAMPLE BY $__interval{" FILL(NULL)" if gaps else ""}
ORDER BY {order}"""


def per(total: str, milliseconds: int = 1_000) -> str:
    """Return the `total` of a bucket as a rate, which is the same whatever the range: a second, or as told."""
    return f"{total} * {milliseconds}.0 / $__interval_ms"


def looks(columns: str, looks: str, values: str, order: str = "time, metric") -> str:
    """Add up or compare the rows of one look first, then the looks of a bucket.

    `looks` selects a timestamp and columns for each look, `values` are the aggregates of a bucket, `columns` what is shown.
    """
    return f"""\
SELECT timestamp AS time, {columns}
FROM (
  SELECT timestamp, {values}
  FROM (
{looks}
    ORDER BY timestamp
  ) TIMESTAMP(timestamp)
  SAMPLE BY $__interval FILL(NULL)
)
ORDER BY {order}"""


@dataclass(frozen=True)
class Counter:
    """A counter that only grows while what it counts lives: its table, its column, and the columns that tell counters apart.

    After a restart it begins at 0, so all that it then shows is new; `lasting` counters never do. What falls there was replaced.
    """

    table: str
    column: str
    keys: tuple[str, ...]
    lasting: bool = False

    def since(self, before: str) -> str:
        """What it grew by since the look whose value is the column `before`."""
        fell = "0" if self.lasting else self.column
        return f"CASE WHEN {self.column} < {before} THEN {fell} ELSE {self.column} - {before} END"

    @property
    def grown(self) -> str:
        """The same since the look before, as a fraction: a quotient of whole numbers would be cut to one."""
        return f"{self.since('before')} * 1.0"

    @property
    def window(self) -> str:
        """The looks at the same counter, in their order."""
        keys = f"PARTITION BY {', '.join(self.keys)} " if self.keys else ""
        return f"OVER ({keys}ORDER BY timestamp)"

    def looks(self, where: str, margin: str = "    ") -> str:
        """Select each look with the value and the time of the look before."""
        keys = ", ".join(self.keys)
        lines = f"""\
SELECT timestamp, {keys}, {self.column}, lag({self.column}) {self.window} AS before,
  lag(timestamp) {self.window} AS earlier
FROM {self.table}
WHERE {where}"""
        return indent(lines, margin)


def rate_now(counter: Counter, where: str = "") -> str:
    """Return what all counters grew by a second, in the last minute."""
    keys = ", ".join(counter.keys)
    return f"""\
SELECT sum(rate) AS rate
FROM (
  SELECT {keys}, sum({counter.grown}) / sum(datediff('s', earlier, timestamp)) AS rate
  FROM (
{counter.looks(LAST_MINUTE + where)}
  )
  WHERE before IS NOT NULL
  GROUP BY {keys}
)"""


def rates(counter: Counter, name: str, where: str = "", scale: str = "") -> str:
    """Return what counters grow by a second: those with the same `name` are added up look by look, then averaged."""
    return looks("metric, rate", _rates(counter, name, where, scale), "metric, avg(rate) AS rate")


def both_rates(first: tuple[Counter, str], second: tuple[Counter, str]) -> str:
    """The same for two columns of a table, each with the names of its series."""
    either = f"{_rates(*first)}\n    UNION ALL\n{_rates(*second)}"
    return looks("metric, rate", f"    SELECT * FROM (\n{either}\n    )", "metric, avg(rate) AS rate")


def _rates(counter: Counter, name: str, where: str = "", scale: str = "") -> str:
    return f"""\
    SELECT timestamp, {name} AS metric, sum({counter.grown}{scale} / datediff('s', earlier, timestamp)) AS rate
    FROM (
{counter.looks(IN_BUCKETS + where, "      ")}
    )
    WHERE before IS NOT NULL
    GROUP BY timestamp, metric"""


def increases(counters: dict[str, Counter], *gauges: str) -> str:
    """Select for each look what counters of one table grew by, under the names of `counters`, and `gauges` as written."""
    one = next(iter(counters.values()))
    grown = [f"sum({c.since(f'{name}_before')}) AS {name}" for name, c in counters.items()]
    before = [f"lag({c.column}) {one.window} AS {name}_before" for name, c in counters.items()]
    return f"""\
    SELECT timestamp, {", ".join([*gauges, *grown])}
    FROM (
      SELECT *, {", ".join(before)}
      FROM {one.table}
      WHERE {IN_BUCKETS}
    )
    GROUP BY timestamp"""
