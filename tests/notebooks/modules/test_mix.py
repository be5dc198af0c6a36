"""notebooks/mix.py: what a sample tells of the mix."""

from __future__ import annotations

import backtest
import mix
import numpy as np
import pandas as pd
import pytest
from forecasts import seasonal_naive
from intervals import predict
from made import START, sample


def rows(hours: int, counts: dict[str, int], bots: int = 0) -> pd.DataFrame:
    """The same counts of each type in every hour."""
    times = pd.date_range(START, periods=hours, freq="h")
    return pd.DataFrame([(at, kind, events, bots) for at in times for kind, events in counts.items()]).set_axis(
        ["timestamp", "type", "events", "bots"], axis=1
    )


def test_shares_are_of_their_own_group() -> None:
    found = mix.samples(rows(3, {"PushEvent": 90, "CreateEvent": 10, "WatchEvent": 30, "ForkEvent": 10}, bots=1))
    shares = {name: mix.share(sample).mean() for name, sample in found.items()}
    assert shares == pytest.approx(
        {
            "PushEvent": 0.9,
            "CreateEvent": 0.1,
            "WatchEvent": 0.75,
            "ForkEvent": 0.25,
            "bots": 0.05,
            "bots that push": 0.02,
        }
    )


def test_rare_types_and_empty_tables_are_left_out() -> None:
    assert "GollumEvent" not in mix.samples(rows(3, {"WatchEvent": 1000, "GollumEvent": 1}))
    assert mix.samples(pd.DataFrame(columns=["timestamp", "type", "events", "bots"])) == {}


def test_an_hour_without_events_has_no_share() -> None:
    gap = rows(5, {"WatchEvent": 30})
    gap = gap[gap["timestamp"] != START + pd.Timedelta("2h")]
    share = mix.share(mix.samples(gap)["WatchEvent"])
    assert list(share.isna()) == [False, False, True, False, False]


@pytest.mark.parametrize(("hours", "of"), [(1, 100), (2, 3), (5, 0), (30, 40), (24 * 5, 300)])
def test_works_from_the_first_poll_on(hours: int, of: int) -> None:
    counts = sample(30, of)[0].iloc[:hours]
    share = mix.share(counts.reindex(pd.date_range(START, periods=max(hours, 2), freq="h"), fill_value=0))
    found = predict(mix.binomial(counts), share, mix.HORIZON, 1, 1.0)
    assert found.notna().all(axis=None)
    assert (found["lower"] <= found["mean"]).all()
    assert (found["mean"] <= found["upper"]).all()
    assert found.to_numpy().min() >= 0
    assert found.to_numpy().max() <= 1


def test_few_events_make_a_wide_interval() -> None:
    widths = []
    for of in (5, 50, 5000):
        counts, _ = sample(2, of)
        found = mix.binomial(counts)(mix.share(counts).fillna(0), 24, 1)
        widths.append((found["upper"] - found["lower"]).mean())
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 5 * widths[-1]


def test_the_season_of_a_share_is_learned_and_the_naive_forecast_beaten() -> None:
    counts, truth = sample(35, 1400)
    share = mix.share(counts)
    result = backtest.run(
        share, {"binomial": mix.binomial(counts), "seasonal naive": seasonal_naive}, 24, 24, 12, most=1.0
    )
    assert "binomial beats seasonal naive" in result.verdict()
    table = result.table()
    assert table.loc["binomial", "mase"] < 0.8
    assert 0.84 <= table.loc["binomial", "coverage"] <= 0.96
    assert np.abs(result.forecasts["binomial"]["mean"] - truth.iloc[-12 * 24 :]).max() < 0.02
