"""`make forecast`: what comes next, written to github_events_forecast, where a panel of the dashboard overlays it.

Where polls touch, that is the rate of events, by FORECAST_MODEL (MSTL). On a sampled feed, such as GitHub's, it is the mix:
the share of each type and of bots. One run ends when it has written; with FORECAST_INTERVAL it runs again after so many
seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mix
import pandas as pd
import series as measured
import stack
from intervals import fewest, predict
from models import MODELS

from questdb import Sender

if TYPE_CHECKING:
    from forecasts import Model

TABLE = "github_events_forecast"
RATE = "events a second"
BINOMIAL = "binomial"
# A poller's first answer is full of new events whatever it misses.
SATURATED = """
SELECT avg(CASE WHEN saturated THEN 1.0 ELSE 0.0 END)
FROM github_polls WHERE timestamp > dateadd('d', -1, now()) AND status = 200 AND poll > 1
"""


@dataclass(frozen=True)
class Subject:
    """What can be forecast now: series by name, the model of each, and a sentence that says why these."""

    series: dict[str, pd.Series]
    models: dict[str, Model]
    model: str
    horizon: int
    season: int
    most: float
    why: str

    def rows(self, *, back: int = 0) -> pd.DataFrame:
        """Return rows of github_events_forecast, made as if the last `back` steps were still to come."""
        parts = [self._rows(name, values.iloc[: len(values) - back]) for name, values in self.series.items()]
        return pd.concat(parts, ignore_index=True)

    def _rows(self, name: str, values: pd.Series) -> pd.DataFrame:
        expected = predict(self.models[name], values, self.horizon, self.season, self.most)
        about = {
            "made_at": pd.Timestamp.now("UTC"),
            "series": name,
            "model": self.model,
            "step": int(measured.step_of(values).total_seconds()),
        }
        return expected.rename(columns={"mean": "rate"}).assign(**about).rename_axis("timestamp").reset_index()

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(next(iter(self.series.values())))

    @property
    def stored(self) -> pd.DataFrame:
        """Forecasts of the last steps that are stored already."""
        values = next(iter(self.series.values()))
        start = values.index[-min(self.horizon, len(values))]
        step = int(measured.step_of(values).total_seconds())
        return stack.query(
            f"SELECT * FROM {TABLE} WHERE timestamp >= %s AND timestamp <= %s AND series = %s AND model = %s AND step = %s",
            [start.to_pydatetime(), values.index[-1].to_pydatetime(), next(iter(self.series)), self.model, step],
        )


def subject(model: str = "MSTL", days: int = measured.DAYS) -> Subject | str:
    """Return what the stored data allow to forecast, or why nothing can be."""
    rates = measured.arrived(days)
    steps = measured.known(rates)
    if steps.enough and _recent(rates):
        return _of_rates(measured.trimmed(rates), model, steps)
    samples = mix.sampled(days)
    if not samples:
        return "Nothing to forecast: no event is stored yet. `make doctor` shows whether the poller runs and what stops it."
    return _of_mix(samples, steps)


def _recent(rates: pd.Series) -> bool:
    """Tell whether rates are known up to a day ago."""
    return rates.last_valid_index() > pd.Timestamp.now("UTC") - measured.DAY - measured.step_of(rates)


def _of_rates(rates: pd.Series, model: str, steps: measured.Known) -> Subject:
    season = measured.season_for(rates)
    horizon = measured.horizon_for(rates, season)
    why = f"{steps.known} of {steps.steps} steps are known, because polls touch: the forecast is of events a second."
    return Subject({RATE: rates}, {RATE: MODELS[model]}, model, horizon, season, float("inf"), why)


def _of_mix(samples: dict[str, pd.DataFrame], steps: measured.Known) -> Subject:
    series = {name: mix.share(sample) for name, sample in samples.items()}
    models = {name: mix.binomial(sample) for name, sample in samples.items()}
    season = measured.season_for(next(iter(series.values())))
    why = f"{_cause(steps)}: the forecast is of the mix, by hour, that is the share of each type and of bots."
    return Subject(series, models, BINOMIAL, mix.HORIZON, season, 1.0, why)


def _cause(steps: measured.Known) -> str:
    """Say why the rate is not known."""
    share = stack.query(SATURATED).iloc[0, 0]
    if share and share >= measured.KNOWN_SHARE:
        return f"The rate can't be told, because {share:.0%} of the answers were full of new events and missed some"
    return f"{steps.known} steps of the rate are known yet, {measured.FEWEST} in a row without large gaps are needed"


def missed(found: Subject) -> pd.DataFrame:
    """Return the forecast that could have been made before the last steps, if none is stored for them."""
    enough = found.steps - found.horizon >= max(measured.FEWEST, fewest(found.season))
    return found.rows(back=found.horizon) if enough and found.stored.empty else pd.DataFrame()


def write(rows: pd.DataFrame) -> None:
    """Store rows, if there are any; a step that was forecast before by the same model gets the newer forecast."""
    if rows.empty:
        return
    with Sender.from_conf(stack.questdb_client()) as sender:
        sender.dataframe(rows, table_name=TABLE, symbols=["series", "model"], at="timestamp")


def once(model: str) -> str:
    """Forecast and store; return what was done and why in two sentences."""
    found = subject(model)
    if isinstance(found, str):
        return found
    rows = found.rows()
    write(missed(found))
    write(rows)
    return (
        f"{found.why} {found.model}: {found.horizon} steps of {rows['step'].iloc[-1]} s "
        f"until {rows['timestamp'].max():%Y-%m-%d %H:%M:%S} UTC."
    )


def main() -> None:
    """Run once, or again and again."""
    parser = argparse.ArgumentParser(prog="make forecast", description=__doc__)
    chosen = os.environ.get("FORECAST_MODEL") or "MSTL"
    parser.add_argument("--model", choices=MODELS, default=chosen, help="FORECAST_MODEL: of the rate")
    parser.add_argument(
        "--interval",
        type=float,
        default=os.environ.get("FORECAST_INTERVAL") or 0,
        help="FORECAST_INTERVAL: seconds; 0 runs once",
    )
    arguments = parser.parse_args()
    if arguments.model not in MODELS:
        parser.error(f"FORECAST_MODEL: one of {', '.join(MODELS)}")
    try:
        print(once(arguments.model), flush=True)
        while arguments.interval > 0:
            time.sleep(arguments.interval)
            print(once(arguments.model), flush=True)
    except stack.StackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
