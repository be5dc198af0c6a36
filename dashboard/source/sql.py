"""The parts of SQL that panels share: which of a table and its views is read, and rates of counters.

QuestDB leaves a part of a UNION out when its condition on the range is constant and false, so each panel reads one source.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """A table or view, and what to select from it."""

    name: str
    columns: str


def total(outer: str, table: Source, view: Source, end: str = "") -> str:
    """Add up over the whole range: from the table where that is short, else from the view."""
    return f"""\
SELECT {outer}
FROM (
  SELECT {table.columns}
  FROM {table.name}
  WHERE {IN_RANGE} AND {SPAN} <= {SHORT}
  UNION ALL
  SELECT {view.columns}
  FROM {view.name}
  WHERE {IN_RANGE} AND {SPAN} > {SHORT}
){end}"""


def buckets(by: str, table: Source, minutes: Source, hours: Source | None = None) -> str:
    """Return a value for each bucket and each `by`, read from the coarsest source that has buckets as short."""
    until = "" if hours is None else f" AND $__interval_ms < {HOUR}"
    parts = [
        (table, f"($__interval_ms < {MINUTE} OR {SPAN} <= {SHORT})"),
        (minutes, f"$__interval_ms >= {MINUTE}{until} AND {SPAN} > {SHORT}"),
    ]
    if hours is not None:
        parts.append((hours, f"$__interval_ms >= {HOUR} AND {SPAN} > {SHORT}"))
    selects = "\n  UNION ALL\n".join(_bucket(by, source, condition) for source, condition in parts)
    return f"SELECT * FROM (\n{selects}\n) ORDER BY time, metric"


def _bucket(by: str, source: Source, condition: str) -> str:
    return f"""\
  SELECT timestamp AS time, {by} AS metric, {source.columns}
  FROM {source.name}
  WHERE {IN_BUCKETS}
    AND {condition}
  SAMPLE BY $__interval"""


def top(column: str, table: str, view: str, count: int = 10) -> str:
    """Return the names with the most events, counted in the table over short ranges and else added up from the view."""
    return f"""\
SELECT * FROM (
  (SELECT {column}, count() AS events
   FROM {table}
   WHERE {IN_RANGE} AND {SPAN} <= {SHORT}
   ORDER BY events DESC, {column}
   LIMIT {count})
  UNION ALL
  (SELECT {column}, sum(events) AS events
   FROM {view}
   WHERE {IN_RANGE} AND {SPAN} > {SHORT}
   ORDER BY events DESC, {column}
   LIMIT {count})
)"""


def newest(table: str) -> str:
    """Return the seconds since the newest row that is not of the future."""
    return f"""\
SELECT datediff('s', max(timestamp), now()) AS age
FROM (SELECT timestamp FROM {table} WHERE timestamp <= now() ORDER BY timestamp DESC LIMIT 1)"""


def sampled(columns: str, table: str, where: str = "", order: str = "time, metric") -> str:
    """Select `columns` for each bucket."""
    return f"""\
SELECT timestamp AS time, {columns}
FROM {table}
WHERE {IN_BUCKETS}{where}
SAMPLE BY $__interval
ORDER BY {order}"""


@dataclass(frozen=True)
class Counter:
    """A counter that only grows while what it counts lives: its table, its column, and the columns that tell counters apart.

    `fallen` is what a counter that fell has grown by since: "0" where it can't fall, or all that it shows after a restart.
    """

    table: str
    column: str
    keys: tuple[str, ...]
    fallen: str | None = None

    @property
    def grown(self) -> str:
        """What it grew by since the look before."""
        fell = self.column if self.fallen is None else self.fallen
        return f"CASE WHEN {self.column} < before THEN {fell} ELSE {self.column} - before END"

    def looks(self, where: str) -> str:
        """Select each look with the value and the time of the look before."""
        keys = ", ".join(self.keys)
        window = f"OVER (PARTITION BY {keys} ORDER BY timestamp)"
        return f"""\
    SELECT timestamp, {keys}, {self.column}, lag({self.column}) {window} AS before,
      lag(timestamp) {window} AS earlier
    FROM {self.table}
    WHERE {where}"""


def rate_now(counter: Counter, where: str = "") -> str:
    """Return what all counters grew by a second, in the last minute."""
    keys = ", ".join(counter.keys)
    return f"""\
SELECT sum(rate) AS rate
FROM (
  SELECT {keys}, sum({counter.grown}) * 1.0 / sum(datediff('s', earlier, timestamp)) AS rate
  FROM (
{counter.looks(LAST_MINUTE + where)}
  )
  WHERE before IS NOT NULL
  GROUP BY {keys}
)"""


def rates(counter: Counter, where: str = "") -> str:
    """Return what counters grow by a second: those that share the first key are added up look by look, then averaged."""
    return f"""\
SELECT timestamp AS time, metric, avg(rate) AS rate
FROM (
  SELECT timestamp, {counter.keys[0]} AS metric,
    sum({counter.grown} * 1.0 / datediff('s', earlier, timestamp)) AS rate
  FROM (
{counter.looks(IN_BUCKETS + where)}
  )
  WHERE before IS NOT NULL
  GROUP BY timestamp, metric
  ORDER BY timestamp
) TIMESTAMP(timestamp)
SAMPLE BY $__interval
ORDER BY time, metric"""


def rates_each(counter: Counter, name: str, scale: str = "") -> str:
    """As `rates`, without adding up."""
    return f"""\
SELECT timestamp AS time, metric, avg(change{scale} / seconds) AS {name}
FROM (
  SELECT timestamp, {counter.keys[0]} AS metric, {counter.grown} AS change,
    datediff('s', earlier, timestamp) AS seconds
  FROM (
{counter.looks(IN_BUCKETS)}
  )
  WHERE before IS NOT NULL
) TIMESTAMP(timestamp)
SAMPLE BY $__interval
ORDER BY time, metric"""
