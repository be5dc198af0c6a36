"""Events a second as they arrived, from the pollers' own statistics, and how to prepare such a series for a model.

A series is indexed by time (UTC) at equal steps; a step that is not known is NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import stack

DAY, WEEK = pd.Timedelta("1D"), pd.Timedelta("7D")
DAYS = 28  # how far back to look
FEWEST = 12  # known steps to learn from
KNOWN_SHARE = 0.5  # of a step that answers must cover
# A step of the finest length that still leaves enough steps to learn from and few enough to fit within seconds.
BY_SPAN = [("1h", "10s"), ("12h", "1min"), ("3D", "10min"), ("90D", "1h")]
# Lengths of a step. Each divides a day.
STEPS = [*map(pd.Timedelta, ("10s", "30s", "1min", "2min", "5min", "10min", "20min", "30min", "1h", "2h", "4h", "12h"))]
# Pollers whose rows begin and end with a step, so that no answer reaches from one step into the next.
ALIGNED = {"history", "backfill"}
# A burst is further above the median of its place in the season than so many robust deviations.
BURST = 6.0

# A page that is full of new events has lost some, an error brings none.
POLLS = """
SELECT timestamp, poller, page, poll, fresh, saturated
FROM github_polls
WHERE timestamp > dateadd('d', -{days}, now()) AND (status = 200 OR status = 304)
"""


def arrived(days: int = DAYS) -> pd.Series:
    """Return the events a second of the last `days`, in steps that suit what is stored; perhaps no step at all.

    Raises:
        stack.StackError: QuestDB does not answer.

    """
    polls = stack.query(POLLS.format(days=days))
    if polls.empty:
        return pd.Series(dtype=float)
    polls["timestamp"] = pd.to_datetime(polls["timestamp"], utc=True)
    return arrivals(polls, step_for(polls))


def step_for(polls: pd.DataFrame) -> pd.Timedelta:
    """Return the step for these rows of POLLS: long enough for their span, and for two answers of a page.

    An answer is spread over the time since the one before. In shorter steps the same answer would fill several, and the
    series would look smoother than it is.
    """
    span = polls["timestamp"].max() - polls["timestamp"].min()
    by_span = pd.Timedelta(next((step for longest, step in BY_SPAN if span <= pd.Timedelta(longest)), BY_SPAN[-1][1]))
    shortest = max(by_span, _typical_gap(polls))
    return next((step for step in STEPS if step >= 0.95 * shortest), STEPS[-1])


def _typical_gap(polls: pd.DataFrame) -> pd.Timedelta:
    """Return what a step must last: half of the time that answers cover lies in gaps of at most half of that."""
    polls = polls.sort_values("timestamp", ignore_index=True)
    pages = polls.groupby(["poller", "page"])
    gaps = pages["timestamp"].diff().where((pages["poll"].diff() > 0) & ~polls["saturated"]).dropna().sort_values()
    if gaps.empty:
        return pd.Timedelta(0)
    needed = gaps * np.where(polls.loc[gaps.index, "poller"].isin(ALIGNED), 1, 2)
    covered = gaps.dt.total_seconds().cumsum()
    # Half a second of tolerance: answers never come quite on time.
    return needed[covered >= covered.iloc[-1] / 2].iloc[0].floor("1s") if covered.iloc[-1] else pd.Timedelta(0)


def season_for(series: pd.Series) -> int:
    """Return the steps of a day if the series holds three of them, else 1: no season can be learned."""
    step = step_of(series)
    return int(DAY / step) if len(series) * step >= 3 * DAY else 1


def week_of(series: pd.Series) -> int:
    """Return the steps of a week if the series holds two of them, else 1."""
    step = step_of(series)
    return int(WEEK / step) if step <= DAY and len(series) * step >= 2 * WEEK else 1


def horizon_for(series: pd.Series, season: int) -> int:
    """Return the steps to forecast: a season, without one a tenth of what is known."""
    return season if season > 1 else max(len(series) // 10, 1)


def step_of(series: pd.Series) -> pd.Timedelta:
    """Return the length of a step. The series has two steps or more."""
    return series.index[1] - series.index[0]


def arrivals(polls: pd.DataFrame, step: pd.Timedelta) -> pd.Series:
    """Return events a second at each complete step; NaN where too little is known, empty where no step is complete.

    `polls` are rows of POLLS. Each answer covers the time since the one before, of the same poller and page. What it
    brought is spread evenly over that time. A poller's first answer, and a saturated one, say nothing about the time
    before them. A step's rate is what arrived in the time that is covered, page by page, so that neither a missed poll
    nor two pollers at once change it.
    """
    edges = pd.date_range(polls["timestamp"].min().ceil(step), polls["timestamp"].max().floor(step), freq=step)
    if len(edges) < 2:  # noqa: PLR2004 - a step has two ends
        return pd.Series(dtype=float)
    total = np.zeros(len(edges) - 1)
    for _, page in polls.groupby("page"):
        events, covered = _of_page(page, edges)
        rate = np.divide(events, covered, out=np.full(len(total), np.nan), where=covered > 0)
        total += np.where(covered >= KNOWN_SHARE * step.total_seconds(), rate, np.nan)
    return pd.Series(total, edges[:-1], name="events a second")


def _of_page(page: pd.DataFrame, edges: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return events and seconds covered between the edges, all pollers of the page together."""
    parts = [_of_poller(poller.sort_values("timestamp"), edges) for _, poller in page.groupby("poller")]
    return sum(events for events, _ in parts), sum(seconds for _, seconds in parts)


