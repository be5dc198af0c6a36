"""Rolling-origin backtests: what would each model have said in the past, and how good would that have been?"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from intervals import WINDOWS, Past, conformal, fewest
from scipy.stats import ttest_rel
from series import prepared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forecasts import Forecast, Model

LUCK = 0.1  # a verdict needs a difference that luck alone brings less often


def mase(actual: pd.Series, forecast: Forecast, history: pd.Series, season: int) -> float:
    """Mean absolute error, divided by that of repeating the last season within `history`: below 1 is better than that.

    `history` has its gaps: a filled step repeats a season, and would make that look better than it is.
    """
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

    # A row for each model and origin: model, origin, mase, rmse, seconds of one fit and forecast, `coverage` of the conformal
    # interval, `own` that of the model's own.
    scores: pd.DataFrame
    forecasts: dict[str, Forecast]  # by model, all origins one after another, with conformal intervals
    errors: pd.DataFrame  # mean absolute error, by step ahead (from 1) and model, in the unit of the series

    def table(self) -> pd.DataFrame:
        """Return for each model the means over the origins, and the best and worst MASE; best mean MASE first."""
        by_model = self.scores.groupby("model")
        means = by_model[["mase", "rmse", "coverage", "own", "seconds"]].mean()
        spread = by_model["mase"].agg(best="min", worst="max")
        return means.join(spread).sort_values("mase")

    def verdict(self) -> str:
        """Say for each naive forecast whether the best model beats it, or whether the difference may be luck.

        The test is that of Diebold and Mariano: is the mean difference of the errors, origin by origin, far enough from 0?
        """
        by_origin = self.scores.pivot_table(index="origin", columns="model", values="mase")
        means = by_origin.mean().sort_values()
        naive = [name for name in means.index if "naive" in name]
        best = by_origin[means.drop(naive).index[0]]
        return " ".join(_comparison(best, by_origin[name]) for name in naive)


def _comparison(best: pd.Series, naive: pd.Series) -> str:
    error, other = best.mean(), naive.mean()
    wins = int((best < naive).sum())
    luck = ttest_rel(best, naive).pvalue if len(best) > 2 and (best != naive).any() else 1.0  # noqa: PLR2004
    word = "can't be told from" if luck > LUCK else "beats" if error < other else "is worse than"
    return (
        f"{best.name} {word} {naive.name}: MASE {error:.2f} against {other:.2f} ({error / other - 1:+.0%}), "
        f"better at {wins} of {len(best)} origins."
    )


def run(  # noqa: PLR0913 - each is a property of the question
    series: pd.Series,
    models: Mapping[str, Model],
    horizon: int,
    season: int,
    origins: int,
    *,
    windows: int | None = None,
    skip: int = 0,
    most: float = np.inf,
) -> Backtest:
    """Move the origin through the end of `series` by `horizon` steps each, fit every model anew, compare.

    Gaps and bursts are closed for the fit. What is missing is not scored. The interval of each forecast is made conformal by
    those of the `windows` origins before it (as many as the series leaves room for, at most WINDOWS). `skip` steps after
    an origin are not scored: in a series of arrivals an answer is spread over the time before it, so the last step
    of the history holds a little of what came next. No value is above `most`.

    Raises:
        ValueError: too little is left before the first origin.

    """
    room = (len(series) - skip - fewest(season)) // horizon
    if room < origins:
        message = (
            f"{len(series)} steps are too few for {origins} forecasts of {horizon}: there is room for {max(room, 0)}"
        )
        raise ValueError(message)
    windows = min(WINDOWS if windows is None else windows, room - origins)
    first = len(series) - skip - (origins + windows) * horizon
    questions = [(end, horizon, skip) for end in range(first, len(series) - skip, horizon)]
    past, scores = defaultdict(list), []
    for end, *_ in questions:
        for name, model in models.items():
            score, answer = _ask(model, series, end, horizon, season, skip)
            past[name].append(answer)
            scores.append({"model": name, "origin": series.index[end], **score})
    return _judged(pd.DataFrame(scores), dict(past), windows, most)


def _ask(  # noqa: PLR0913, PLR0917 - each is a property of the question
    model: Model, series: pd.Series, end: int, horizon: int, season: int, skip: int
) -> tuple[dict[str, float], tuple[Forecast, pd.Series]]:
    """Return the scores of one forecast, and the forecast beside what came."""
    history = series.iloc[:end]
    actual = series.iloc[end + skip : end + skip + horizon]
    ready = prepared(history, season)
    started = time.perf_counter()
    forecast = model(ready, skip + horizon, season).iloc[skip:]
    seconds = time.perf_counter() - started
    score = {
        "mase": mase(actual, forecast, history, season),
        "rmse": rmse(actual, forecast),
        "own": coverage(actual, forecast),
        "seconds": seconds,
    }
    return score, (forecast, actual)


def _judged(scores: pd.DataFrame, answers: dict[str, Past], windows: int, most: float) -> Backtest:
    """Give each forecast after the first `windows` the interval that those before it tell, and judge it by that."""
    forecasts, errors, parts = {}, {}, []
    for name, past in answers.items():
        judged = [(conformal(past[n][0], past[n - windows : n], most), past[n][1]) for n in range(windows, len(past))]
        mine = scores[scores["model"] == name].iloc[windows:]
        parts.append(mine.assign(coverage=[coverage(actual, forecast) for forecast, actual in judged]))
        forecasts[name] = pd.concat([forecast for forecast, _ in judged])
        off = [(actual - forecast["mean"]).abs().to_numpy() for forecast, actual in judged]
        errors[name] = pd.DataFrame(off).mean()
    by_step = pd.DataFrame(errors).rename_axis("steps ahead")
    by_step.index += 1
    return Backtest(pd.concat(parts, ignore_index=True), forecasts, by_step)


def anomalies(actual: pd.Series, forecast: Forecast, times: float = 5.0) -> pd.Series:
    """Return the values whose error is `times` further off than usual: robust deviations from the median error."""
    errors = (actual.reindex(forecast.index) - forecast["mean"]).dropna()
    off = (errors - errors.median()).abs()
    usual = 1.4826 * off.median()  # the standard deviation, were the errors normal; a few wild ones do not move it
    return actual.loc[off.index[off > times * usual]]
