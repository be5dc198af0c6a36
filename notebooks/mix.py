"""The mix of a sampled feed: which share of the events is of each type, and which is by bots.

Where polls miss most events, the number of rows says how often somebody asked, not how much happened. Shares don't suffer
from that: a page is a fair sample of what it can hold. GitHub's page 1 holds pushes, creations and deletions, pages 2 and 3
all others, and how much of each was seen depends on the poller. So each share is one of its own group. Events that
come late make the newest hours' samples small, and that widens their sampling error, no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import stack
from forecasts import LEVEL, after
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from forecasts import Forecast, Model

CODE = ("PushEvent", "CreateEvent", "DeleteEvent")
STEP, DAY, WEEK = pd.Timedelta("1h"), 24, 168  # the latter in steps
HORIZON = DAY
RARE = 0.01  # of its group: types that are rarer are left out
SAMPLE = 20  # events of a step; with fewer its share is not known
WAVES = 2  # of a day, and of a week

VIEW = """
SELECT timestamp, type, sum(events) AS events, sum(bots) AS bots
FROM github_events_type_1h WHERE timestamp > dateadd('d', -{days}, now()) SAMPLE BY 1h
"""
# A stack that has just started has rows but no view of them yet.
TABLE = """
SELECT timestamp, type, count() AS events, sum(CASE WHEN actor LIKE '%[bot]' THEN 1 ELSE 0 END) AS bots
FROM github_events WHERE timestamp > dateadd('d', -{days}, now()) SAMPLE BY 1h
"""


def sampled(days: int = 28) -> dict[str, pd.DataFrame]:
    """Return the samples of the last `days` by hour: see `samples`.

    Raises:
        stack.StackError: QuestDB does not answer.

    """
    rows = stack.query(VIEW.format(days=days))
    return samples(rows if len(rows) else stack.query(TABLE.format(days=days)))


def samples(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return for each share a frame of `events` and `of` (how many of how many), by hour without a gap.

    `rows` have the columns timestamp, type, events, bots. The shares are those of each type in its group, of `bots` among
    events other than pushes, creations and deletions, and of `bots that push` among those.
    """
    if rows.empty:
        return {}
    rows = rows.assign(timestamp=pd.to_datetime(rows["timestamp"], utc=True), type=rows["type"].fillna("none"))
    by_type = rows.pivot_table(index="timestamp", columns="type", values="events", aggfunc="sum", fill_value=0)
    code = rows["type"].isin(CODE)
    bots = rows.assign(code=code).pivot_table(
        index="timestamp", columns="code", values="bots", aggfunc="sum", fill_value=0
    )
    found = {}
    for group, name in ((False, "bots"), (True, "bots that push")):
        types = [kind for kind in by_type if (kind in CODE) is group]
        of = by_type[types].sum(axis=1)
        shares = {kind: by_type[kind] for kind in types if by_type[kind].sum() >= RARE * of.sum()}
        if types:
            shares[name] = bots[group]
        found |= {
            key: pd.DataFrame({"events": events, "of": of}).asfreq(STEP, fill_value=0) for key, events in shares.items()
        }
    return found


def share(sample: pd.DataFrame) -> pd.Series:
    """Return the observed share of each step; NaN where fewer than SAMPLE events were seen."""
    return (sample["events"] / sample["of"].where(sample["of"] >= SAMPLE)).rename("share")


def binomial(sample: pd.DataFrame) -> Model:
    """Return the model of this sample's share: a logistic regression on waves of the day, and of the week.

    It needs the counts and not the shares alone, since a share of 20 events says less than one of 2,000. The interval
    holds the share that will be observed: it has the error of the fit and the sampling error of the step to come, both
    wider by how much more the past scattered than independent draws would.
    """

    def model(history: pd.Series, horizon: int, _season: int) -> Forecast:
        return _fitted(sample.reindex(history.index, fill_value=0), horizon)

    return model


def _fitted(counts: pd.DataFrame, horizon: int) -> Forecast:
    coming = after(counts["of"], horizon)
    useful = int((counts["of"] >= SAMPLE).sum())
    known, asked = (_waves(at, useful) for at in (counts.index, coming))
    fit = _logistic(known, counts)
    expected, future = (fit.predict_proba(part)[:, 1] for part in (known, asked))
    weight = counts["of"].to_numpy() * expected * (1 - expected)
    scatter = _scatter(counts, expected, known.shape[1])
    information = (known.T * weight) @ known / scatter + np.eye(known.shape[1])
    binomial_variance = future * (1 - future)
    of_fit = np.einsum("ij,jk,ik->i", asked, np.linalg.inv(information), asked) * binomial_variance**2
    variance = of_fit + scatter * binomial_variance / _typical(counts["of"])
    lower, upper = _beta_interval(future, variance)
    return pd.DataFrame({"mean": future, "lower": lower, "upper": upper}, index=coming)


def _waves(times: pd.DatetimeIndex, useful: int) -> np.ndarray:
    """Return a column of ones, and waves of a day (a week) where two of them were seen."""
    hours = (times - pd.Timestamp(0, tz="UTC")) / STEP
    periods = [period for period in (DAY, WEEK) if useful >= 2 * period]
    angles = [2 * np.pi * wave * hours / period for period in periods for wave in range(1, WAVES + 1)]
    return np.column_stack([np.ones(len(times)), *map(np.sin, angles), *map(np.cos, angles)])


def _logistic(known: np.ndarray, counts: pd.DataFrame) -> LogisticRegression:
    """Fit to events and the others, half an event of each added: a share of nothing in 20 is not known to be nothing."""
    events = np.concatenate([counts["events"], counts["of"] - counts["events"], [0.5, 0.5]])
    average = known.mean(axis=0)
    features = np.vstack([known, known, average, average])
    outcome = np.concatenate([np.ones(len(known)), np.zeros(len(known)), [1, 0]])
    model = LogisticRegression(fit_intercept=False, C=100.0, solver="newton-cholesky")
    return model.fit(features[events > 0], outcome[events > 0], sample_weight=events[events > 0])


def _scatter(counts: pd.DataFrame, expected: np.ndarray, parameters: int) -> float:
    """Return the variance of the past in units of independent draws, at least 1."""
    good = (counts["of"] >= SAMPLE).to_numpy()
    if good.sum() <= 2 * parameters:
        return 1.0
    of, probability = counts["of"].to_numpy()[good], expected[good]
    squares = (counts["events"].to_numpy()[good] - of * probability) ** 2 / (of * probability * (1 - probability))
    return max(float(squares.sum() / (good.sum() - parameters)), 1.0)


def _typical(of: pd.Series) -> float:
    """Return how many events a step will show: the median of the last days, without today, which still fills up."""
    recent = of.iloc[-8 * DAY :]
    complete = recent.iloc[:-DAY] if (recent.iloc[:-DAY] >= SAMPLE).sum() >= DAY else recent
    seen = complete[complete > 0]
    return max(float(seen.median()), 1.0) if len(seen) else 1.0


def _beta_interval(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantiles of a beta distribution of this mean and variance: never below 0 or above 1."""
    size = np.maximum(mean * (1 - mean) / variance - 1, 0.5)
    tail = (1 - LEVEL) / 2
    lower, upper = (beta.ppf(part, mean * size, (1 - mean) * size) for part in (tail, 1 - tail))
    return np.minimum(lower, mean), np.maximum(upper, mean)