def _of_poller(polls: pd.DataFrame, edges: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    gap = polls["timestamp"].diff().dt.total_seconds().fillna(0)
    counts = (polls["poll"].diff() > 0) & ~polls["saturated"]  # a restart counts from 1
    at = (polls["timestamp"] - edges[0]).dt.total_seconds()
    cuts = (edges - edges[0]).total_seconds()
    running = [np.cumsum(np.where(counts, values, 0)) for values in (polls["fresh"], gap)]
    events, seconds = (np.diff(np.interp(cuts, at, total)) for total in running)
    return events, seconds


class Known(NamedTuple):
    """How much of a series is known, up to its last known step."""

    steps: int
    known: int

    @property
    def enough(self) -> bool:
        """Tell whether a model can learn from it: enough known steps, and no more gaps than knowledge."""
        return self.known >= max(FEWEST, self.steps / 2)


def known(series: pd.Series) -> Known:
    """Count the steps from the first to the last one that is known."""
    return Known(len(trimmed(series)), int(series.notna().sum()))


def trimmed(series: pd.Series) -> pd.Series:
    """Return the series without unknown steps at both ends."""
    return series.loc[series.first_valid_index() : series.last_valid_index()] if series.notna().any() else series[:0]


def prepared(series: pd.Series, season: int) -> pd.Series:
    """Return what a model is fitted to: bursts taken off, gaps closed."""
    return filled(without_bursts(series, season), season)


def without_bursts(series: pd.Series, season: int) -> pd.Series:
    """Return the series with NaN where a burst was: it would come again in every season that a model learns.

    A burst is far above the median of its place in the week (with less than four weeks: in the season, without one: among all
    steps). Where more than one step of fifty is, that is how the series behaves, and nothing is taken off.
    """
    week = week_of(series)
    period = week if week > 1 and len(series) >= 4 * week else season
    place = np.arange(len(series)) % period
    off = series - series.groupby(place).transform("median")
    deviation = 1.4826 * off.abs().median()  # the standard deviation, if the errors are normal
    bursts = off > BURST * deviation
    return series.mask(bursts) if deviation > 0 and bursts.mean() <= 1 / 50 else series


def filled(series: pd.Series, season: int) -> pd.Series:
    """Close gaps: with the newest value of up to seven seasons before, else along a straight line."""
    before = series.copy()
    for _ in range(7 if season > 1 else 0):
        before = before.where(before.notna(), before.shift(season))
    return before.interpolate(limit_direction="both")
