"""notebooks/history.py: simulated history that agrees with itself."""

from __future__ import annotations

import history
import numpy as np
import pandas as pd
import series


def test_history_repeats_and_agrees_with_itself() -> None:
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
    found = series.arrivals(asked[asked["status"] == 200], pd.Timedelta("1h")) * 3600
    whole = found.index.intersection(hourly.dropna().index)
    assert len(whole) >= 18
    assert np.allclose(found[whole], hourly[whole], rtol=0.01)
