"""What each panel must show, computed from the rows in plain Python: one function a panel, by dashboard and title.

Each takes the rows, the range and the bucket in seconds and returns the rows of the query. They follow what the panels'
descriptions promise: exact up to 3 hours, beyond that whole minutes (hours, 10 minutes) that begin within the range.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dashboard_rows import DAY, HOUR, INTERVAL, MINUTE, Event, Point, Poll, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dashboard.grafana.panels import TimeRange

SHORT = 3 * HOUR
TOP = 10
SAMPLE = 20  # events of an hour; with fewer their mix is not shown


@dataclass(frozen=True)
class Window:
    """The rows, seen through a range and cut into buckets of `step` seconds."""

    rows: Rows
    times: TimeRange
    step: int
    raw: bool = False

    @property
    def start(self) -> float:
        """Seconds since 1970."""
        return self.times.start.timestamp()

    @property
    def end(self) -> float:
        """Seconds since 1970."""
        return self.times.end.timestamp()

    @property
    def short(self) -> bool:
        """Whether panels count raw rows."""
        return self.raw or int(self.end) - int(self.start) <= SHORT

    @property
    def grain(self) -> int:
        """Seconds of a bucket of the view that a chart reads; 1 for the table itself."""
        if self.short or self.step < MINUTE:
            return 1
        return MINUTE if self.step < HOUR else HOUR

    def within(self, rows: Iterable[Any], grain: int) -> list[Any]:
        """Return the rows whose bucket of `grain` seconds begins in the range."""
        return [row for row in rows if self.start <= row.at // grain * grain <= self.end]

    def charted(self, rows: Iterable[Any], grain: int) -> list[Any]:
        """The same, with the first bucket of the chart complete."""
        first = int(self.start) // self.step * self.step
        return [row for row in rows if first <= row.at // grain * grain <= self.end]

    def bucket(self, row: Any) -> datetime:  # noqa: ANN401 - any of the three kinds of row
        """Return the beginning of the row's bucket, as QuestDB gives it: UTC without a zone."""
        return datetime.fromtimestamp(row.at // self.step * self.step, timezone.utc).replace(tzinfo=None)

    def chosen_events(self) -> list[Event]:
        """Events of the range as the totals count them."""
        return self.within(self.rows.events, 1 if self.short else MINUTE)

    def chosen_points(self) -> list[Point]:
        """Points of the range as the totals count them."""
        return self.within(self.rows.points, 1 if self.short else MINUTE)

    def buckets_of_polls(self) -> dict[datetime, list[Poll]]:
        """Polls by bucket."""
        split = defaultdict(list)
        for poll in self.charted(self.rows.polls, 1):
            split[self.bucket(poll)].append(poll)
        return dict(split)


Answer = list[tuple[Any, ...]]


def _seconds(window: Window) -> int:
    return int(window.end) - int(window.start)


def _ranked(counts: Counter[str]) -> Answer:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _rate(window: Window, rows: Iterable[Any], name: str) -> Answer:
    """Return (bucket, attribute `name`, rows a second)."""
    counts = Counter((window.bucket(row), getattr(row, name)) for row in rows)
    return [(*key, count / window.step) for key, count in counts.items()]


def _events_by_type(window: Window) -> Answer:
    return _rate(window, window.charted(window.rows.events, window.grain), "type")


def _activity(window: Window) -> Answer:
    """The same, with the ends of buckets."""
    return [(at + timedelta(seconds=window.step), *rest) for at, *rest in _events_by_type(window)]


def _top(column: str) -> Callable[[Window], Answer]:
    def top(window: Window) -> Answer:
        if window.short:
            return _ranked(Counter(getattr(event, column) for event in window.within(window.rows.events, 1)))[:TOP]
        grain, first, last = 10 * MINUTE, -(-window.start // DAY), window.end // DAY
        heavy = Counter(
            (event.at // grain, getattr(event, column)) for event in window.within(window.rows.events, grain)
        )
        totals: Counter[str] = Counter()
        days: Counter[tuple[int, str]] = Counter()
        for (bucket, name), count in heavy.items():
            day = bucket * grain // DAY
            whole = window.end - window.start > 2 * DAY and first <= day < last
            if count > 2:
                (days if whole else totals)[(day, name) if whole else name] += count  # type: ignore[index]
        for (_, name), count in days.items():
            totals[name] += count if count > 10 else 0
        return _ranked(+totals)[:TOP]

    return top


def _bots(window: Window) -> Answer:
    return [(100 * fmean(event.bot for event in window.chosen_events()),)]


def _coverage(window: Window) -> Answer:
    answers = [poll for poll in window.within(window.rows.polls, 1) if poll.status == 200]
    return [(100 * fmean(not poll.saturated for poll in answers),)]


def _new_and_known(window: Window) -> Answer:
    buckets = window.buckets_of_polls().items()
    return [
        (at, sum(poll.fresh for poll in polls) / window.step, sum(poll.duplicate for poll in polls) / window.step)
        for at, polls in buckets
    ]


def _overlap(window: Window) -> Answer:
    split = defaultdict(list)
    for at, polls in window.buckets_of_polls().items():
        for poll in polls:
            if poll.status == 200:
                split[at, f"page {poll.page}"].append(poll.overlap)
    return _broken({key: fmean(overlaps) for key, overlaps in split.items()}, window.step)


def _outcome(poll: Poll) -> str:
    if poll.status == 200:
        return "saturated" if poll.saturated else "nothing known missing"
    return "unchanged" if poll.status == 304 else "failed"


def _outcomes(window: Window) -> Answer:
    counts = {at: Counter(map(_outcome, polls)) for at, polls in window.buckets_of_polls().items()}
    return [
        (
            at,
            *(count[name] * 60 / window.step for name in ("nothing known missing", "saturated", "unchanged", "failed")),
        )
        for at, count in counts.items()
    ]


def _remaining(window: Window) -> Answer:
    left = {
        at: [poll.remaining for poll in polls if poll.remaining is not None]
        for at, polls in window.buckets_of_polls().items()
    }
    return _broken({(at, "python"): min(values) for at, values in left.items() if values}, window.step)


def _broken(known: dict[tuple[datetime, str], Any], step: int) -> Answer:
    """Give each series a row for each bucket from the first to the last of all, so that its line breaks."""
    buckets = _filled({at: None for at, _ in known}, step, None)
    return [(at, name, known.get((at, name))) for at in buckets for name in {name for _, name in known}]


def _filled(known: dict[datetime, Any], step: int, empty: Any) -> dict[datetime, Any]:  # noqa: ANN401
    """Put `empty` between the first and the last time where nothing is known."""
    if not known:
        return {}
    count = round((max(known) - min(known)).total_seconds() / step)
    return {at: known.get(at, empty) for at in (min(known) + timedelta(seconds=step * n) for n in range(count + 1))}


def _rates(window: Window) -> dict[datetime, float | None]:
    """Events a second as they arrived: unknown where a page has no good answer."""
    fresh: dict[datetime, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, polls in window.buckets_of_polls().items():
        for poll in polls:
            if poll.status in {200, 304} and not poll.saturated:
                fresh[at][poll.page].append(poll.fresh)
    rates = {
        at: sum(sum(counts) / (INTERVAL * len(counts)) for counts in pages.values()) if len(pages) == 3 else None
        for at, pages in fresh.items()
    }
    return _filled(rates, window.step, None)


def _forecast(window: Window) -> Answer:
    actual, expected = _rates(window), defaultdict(list)
    rows = [row for row in window.charted(window.rows.forecasts, 1) if row.series == "events a second"]
    newest = max(rows, key=lambda row: row.made_at, default=None)
    for row in rows:
        if newest and (row.model, row.step) == (newest.model, newest.step):
            expected[window.bucket(row)].append((row.rate, row.lower, row.upper))
    means = {at: tuple(fmean(values) for values in zip(*rows, strict=True)) for at, rows in expected.items()}
    return [(at, actual.get(at), *means.get(at, (None, None, None))) for at in actual.keys() | means.keys()]


def _mix(window: Window) -> Answer:
    hours = replace(window, step=HOUR)
    seen = defaultdict(list)
    for event in hours.charted(hours.rows.events, HOUR):
        if event.type not in {"PushEvent", "CreateEvent", "DeleteEvent"}:
            seen[hours.bucket(event)].append(event)
    shares = {
        at: tuple(100 * fmean(flags) for flags in ([e.type == "WatchEvent" for e in some], [e.bot for e in some]))
        for at, some in seen.items()
        if len(some) >= SAMPLE
    }
    actual = _filled(dict.fromkeys(seen, (None, None)) | shares, HOUR, (None, None))
    expected = {
        (row.series, hours.bucket(row)): (100 * row.rate, 100 * row.lower, 100 * row.upper)
        for row in hours.charted(hours.rows.forecasts, 1)
        if row.model == "binomial"
    }
    none = (None, None, None)
    return [
        (at, stars, *expected.get(("WatchEvent", at), none), bots, *expected.get(("bots", at), none))
        for at in actual.keys() | {at for _, at in expected}
        for stars, bots in [actual.get(at, (None, None))]
    ]


def _mean_by_type(column: str) -> Callable[[Window], Answer]:
    def means(window: Window) -> Answer:
        split = defaultdict(list)
        for point in window.chosen_points():
            split[point.kind].append(getattr(point, column))
        return [(kind, fmean(value for value in values if value is not None)) for kind, values in split.items()]

    return means


def _series(column: str) -> Callable[[Window], Answer]:
    def series(window: Window) -> Answer:
        split = defaultdict(list)
        for point in window.charted(window.rows.points, min(window.grain, MINUTE)):
            split[window.bucket(point), point.kind].append(getattr(point, column))
        known = {key: [value for value in values if value is not None] for key, values in split.items()}
        return _broken({key: fmean(values) if values else None for key, values in known.items()}, window.step)

    return series


def _points_over_time(window: Window) -> Answer:
    return _rate(window, window.charted(window.rows.points, min(window.grain, MINUTE)), "kind")


def _positions(window: Window) -> Answer:
    last: dict[str, Point] = {}
    for point in sorted(window.within(window.rows.points, 1), key=lambda point: point.at):
        if point.position:
            last[point.device] = point
    return [
        (
            point.device,
            point.kind,
            *(point.position or ()),
            point.speed,
            datetime.fromtimestamp(point.at, timezone.utc).replace(tzinfo=None),
        )
        for point in last.values()
    ]


ANSWERS: dict[tuple[str, str], Callable[[Window], Answer]] = {
    ("github_events", "Events"): lambda window: [(len(window.chosen_events()),)],
    ("github_events", "Mean rate"): lambda window: [(len(window.chosen_events()) / _seconds(window),)],
    ("github_events", "Bots"): _bots,
    ("github_events", "Poll coverage"): _coverage,
    ("github_events", "Events a second, by type"): _events_by_type,
    ("github_events", "Type distribution"): lambda window: _ranked(
        Counter(event.type for event in window.chosen_events())
    ),
    ("github_events", "Top repositories"): _top("repo"),
    ("github_events", "Top actors"): _top("actor"),
    ("github_events", "Activity by type"): _activity,
    ("github_events", "New and repeated events a second"): _new_and_known,
    ("github_events", "Overlap with the answer before"): _overlap,
    ("github_events", "Answers a minute, by outcome"): _outcomes,
    ("github_events", "Requests left this hour"): _remaining,
    ("github_events", "Actual and forecast"): _forecast,
    ("github_events", "Actual and forecast mix"): _mix,
    ("iot_data", "Points received"): lambda window: [(len(window.chosen_points()),)],
    ("iot_data", "Mean rate"): lambda window: [(len(window.chosen_points()) / _seconds(window),)],
    ("iot_data", "Devices"): lambda window: [(len({point.device for point in window.within(window.rows.points, 1)}),)],
    ("iot_data", "Last positions"): _positions,
    ("iot_data", "Mean speed by device type"): _mean_by_type("speed"),
    ("iot_data", "Mean duration by device type"): _mean_by_type("duration_ms"),
    ("iot_data", "Mean speed, by device type"): _series("speed"),
    ("iot_data", "Points a second, by device type"): _points_over_time,
    ("iot_data", "Mean of measure1, by device type"): _series("measure1"),
    ("iot_data", "Mean of measure2, by device type"): _series("measure2"),
}
# Ages: now minus something, so they are compared with a tolerance and not here.
AGES = {
    ("github_events", "Current rate"),
    ("github_events", "Age of the newest event"),
    ("github_events", "Since the last write"),
    ("iot_data", "Age of the newest point"),
}
