"""What a forecast is, and the two naive ones that every model has to beat.

A model is a function `(history, horizon, season) -> Forecast`: `history` a series without gaps at equal steps, `horizon` and
`season` in steps (`season` 1: none). A Forecast is a frame with the columns `mean`, `lower`, `upper`, indexed by time, in the
unit of the series. The interval between lower and upper should hold LEVEL of what comes.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pandas as pd
from series import week_of

Forecast = pd.DataFrame
Model = Callable[[pd.Series, int, int], Forecast]

LEVEL = 0.9
SPREAD = NormalDist().inv_cdf((1 + LEVEL) / 2)  # half an interval's width in standard deviations


def frame(history: pd.Series, mean: np.ndarray, half: np.ndarray | float) -> Forecast:
    """Return a Forecast of `mean` ± `half` for the steps after `history`; a count is never below 0."""
    columns = {"mean": mean, "lower": mean - half, "upper": mean + half}
    return pd.DataFrame(columns, index=after(history, len(mean))).clip(lower=0)


def after(history: pd.Series, horizon: int) -> pd.DatetimeIndex:
    """Return the times of the next steps."""
    freq = history.index.freq or pd.tseries.frequencies.to_offset(history.index[1] - history.index[0])
    return pd.date_range(history.index[-1], periods=horizon + 1, freq=freq)[1:]


def seasonal_naive(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Repeat the last season; without one, the last value. Wider by the root of the seasons ahead."""
    cycles = np.arange(horizon) // season + 1
    mean = history.to_numpy()[len(history) - season + np.arange(horizon) % season]
    errors = (history - history.shift(season)).dropna()
    return frame(history, mean, SPREAD * np.sqrt((errors**2).mean() * cycles))


def weekly_naive(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Repeat the last week; the last season where no two weeks are known."""
    return seasonal_naive(history, horizon, max(week_of(history), season))
