"""Models of well-kept libraries in one form: `(history, horizon, season) -> Forecast`, see forecasts.py.

Each imports its library when it is first used: together they take seconds, and `make forecast` needs one of them or none.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from forecasts import LEVEL, SPREAD, after, frame, seasonal_naive, weekly_naive
from series import DAY, WEEK, week_of

if TYPE_CHECKING:
    from forecasts import Forecast, Model


def linear(history: pd.Series, horizon: int, season: int) -> Forecast:
    """scikit-learn's LinearRegression on time, waves of the season, and of the week where two are known."""
    from sklearn.linear_model import LinearRegression

    known, coming = _waves(history, 0, len(history), season), _waves(history, len(history), horizon, season)
    fitted = LinearRegression().fit(known, history)
    degrees = max(len(history) - known.shape[1] - 1, 1)
    deviation = np.sqrt(((history - fitted.predict(known)) ** 2).sum() / degrees)
    return frame(history, fitted.predict(coming), SPREAD * deviation)


def _waves(history: pd.Series, start: int, steps: int, season: int) -> np.ndarray:
    at = np.arange(start, start + steps)
    # No more waves than half the steps of a season can tell apart.
    waves = [(season, min(6, season // 2)), (week_of(history), 6)]
    angles = [2 * np.pi * k * at / period for period, most in waves if period > 1 for k in range(1, most + 1)]
    return np.column_stack([at, *map(np.sin, angles), *map(np.cos, angles)])


def prophet(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Prophet with the seasons that the history can show; one that is no day is added by its name."""
    from prophet import Prophet

    # Its optimizer reports every run, at whatever level; what goes wrong is raised.
    logging.getLogger("cmdstanpy").disabled = True

    span = history.index[-1] - history.index[0]
    daily = season * (history.index[1] - history.index[0]) == DAY
    model = Prophet(
        interval_width=LEVEL,
        daily_seasonality=bool(daily),
        weekly_seasonality=bool(daily and span >= 2 * WEEK),
        yearly_seasonality=season > 1 and not daily,
        seasonality_mode="multiplicative",
    )
    times = history.index.tz_localize(None)
    model.fit(pd.DataFrame({"ds": times, "y": history.to_numpy()}), seed=1)
    np.random.seed(1)  # noqa: NPY002 - the interval is drawn from NumPy's global generator
    found = model.predict(pd.DataFrame({"ds": after(history, horizon).tz_localize(None)}))
    columns = {"mean": found["yhat"], "lower": found["yhat_lower"], "upper": found["yhat_upper"]}
    return pd.DataFrame(columns).set_axis(after(history, horizon)).clip(lower=0)


def boosting(history: pd.Series, horizon: int, season: int) -> Forecast:
    """scikit-learn's gradient boosting: the value from those one horizon (or more) before, hour and weekday."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    lags = [lag for lag in (horizon, horizon + 1, *_whole(season, horizon), *_whole(week_of(history), horizon)) if lag]
    both = pd.concat([history, pd.Series(np.nan, after(history, horizon))])
    table = pd.DataFrame({str(lag): both.shift(lag) for lag in dict.fromkeys(lags)})
    table["hour"], table["weekday"] = both.index.hour + both.index.minute / 60, both.index.day_of_week
    known, target = table.iloc[max(lags) : len(history)], history.iloc[max(lags) :]
    losses = {
        "lower": {"loss": "quantile", "quantile": (1 - LEVEL) / 2},
        "mean": {"loss": "absolute_error"},
        "upper": {"loss": "quantile", "quantile": (1 + LEVEL) / 2},
    }
    with threadpool_limits(1):  # a few hundred rows; threads that wait for a busy core cost more than they bring
        found = {
            name: HistGradientBoostingRegressor(**loss, random_state=1, max_iter=150, min_samples_leaf=10)
            .fit(known, target)
            .predict(table.iloc[len(history) :])
            for name, loss in losses.items()
        }
    # Three boosters that know nothing of each other may cross.
    ordered = np.sort(np.column_stack(list(found.values())), axis=1)
    return pd.DataFrame(ordered, after(history, horizon), list(found)).clip(lower=0)


def _whole(period: int, horizon: int) -> list[int]:
    """Return the smallest multiple of the period that is known for the whole horizon; nothing without a period."""
    return [-(-horizon // period) * period] if period > 1 else []


def _of_statsforecast(model: object, history: pd.Series, horizon: int) -> Forecast:
    from statsforecast import StatsForecast

    table = pd.DataFrame({"unique_id": "", "ds": history.index.tz_localize(None), "y": history.to_numpy()})
    freq = after(history, 1).freq.freqstr
    found = StatsForecast([model], freq=freq).forecast(df=table, h=horizon, level=[round(100 * LEVEL)])
    values = found.drop(columns=["unique_id", "ds"]).set_axis(["mean", "lower", "upper"], axis=1)
    return values.set_axis(after(history, horizon)).clip(lower=0)


def ets(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Exponential smoothing of the kind that fits best (statsforecast's AutoETS); seasons of up to 24 steps only."""
    from statsforecast.models import AutoETS

    season = season if season <= 24 else 1  # noqa: PLR2004 - the state of a longer one is too large to fit
    return _of_statsforecast(AutoETS(season_length=season), history, horizon)


def mstl(history: pd.Series, horizon: int, season: int) -> Forecast:
    """Seasons taken off one after another, the rest by AutoETS (statsforecast's MSTL)."""
    from statsforecast.models import MSTL

    if season == 1:
        return ets(history, horizon, season)
    seasons = [season, week_of(history)] if week_of(history) > season else [season]
    return _of_statsforecast(MSTL(season_length=seasons), history, horizon)


MODELS: dict[str, Model] = {
    "seasonal naive": seasonal_naive,
    "weekly naive": weekly_naive,
    "LinearRegression": linear,
    "Prophet": prophet,
    "gradient boosting": boosting,
    "AutoETS": ets,
    "MSTL": mstl,
}
