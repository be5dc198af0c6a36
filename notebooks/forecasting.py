"""Forecasts judged fairly: a series of events from github_polls, rolling-origin backtests, and their measures.

A model is a function `(history, horizon, season) -> Forecast`: `history` a series without gaps at equal steps, `horizon` and
`season` in steps (`season` 1: none). A Forecast is a frame with the columns `mean`, `lower`, `upper`, indexed by time. The
interval between lower and upper should hold LEVEL of what comes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Forecast = pd.DataFrame
    Model = Callable[[pd.Series, int, int], Forecast]

LEVEL = 0.9
SPREAD = NormalDist().inv_cdf((1 + LEVEL) / 2)  # half an interval's width in standard deviations
KNOWN_SHARE = 0.5  # of a step that answers must cover
DAY, WEEK = pd.Timedelta("1D"), pd.Timedelta("7D")
# Steps by how much time the data spans: enough of them to learn from, few enough to fit within seconds.
STEPS = [("1h", "10s"), ("12h", "1min"), ("3D", "10min"), ("90D", "1h")]

# What arrived, from the pollers' own statistics. A page that is full of new events has lost some, an error brings none.
POLLS = """
SELECT timestamp, poller, page, poll, fresh, saturated
FROM github_polls
WHERE timestamp > dateadd('d', -{days}, now()) AND (status = 200 OR status = 304)
"""


def step_for(span: pd.Timedelta) -> pd.Timedelta:
    """Return the step for data of this span."""
    return pd.Timedelta(next((step for longest, step in STEPS if span <= pd.Timedelta(longest)), STEPS[-1][1]))


def season_for(series: pd.Series) -> int:
    """Return the steps of a day if the series holds three of them, else 1: no season can be learned."""
    step = series.index[1] - series.index[0]
    return int(DAY / step) if len(series) * step >= 3 * DAY else 1


def horizon_for(series: pd.Series, season: int) -> int:
    """Return the steps to forecast: a season, without one a tenth of what is known."""
    return season if season > 1 else max(len(series) // 10, 1)


def arrivals(polls: pd.DataFrame, step: pd.Timedelta) -> pd.Series:
    """Return events a second at each complete step; missing where too little is known.

    `polls` are rows of POLLS. Each answer covers the time since the one before, of the same poller and page. What it
    brought is spread evenly over that time. A poller's first answer, and a saturated one, say nothing about the time
    before them. A step's rate is what arrived in the time that is covered, page by page, so that neither a missed poll
    nor two pollers at once change it.
    """
    edges = pd.date_range(polls["timestamp"].min().ceil(step), polls["timestamp"].max().floor(step), freq=step)
    total = np.zeros(max(len(edges) - 1, 0))
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


def filled(series: pd.Series, season: int) -> pd.Series:
    """Close gaps: with the value a season (else a day's multiple) before where there is one, else along a line."""
    before = series.copy()
    for _ in range(7):
        before = before.where(before.notna(), before.shift(season) if season > 1 else np.nan)
    return before.interpolate(limit_direction="both")


# --- The baseline: what was a season ago ---


def seasonal_naive(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Repeat the last season; without one, the last value. Wider by the root of the seasons ahead."""
    cycles = np.arange(horizon) // season + 1
    mean = history.to_numpy()[len(history) - season + np.arange(horizon) % season]
    errors = (history - history.shift(season)).dropna()
    return frame(history, mean, SPREAD * np.sqrt((errors**2).mean() * cycles))


def frame(history: pd.Series, mean: np.ndarray, half: np.ndarray | float) -> Forecast:
    """Return a Forecast of `mean` ± `half` for the steps after `history`; a count is never below 0."""
    columns = {"mean": mean, "lower": mean - half, "upper": mean + half}
    return pd.DataFrame(columns, index=after(history, len(mean))).clip(lower=0)


def after(history: pd.Series, horizon: int) -> pd.DatetimeIndex:
    """Return the times of the next steps."""
    freq = history.index.freq or pd.tseries.frequencies.to_offset(history.index[1] - history.index[0])
    return pd.date_range(history.index[-1], periods=horizon + 1, freq=freq)[1:]


# --- Measures ---


def mase(actual: pd.Series, forecast: Forecast, history: pd.Series, season: int) -> float:
    """Mean absolute error, scaled by that of repeating the last season within `history`: below 1 is better than that."""
    scale = (history - history.shift(season)).abs().mean()
    return float((actual - forecast["mean"]).abs().mean() / scale)


def rmse(actual: pd.Series, forecast: Forecast) -> float:
    """Root mean squared error, in the unit of the series."""
    return float(np.sqrt(((actual - forecast["mean"]) ** 2).mean()))


def coverage(actual: pd.Series, forecast: Forecast) -> float:
    """Share of the actual values inside the interval; should be LEVEL."""
    known = actual.dropna()
    return float(known.between(forecast["lower"].loc[known.index], forecast["upper"].loc[known.index]).mean())


@dataclass(frozen=True)
class Backtest:
    """Forecasts from several origins, each made from what came before its origin only."""

    scores: pd.DataFrame  # a row for each model and origin: model, origin, mase, rmse, coverage, seconds
    forecasts: dict[str, Forecast]  # by model, all origins one after another

    def table(self) -> pd.DataFrame:
        """Return the means of each model, best MASE first; `seconds` is the time of one fit and forecast."""
        columns = ["mase", "rmse", "coverage", "seconds"]
        return self.scores.groupby("model")[columns].mean().sort_values("mase")


def backtest(series: pd.Series, models: Mapping[str, Model], horizon: int, season: int, origins: int) -> Backtest:
    """Move the origin through the end of `series` by `horizon` steps each, fit every model anew, compare.

    Gaps are closed for the fit; what is missing is not scored.

    Raises:
        ValueError: too little is left before the first origin.

    """
    first = len(series) - origins * horizon
    if first < max(2 * season, 8):
        message = (
            f"{len(series)} steps are too few for {origins} forecasts of {horizon}: {first} are left before the first"
        )
        raise ValueError(message)
    scores, forecasts = [], {name: [] for name in models}
    for end in range(first, len(series), horizon):
        history, actual = filled(series.iloc[:end], season), series.iloc[end : end + horizon]
        for name, model in models.items():
            score, forecast = _score(model, history, actual, season)
            scores.append({"model": name, "origin": series.index[end], **score})
            forecasts[name].append(forecast)
    return Backtest(pd.DataFrame(scores), {name: pd.concat(parts) for name, parts in forecasts.items()})


def _score(model: Model, history: pd.Series, actual: pd.Series, season: int) -> tuple[dict[str, float], Forecast]:
    started = time.perf_counter()
    forecast = model(history, len(actual), season)
    seconds = time.perf_counter() - started
    score = {
        "mase": mase(actual, forecast, history, season),
        "rmse": rmse(actual, forecast),
        "coverage": coverage(actual, forecast),
        "seconds": seconds,
    }
    return score, forecast


def verdict(table: pd.DataFrame) -> str:
    """Say for each naive forecast of a Backtest's table whether the best model beats it."""
    naive = table[table.index.str.contains("naive")]
    models = table.drop(index=naive.index)
    best, error = models["mase"].idxmin(), models["mase"].min()
    return " ".join(_comparison(best, error, name, row["mase"]) for name, row in naive.sort_values("mase").iterrows())


def _comparison(best: str, error: float, name: str, naive: float) -> str:
    word = "beats" if error < naive else "is worse than" if error > naive else "equals"
    return f"{best} {word} {name}: MASE {error:.2f} against {naive:.2f} ({error / naive - 1:+.0%})."


def anomalies(actual: pd.Series, forecast: Forecast, times: float = 5.0) -> pd.Series:
    """Return the values whose error is `times` further off than usual: robust deviations from the median error."""
    errors = (actual.reindex(forecast.index) - forecast["mean"]).dropna()
    off = (errors - errors.median()).abs()
    usual = 1.4826 * off.median()  # the standard deviation, were the errors normal; a few wild ones do not move it
    return actual.loc[off.index[off > times * usual]]
