"""What notebooks/forecasting.py, models.py and history.py promise.

Runs in the notebooks' virtual environment, which has no pytest: `python checks.py` writes a line of JSON for each check,
its name and what went wrong. test_forecasting.py reads them.
"""

from __future__ import annotations

import json
import sys
import traceback

import forecasting
import history
import numpy as np
import pandas as pd
from models import MODELS

MINUTE = pd.Timedelta("1min")
START = pd.Timestamp("2026-11-02", tz="UTC")


def polls(seconds: list[int], per_second: float, **columns: object) -> pd.DataFrame:
    """Answers of one page at these times that miss nothing of a steady feed."""
    fresh = [0, *(per_second * gap for gap in np.diff(seconds))]
    times = START + pd.to_timedelta(seconds, unit="s")
    default = {"poller": "python", "page": 1, "poll": range(1, len(seconds) + 1), "fresh": fresh, "saturated": False}
    return pd.DataFrame({"timestamp": times, **default, **columns})


def daily(days: int, noise: float = 0.02) -> pd.Series:
    """A rate by hour with a daily and a weekly season."""
    at = pd.date_range(START, periods=24 * days, freq="h")
    rate = (10 + 4 * np.sin(2 * np.pi * at.hour / 24)) * np.where(at.day_of_week < 5, 1.0, 0.6)
    return pd.Series(rate * np.exp(np.random.default_rng(1).normal(0, noise, len(at))), at)


def check_a_steady_feed_is_steady_whenever_it_is_polled() -> None:
    irregular = [0, 7, 31, 60, 118, 125, 200, 290, 301, 420]
    assert np.allclose(forecasting.arrivals(polls(irregular, 5.0), MINUTE), 5.0)


def check_pages_add_up_and_two_pollers_do_not() -> None:
    seconds = [*range(0, 601, 10)]
    pages = [polls(seconds, 5.0, page=page) for page in (1, 2, 3)]
    twice = [page.assign(poller="go", timestamp=page["timestamp"] + pd.Timedelta("3s")) for page in pages]
    assert np.allclose(forecasting.arrivals(pd.concat(pages), MINUTE), 15.0)
    assert np.allclose(forecasting.arrivals(pd.concat([*pages, *twice]), MINUTE), 15.0)


def check_what_was_missed_is_missing_and_not_zero() -> None:
    seen = polls([*range(0, 601, 10)], 5.0)
    seen.loc[seen["timestamp"].between(START + 3 * MINUTE, START + 5 * MINUTE), "saturated"] = True
    series = forecasting.arrivals(seen, MINUTE)
    assert list(series[series.isna()].index) == [START + 3 * MINUTE, START + 4 * MINUTE]
    assert np.allclose(series.dropna(), 5.0)


def check_a_restart_tells_nothing_of_the_time_before() -> None:
    later = polls([*range(600, 1201, 10)], 5.0)
    later.loc[later.index[0], "fresh"] = 300  # the whole window, seen long ago
    series = forecasting.arrivals(pd.concat([polls([*range(0, 301, 10)], 5.0), later]), MINUTE)
    assert series.isna().sum() == 5
    assert np.allclose(series.dropna(), 5.0)


def check_measures_are_those_of_the_textbook() -> None:
    past = pd.Series([1.0, 2, 3, 5], pd.date_range(START, periods=4, freq="h"))
    actual = pd.Series([6.0, 8], pd.date_range(START + 4 * past.index.freq, periods=2, freq="h"))
    forecast = forecasting.frame(past, np.array([5.0, 5]), 2.0)
    assert forecasting.mase(actual, forecast, past, 1) == 2 / (4 / 3)
    assert forecasting.rmse(actual, forecast) == np.sqrt(5)
    assert forecasting.coverage(actual, forecast) == 0.5


def check_what_is_far_off_stands_out() -> None:
    actual = daily(4, noise=0.01)
    expected = pd.DataFrame({"mean": daily(4, noise=0.0)})
    strange = actual.copy()
    strange.iloc[[20, 60]] += [8.0, -6.0]
    assert forecasting.anomalies(actual, expected).empty
    assert list(forecasting.anomalies(strange, expected).index) == list(actual.index[[20, 60]])


def check_no_model_sees_what_it_is_asked_for() -> None:
    series, asked = daily(10), []

    def watch(past: pd.Series, horizon: int, season: int) -> pd.DataFrame:
        asked.append((past.index[-1], horizon))
        return forecasting.seasonal_naive(past, horizon, season)

    result = forecasting.backtest(series, {"watch": watch}, 24, 24, 3)
    assert asked == [(series.index[-1 - 24 * left], 24) for left in (3, 2, 1)]
    assert result.forecasts["watch"].index.equals(series.index[-72:])


def check_too_little_data_is_refused() -> None:
    try:
        forecasting.backtest(daily(3), MODELS, 24, 24, 2)
    except ValueError as error:
        assert "too few" in str(error)  # noqa: PT017 - no pytest here
    else:
        raise AssertionError


def check_gaps_are_closed_by_the_season() -> None:
    series = daily(4, noise=0.0)
    holes = series.copy()
    holes.iloc[50:55] = np.nan
    assert np.allclose(forecasting.filled(holes, 24), series)


def check_the_naive_forecast_repeats_the_season() -> None:
    series = daily(4, noise=0.0)
    assert np.allclose(forecasting.seasonal_naive(series.iloc[:72], 24, 24)["mean"], series.iloc[72:])


def check_every_model_gives_a_forecast_with_an_interval() -> None:
    for name, model in MODELS.items():
        for series, horizon, season in ((daily(22), 24, 24), (daily(3).iloc[:40], 4, 1)):
            found = model(series, horizon, season)
            assert found.index.equals(forecasting.after(series, horizon)), name
            assert (found["lower"] <= found["upper"]).all(), name
            assert (found["lower"] >= 0).all(), name
            assert found.notna().all(axis=None), name


def check_models_of_the_week_beat_the_day_before() -> None:
    names = ("seasonal naive", "LinearRegression", "MSTL", "gradient boosting")
    table = forecasting.backtest(daily(23), {name: MODELS[name] for name in names}, 24, 24, 2).table()
    assert table["mase"].idxmax() == "seasonal naive"
    assert "beats seasonal naive" in forecasting.verdict(table)


def check_history_repeats_and_agrees_with_itself() -> None:
    plan, day = history.Plan(20_000), 20_774  # a day with an outage
    rows, again = history.events(plan, day), history.events(plan, day)
    pd.testing.assert_frame_equal(rows, again)
    by_hour = rows.resample("1h", on="timestamp").size()
    hourly = history.hourly(plan, range(day, day + 1))
    assert hourly.isna().sum() == 4
    assert (by_hour.reindex(hourly.index)[hourly.notna()] == hourly.dropna()).all()
    asked = history.polls(rows, day)
    assert asked["fresh"].sum() == len(rows)
    assert (asked["fetched"] == asked["fresh"] + asked["duplicate"]).all()
    assert not rows["id"].duplicated().any()
    series = forecasting.arrivals(asked[asked["status"] == 200], pd.Timedelta("1h")) * 3600
    whole = series.index.intersection(hourly.dropna().index)
    assert len(whole) >= 18
    assert np.allclose(series[whole], hourly[whole], rtol=0.01)


def main() -> None:
    """Run every check."""
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            try:
                check()
                problem = None
            except Exception:  # noqa: BLE001 - reported, the others go on
                problem = traceback.format_exc()
            sys.stdout.write(json.dumps([name, problem]) + "\n")


if __name__ == "__main__":
    main()
