"""notebooks/forecasts.py, models.py, intervals.py and backtest.py: forecasts, and how they are judged."""

from __future__ import annotations

import backtest
import forecasts
import intervals
import numpy as np
import pandas as pd
import pytest
from made import START, daily
from models import MODELS


def test_measures_are_those_of_the_textbook() -> None:
    past = pd.Series([1.0, 2, 3, 5], pd.date_range(START, periods=4, freq="h"))
    actual = pd.Series([6.0, 8], pd.date_range(START + 4 * past.index.freq, periods=2, freq="h"))
    forecast = forecasts.frame(past, np.array([5.0, 5]), 2.0)
    assert backtest.mase(actual, forecast, past, 1) == 2 / (4 / 3)
    assert backtest.rmse(actual, forecast) == np.sqrt(5)
    assert backtest.coverage(actual, forecast) == 0.5


def test_filled_gaps_do_not_change_the_scale() -> None:
    series = daily(29, noise=0.3)
    holes = series.copy()
    holes.iloc[240:312] = np.nan
    asked = {"naive": forecasts.seasonal_naive}
    whole, gaps = (backtest.run(s, asked, 24, 24, 1).table()["mase"].iloc[0] for s in (series, holes))
    assert gaps == pytest.approx(whole, rel=0.06)


def test_what_is_far_off_stands_out() -> None:
    actual = daily(4, noise=0.01)
    expected = pd.DataFrame({"mean": daily(4, noise=0.0)})
    strange = actual.copy()
    strange.iloc[[20, 60]] += [8.0, -6.0]
    assert backtest.anomalies(actual, expected).empty
    assert list(backtest.anomalies(strange, expected).index) == list(actual.index[[20, 60]])


@pytest.mark.parametrize("skip", [0, 1])
def test_no_model_sees_what_it_is_asked_for(skip: int) -> None:
    series, asked = daily(10), []

    def watch(past: pd.Series, horizon: int, season: int) -> pd.DataFrame:
        asked.append((past.index[-1], horizon))
        return forecasts.seasonal_naive(past, horizon, season)

    result = backtest.run(series, {"watch": watch}, 24, 24, 3, windows=2, skip=skip)
    assert asked == [(series.index[-1 - skip - 24 * left], 24 + skip) for left in (5, 4, 3, 2, 1)]
    assert result.forecasts["watch"].index.equals(series.index[-72:])
    assert result.errors.index.equals(pd.RangeIndex(1, 25))


def test_too_little_data_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        backtest.run(daily(3), MODELS, 24, 24, 2)


def test_the_naive_forecast_repeats_the_season() -> None:
    series = daily(4, noise=0.0)
    assert np.allclose(forecasts.seasonal_naive(series.iloc[:72], 24, 24)["mean"], series.iloc[72:])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("days", "steps", "horizon", "season"), [(22, 528, 24, 24), (3, 40, 4, 1), (1, 12, 1, 1)])
def test_every_model_gives_a_forecast_with_an_interval(
    name: str, days: int, steps: int, horizon: int, season: int
) -> None:
    series = daily(days).iloc[:steps]
    found = MODELS[name](series, horizon, season)
    assert found.index.equals(forecasts.after(series, horizon))
    assert (found["lower"] <= found["mean"]).all()
    assert (found["mean"] <= found["upper"]).all()
    assert (found["lower"] >= 0).all()
    assert found.notna().all(axis=None)


def test_an_interval_that_is_too_narrow_grows_and_one_too_wide_shrinks() -> None:
    series = daily(40, noise=0.1)
    for factor in (0.05, 20.0):

        def model(past: pd.Series, horizon: int, _: int, factor: float = factor) -> pd.DataFrame:
            mean = daily(80, noise=0.0)[forecasts.after(past, horizon)].to_numpy()
            return forecasts.frame(past, mean, factor * 0.1 * mean)

        table = backtest.run(series, {"model": model}, 24, 24, 15).table()
        assert not 0.5 < table["own"].iloc[0] < 0.999
        assert 0.84 < table["coverage"].iloc[0] < 0.96


def test_steps_far_ahead_have_wider_intervals() -> None:
    walk = pd.Series(
        500 + np.random.default_rng(2).normal(0, 1, 1200).cumsum(), pd.date_range(START, periods=1200, freq="h")
    )

    def last(past: pd.Series, horizon: int, _: int) -> pd.DataFrame:
        return forecasts.frame(past, np.full(horizon, past.iloc[-1]), 1.0)

    # Errors enough for several groups of steps ahead.
    past = intervals.of_the_past(last, walk, 24, 1, windows=20)
    found = intervals.conformal(last(walk, 24, 1), past)
    width = (found["upper"] - found["lower"]).to_numpy()
    assert width[-1] > 1.5 * width[0]


def test_without_a_past_the_own_interval_stays() -> None:
    series = daily(3).iloc[:14]
    own = MODELS["LinearRegression"](series, 1, 1)
    pd.testing.assert_frame_equal(intervals.predict(MODELS["LinearRegression"], series, 1, 1), own)


def test_models_of_the_week_beat_the_day_before_and_one_origin_is_luck() -> None:
    names = ("seasonal naive", "LinearRegression")
    models = {name: MODELS[name] for name in names}
    result = backtest.run(daily(35), models, 24, 24, 14, windows=2)
    assert "LinearRegression beats seasonal naive" in result.verdict()
    assert "can't be told from" in backtest.run(daily(23), models, 24, 24, 1, windows=0).verdict()
