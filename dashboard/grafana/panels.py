"""The panels of a provisioned dashboard and the SQL they send, expanded as Grafana's PostgreSQL data source does.

Source of the rules: grafana/grafana, packages/grafana-data/src/datetime/rangeutil.ts (interval) and
pkg/tsdb/grafana-postgresql-datasource/macros.go (macros).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from dashboard.grafana.variables import defaults, interpolate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from dashboard.grafana.variables import Values

# A raw interval below the first number (ms) becomes the second.
ROUNDING = (
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
)
YEAR = 31_536_000_000
UNITS = (("y", YEAR), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
DEFAULT_POINTS = 1_000  # about the width of a panel in pixels, what Grafana takes where maxDataPoints is not set
DURATION = re.compile(r">?(\d+)(ms|s|m|h|d)$")
RELATIVE = re.compile(r"now(?:([-+]\d+)([smhdwMy]))?(?:/([smhd]))?$")
SPANS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}  # seconds
MACRO = re.compile(r"\$(__[A-Za-z]+)\(([^)]*)\)")


@dataclass(frozen=True)
class TimeRange:
    """What the time picker says: from `start` to `end`, both with a time zone and both included."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: str, end: str, now: datetime) -> TimeRange:
        """Read times as a dashboard and its links hold them: "now-6h", "now/d", milliseconds since 1970, or ISO 8601.

        Raises:
            ValueError: a time in another form, or an end that is not after the start.

        """
        times = cls(_moment(start, now), _moment(end, now))
        if times.end <= times.start:
            message = f"the range ends ({end}) before it starts ({start})"
            raise ValueError(message)
        return times

    @property
    def milliseconds(self) -> int:
        """The length."""
        return round((self.end - self.start) / timedelta(milliseconds=1))

    def __str__(self) -> str:
        """Show both ends to the second, UTC."""
        start, end = (moment.astimezone(timezone.utc) for moment in (self.start, self.end))
        return f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Panel:
    """One panel: the JSON it comes from and what of it matters to a reader."""

    model: dict[str, Any]
    defaults: Values = field(default_factory=dict)  # of the dashboard's variables

    @property
    def title(self) -> str:
        """The title, as shown."""
        return str(self.model["title"])

    @property
    def kind(self) -> str:
        """The visualization: timeseries, stat, piechart and so on."""
        return str(self.model["type"])

    @property
    def queries(self) -> list[tuple[str, str]]:
        """(refId, SQL with macros) of each query."""
        return [(target["refId"], target["rawSql"]) for target in self.model.get("targets", [])]

    def step(self, times: TimeRange) -> int:
        """Return the length of a bucket in milliseconds."""
        return interval(times, self.model.get("maxDataPoints", DEFAULT_POINTS), self.model.get("interval", "1s"))

    def expanded(self, times: TimeRange, values: Values | None = None) -> list[tuple[str, str]]:
        """(refId, SQL as sent) of each query; `values` are those of the dashboard's variables, by default what it holds."""
        step = self.step(times)
        return [
            (ref, expand(interpolate(sql, self.defaults if values is None else values), times, step))
            for ref, sql in self.queries
        ]


def load(path: Path) -> dict[str, Any]:
    """Read a dashboard."""
    dashboard: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return dashboard


def panels(dashboard: dict[str, Any]) -> Iterator[Panel]:
    """Yield the panels that draw something, those inside collapsed rows too."""
    values = defaults(dashboard)
    for model in dashboard["panels"]:
        if model["type"] != "row":
            yield Panel(model, values)
        yield from (Panel(inner, values) for inner in model.get("panels", []))


def default_range(dashboard: dict[str, Any], now: datetime) -> TimeRange:
    """Return what the dashboard shows when it is opened."""
    return TimeRange.parse(dashboard["time"]["from"], dashboard["time"]["to"], now)


def interval(times: TimeRange, points: int, minimum: str) -> int:
    """Return $__interval_ms: a round length that gives about `points` buckets, at least `minimum` ("1s")."""
    raw = times.milliseconds / points
    rounded = next((length for below, length in ROUNDING if raw < below), YEAR)
    return max(rounded, _milliseconds(minimum))


def duration(milliseconds: int) -> str:
    """Write a length in its largest unit, rounded down, as $__interval: 90 s become "1m"."""
    unit, length = next((unit, length) for unit, length in UNITS if milliseconds >= length)
    return f"{milliseconds // length}{unit}"


def expand(sql: str, times: TimeRange, step: int) -> str:
    """Replace macros; `step` in milliseconds.

    Raises:
        ValueError: a macro that Grafana does not know, or that this function does not.

    """
    sql = sql.replace("$__interval_ms", str(step)).replace("$__interval", duration(step))
    return MACRO.sub(lambda match: _macro(match[1], match[2].strip(), times), sql)


def run(connection: psycopg.Connection[Any], sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Send one expanded query; return the names of its columns and its rows."""
    cursor = connection.execute(sql.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


def _macro(name: str, argument: str, times: TimeRange) -> str:
    start, end = _literal(times.start), _literal(times.end)
    known = {
        "__timeFilter": f"{argument} BETWEEN {start} AND {end}",
        "__timeFrom": start,
        "__timeTo": end,
        "__unixEpochFrom": str(int(times.start.timestamp())),
        "__unixEpochTo": str(int(times.end.timestamp())),
    }
    if name not in known:
        message = f"unknown macro ${name}"
        raise ValueError(message)
    return known[name]


def _literal(moment: datetime) -> str:
    return f"'{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat()}Z'"


def _milliseconds(text: str) -> int:
    match = DURATION.match(text)
    if not match:
        message = f"not a duration: {text!r}"
        raise ValueError(message)
    return int(match[1]) * dict(UNITS)[match[2]]


def _moment(text: str, now: datetime) -> datetime:
    if re.fullmatch(r"\d{9,}", text):
        return datetime.fromtimestamp(int(text) / 1_000, timezone.utc)
    match = RELATIVE.match(text)
    if match:
        moment = now + timedelta(seconds=int(match[1]) * SPANS[match[2]]) if match[1] else now
        return _floor(moment, match[3]) if match[3] else moment
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        message = f"not a time: {text!r}; write now-6h, milliseconds since 1970, or 2026-01-31T12:00:00Z"
        raise ValueError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _floor(moment: datetime, unit: str) -> datetime:
    """Cut a time down to its whole second, minute, hour or day (UTC)."""
    seconds = moment.timestamp()
    return datetime.fromtimestamp(seconds - seconds % SPANS[unit], timezone.utc)
