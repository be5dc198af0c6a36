"""Made-up polls and series that the tests share."""

from __future__ import annotations

import numpy as np
import pandas as pd

MINUTE = pd.Timedelta("1min")
START = pd.Timestamp("2026-11-02", tz="UTC")


def polls(seconds: list[int], per_second: float, **columns: object) -> pd.DataFrame:
    """Answers of one page at these times that miss nothing of a steady feed."""
    fresh = [0, *(per_second * gap for gap in np.diff(seconds))]
    times = START + pd.to_timedelta(seconds, unit="s")
    default = {"poller": "python", "page": 1, "poll": range(1, len(seconds) + 1), "fresh": fresh, "saturated": False}
    return pd.DataFrame({"timestamp": times, **default, **columns})


def daily(days: int, noise: float = 0.02, seed: int = 1) -> pd.Series:
    """A rate by hour with a daily and a weekly season."""
    at = pd.date_range(START, periods=24 * days, freq="h")
    rate = (10 + 4 * np.sin(2 * np.pi * at.hour / 24)) * np.where(at.day_of_week < 5, 1.0, 0.6)
    return pd.Series(rate * np.exp(np.random.default_rng(seed).normal(0, noise, len(at))), at)


def sample(days: int, of: int, seed: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    """A sample of `of` events an hour, and the share it was drawn with: it has a season of a day."""
    at = pd.date_range(START, periods=24 * days, freq="h")
    share = pd.Series(1 / (1 + np.exp(2.2 - 0.5 * np.sin(2 * np.pi * at.hour / 24))), at)
    chance = np.random.default_rng(seed)
    seen = chance.poisson(of, len(at))
    return pd.DataFrame({"events": chance.binomial(seen, share), "of": seen}, at), share
