"""Conformal intervals: how wide an interval has to be is taken from the model's own past errors, not from its assumptions.

At origins of the past the model says what it would have said. Its errors there, each divided by half the width of the model's
own interval, tell by what factor that interval has to grow or shrink to hold LEVEL of what comes. Steps far ahead have
factors of their own. The quantiles are those of crepes; the method is split conformal prediction, normalised and Mondrian
(https://github.com/henrikbostrom/crepes). It assumes that errors will be like those of the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from crepes import ConformalRegressor
from forecasts import LEVEL
from series import prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from forecasts import Forecast, Model

WINDOWS = 10  # past origins to learn from
FEWEST_ERRORS = 20  # with fewer, the model's own interval stays
ERRORS_A_GROUP = 100  # steps ahead share a factor until it has so many; with few, intervals are too wide
Past = list[tuple[pd.DataFrame, pd.Series]]  # forecasts of the past, and what came


def conformal(forecast: Forecast, past: Sequence[tuple[Forecast, pd.Series]], most: float = np.inf) -> Forecast:
    """Return the forecast with the interval that would have held LEVEL of what came in the `past`; values end at `most`."""
    if not past:
        return forecast
    earlier = pd.concat([expected.assign(actual=came, ahead=np.arange(len(expected))) for expected, came in past])
    earlier = earlier.dropna()
    if len(earlier) < FEWEST_ERRORS:
        return forecast
    width = _width(earlier, len(forecast))
    least = _least(earlier)
    fitted = ConformalRegressor().fit(
        (earlier["actual"] - earlier["mean"]).to_numpy(), _half(earlier, least), earlier["ahead"].to_numpy() // width
    )
    groups = np.minimum(np.arange(len(forecast)), earlier["ahead"].max()) // width
    bounds = fitted.predict_int(forecast["mean"].to_numpy(), _half(forecast, least), groups, LEVEL, 0, most)
    return forecast.assign(lower=bounds[:, 0], upper=bounds[:, 1])


def _width(earlier: pd.DataFrame, horizon: int) -> int:
    """Return how many steps ahead share a factor: all of them, unless each group then has errors enough of its own."""
    width = -(-horizon // max(min(len(earlier) // ERRORS_A_GROUP, horizon), 1))
    return width if (earlier.groupby(earlier["ahead"] // width).size() >= FEWEST_ERRORS).all() else horizon


def _half(forecast: Forecast, least: float) -> np.ndarray:
    """Return half the width of the model's own interval, which is nothing where a bound was cut off at 0."""
    return np.maximum((forecast["upper"] - forecast["lower"]).to_numpy() / 2, least)


def _least(earlier: pd.DataFrame) -> float:
    """Return the least half-width: a tenth of the usual one."""
    usual = ((earlier["upper"] - earlier["lower"]) / 2).median() or (earlier["actual"] - earlier["mean"]).abs().mean()
    return max(float(usual) / 10, 1e-9)


def of_the_past(model: Model, series: pd.Series, horizon: int, season: int, windows: int = WINDOWS) -> Past:
    """Return what the model would have said at up to `windows` origins, one horizon apart, before the end of `series`."""
    ends = [len(series) - number * horizon for number in range(windows, 0, -1)]
    return [
        (model(prepared(series.iloc[:end], season), horizon, season), series.iloc[end : end + horizon])
        for end in ends
        if end >= fewest(season)
    ]


def fewest(season: int) -> int:
    """Return the steps that a model needs before its first origin."""
    return max(2 * season, 8)


def predict(model: Model, series: pd.Series, horizon: int, season: int, most: float = np.inf) -> Forecast:
    """Return the model's forecast after `series`, gaps closed and bursts taken off, with a conformal interval."""
    past = of_the_past(model, series, horizon, season)
    return conformal(model(prepared(series, season), horizon, season), past, most)
