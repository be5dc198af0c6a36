"""notebooks/series.py: from the pollers' statistics to a series that a model can be fitted to."""

from __future__ import annotations

import backtest
import numpy as np
import pandas as pd
import pytest
import series
from forecasts import frame
from intervals import of_the_past
from made import MINUTE, START, daily, polls


def test_a_steady_feed_is_steady_whenever_it_is_polled() -> None:
    irregular = [0, 7, 31, 60, 118, 125, 200, 290, 301, 420]
    assert np.allclose(series.arrivals(polls(irregular, 5.0), MINUTE), 5.0)


def test_pages_add_up_and_two_pollers_do_not() -> None:
    seconds = [*range(0, 601, 10)]
    pages = [polls(seconds, 5.0, page=page) for page in (1, 2, 3)]
    twice = [page.assign(poller="go", timestamp=page["timestamp"] + pd.Timedelta("3s")) for page in pages]
    assert np.allclose(series.arrivals(pd.concat(pages), MINUTE), 15.0)
    assert np.allclose(series.arrivals(pd.concat([*pages, *twice]), MINUTE), 15.0)


def test_what_was_missed_is_missing_and_not_zero() -> None:
    seen = polls([*range(0, 601, 10)], 5.0)
    seen.loc[seen["timestamp"].between(START + 3 * MINUTE, START + 5 * MINUTE), "saturated"] = True
    found = series.arrivals(seen, MINUTE)
    assert list(found[found.isna()].index) == [START + 3 * MINUTE, START + 4 * MINUTE]
    assert np.allclose(found.dropna(), 5.0)


def test_a_restart_tells_nothing_of_the_time_before() -> None:
    later = polls([*range(600, 1201, 10)], 5.0)
    later.loc[later.index[0], "fresh"] = 300  # the whole window, seen long ago
    found = series.arrivals(pd.concat([polls([*range(0, 301, 10)], 5.0), later]), MINUTE)
    assert found.isna().sum() == 5
    assert np.allclose(found.dropna(), 5.0)


def test_first_polls_are_no_step() -> None:
    first = pd.concat([polls([number], 5.0, page=number) for number in (1, 2, 3)])
    assert series.arrivals(first, series.step_for(first)).empty
    assert not series.known(series.arrivals(first, series.step_for(first))).enough


def test_a_sampled_feed_has_steps_and_knows_none() -> None:
    seen = pd.concat([polls([*range(0, 7200, 180)], 0.5, page=page, saturated=True) for page in (1, 2, 3)])
    found = series.arrivals(seen, series.step_for(seen))
    assert len(found) > series.FEWEST
    assert series.known(found) == series.Known(0, 0)
    assert not series.known(found).enough


def test_some_saturated_polls_leave_enough() -> None:
    seen = polls([*range(0, 3600, 10)], 5.0)
    seen.loc[seen.index % 5 == 0, "saturated"] = True
    assert series.known(series.arrivals(seen, MINUTE)).enough


@pytest.mark.parametrize(
    ("gap", "span", "step"), [(2, 1800, "10s"), (30, 3500, "1min"), (60, 3500, "2min"), (180, 7200, "10min")]
)
def test_a_step_holds_two_answers(gap: int, span: int, step: str) -> None:
    assert series.step_for(polls([*range(0, span, gap)], 5.0)) == pd.Timedelta(step)


def test_hours_of_a_backfill_are_steps() -> None:
    hours = polls([*range(0, 40 * 3600 + 1, 3600)], 170.0, poller="backfill")
    live = polls([*range(36 * 3600, 41 * 3600, 60)], 170.0, saturated=True)
    both = pd.concat([hours, live])
    assert series.step_for(both) == pd.Timedelta("1h")
    assert np.allclose(series.arrivals(both, pd.Timedelta("1h")).iloc[:40], 170.0)


@pytest.mark.parametrize("gap", [10, 60, 180])
def test_the_mean_of_a_steady_feed_scores_near_one_at_any_interval(gap: int) -> None:
    chance = np.random.default_rng(gap)
    seconds = [*range(0, 40 * 3600, gap)]
    found = series.arrivals(polls(seconds, 0.0, fresh=chance.poisson(5.0 * gap, len(seconds))), MINUTE)
    step = series.step_for(polls(seconds, 0.0))
    found = series.arrivals(polls(seconds, 0.0, fresh=chance.poisson(5.0 * gap, len(seconds))), step)
    past, actual = found.iloc[:-40], found.iloc[-40:]
    scored = backtest.mase(actual, frame(past, np.full(40, past.mean()), 1.0), past, 1)
    assert 0.55 < scored < 1.1


def test_gaps_are_closed_by_the_season() -> None:
    whole = daily(4, noise=0.0)
    holes = whole.copy()
    holes.iloc[50:55] = np.nan
    assert np.allclose(series.filled(holes, 24), whole)


def test_a_burst_does_not_come_again() -> None:
    burst = daily(21)
    burst.iloc[400:403] += 30
    assert np.allclose(series.prepared(burst, 24), daily(21), atol=2.0)
    (forecast, _), *_ = of_the_past(lambda past, *_: past.tail(3), burst, 24, 24, 2)
    assert forecast.max() < 20


def test_what_is_often_far_off_is_left() -> None:
    spiky = daily(21)
    spiky.iloc[::20] += 30
    assert series.without_bursts(spiky, 24).notna().all()
