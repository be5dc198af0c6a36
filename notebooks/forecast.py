"""`make forecast`: what comes next, written to github_events_forecast, where a panel of the dashboard overlays it.

One run fits FORECAST_MODEL (MSTL) to what arrived and ends; with FORECAST_INTERVAL it runs again after so many seconds.
"""

from __future__ import annotations

import argparse
import os
import time

import pandas as pd
import stack
from forecasting import POLLS, arrivals, filled, horizon_for, season_for, step_for
from models import MODELS

from questdb import Sender

DAYS = 28
FEWEST = 12  # steps to learn from
TABLE = "github_events_forecast"


def arrived(days: int = DAYS) -> pd.Series:
    """Return the events a second of the last days, in steps that suit how much there is; perhaps no step at all."""
    polls = stack.query(POLLS.format(days=days))
    if polls.empty:
        return pd.Series(dtype=float)
    polls["timestamp"] = pd.to_datetime(polls["timestamp"], utc=True)
    return arrivals(polls, step_for(polls["timestamp"].max() - polls["timestamp"].min()))


def forecast(series: pd.Series, name: str, horizon: int | None = None) -> pd.DataFrame:
    """Return rows of github_events_forecast for the steps after `series`, by the model of this name."""
    season = season_for(series)
    expected = MODELS[name](filled(series, season), horizon or horizon_for(series, season), season)
    step = int((series.index[1] - series.index[0]).total_seconds())
    rows = expected.rename(columns={"mean": "rate"}).assign(made_at=pd.Timestamp.now("UTC"), model=name, step=step)
    return rows.rename_axis("timestamp").reset_index()


def missed(series: pd.Series, name: str) -> pd.DataFrame:
    """Return the forecast that could have been made before the last steps, if none is stored for them."""
    horizon = horizon_for(series, season_for(series))
    known, start = series.iloc[:-horizon], series.index[-horizon]
    stored = stack.query(f"SELECT count() FROM {TABLE} WHERE timestamp >= %s", [start.to_pydatetime()])
    return pd.DataFrame() if stored.iloc[0, 0] or len(known) < FEWEST else forecast(known, name, horizon)


def write(rows: pd.DataFrame) -> None:
    """Store rows, if there are any; a step that was forecast before gets the newer forecast."""
    if rows.empty:
        return
    with Sender.from_conf(stack.questdb_client()) as sender:
        sender.dataframe(rows, table_name=TABLE, symbols=["model"], at="timestamp")


def once(name: str) -> str:
    """Forecast and store; return what was done in a sentence."""
    series = arrived()
    if len(series) < FEWEST:
        return f"{len(series)} steps have arrived, {FEWEST} are needed: nothing forecast"
    rows = pd.concat([missed(series, name), forecast(series, name)])
    write(rows)
    return (
        f"{name}: {len(rows)} steps of {rows['step'].iloc[-1]} s until {rows['timestamp'].max():%Y-%m-%d %H:%M:%S} UTC"
    )


def main() -> None:
    """Run once, or again and again."""
    parser = argparse.ArgumentParser(prog="make forecast", description=__doc__)
    chosen = os.environ.get("FORECAST_MODEL") or "MSTL"
    parser.add_argument("--model", choices=MODELS, default=chosen, help="FORECAST_MODEL")
    pause = float(os.environ.get("FORECAST_INTERVAL") or 0)
    parser.add_argument("--interval", type=float, default=pause, help="FORECAST_INTERVAL: seconds; 0 runs once")
    arguments = parser.parse_args()
    if arguments.model not in MODELS:
        parser.error(f"FORECAST_MODEL: one of {', '.join(MODELS)}")
    print(once(arguments.model))
    while arguments.interval > 0:
        time.sleep(arguments.interval)
        print(once(arguments.model), flush=True)


if __name__ == "__main__":
    main()
