"""`make bench-forecast`: rolling-origin backtests of every model, written into docs/forecasting.md.

On four weeks of simulated history by hour (what `make history` loads, made here by the same code) and on AirPassengers, which
statsforecast ships. Runs in the notebooks' virtual environment.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import history
from forecasting import LEVEL, Backtest, backtest, verdict
from models import MODELS
from statsforecast.utils import AirPassengersDF

if TYPE_CHECKING:
    import pandas as pd

PAGE = Path(__file__).resolve().parent.parent / "docs" / "forecasting.md"
FIRST_DAY = 20_727  # 2026-10-01, a Thursday
COLUMNS = {"mase": "MASE", "rmse": "RMSE", "coverage": "in interval", "seconds": "fit, s"}


@dataclass(frozen=True)
class Case:
    """A series and how it is judged: `horizon` and `season` in steps."""

    name: str
    series: pd.Series
    unit: str
    horizon: int
    season: int
    origins: int


def cases() -> list[Case]:
    """Return the series that the page compares models on."""
    simulated = history.hourly(history.Plan(), range(FIRST_DAY, FIRST_DAY + 28)) / 3600
    passengers = AirPassengersDF.set_index("ds")["y"].tz_localize("UTC").asfreq("ME")
    return [
        Case("Simulated history", simulated, "events a second, by hour", 24, 24, 7),
        Case("AirPassengers", passengers, "thousands of passengers, by month", 12, 12, 5),
    ]


def run(case: Case) -> Backtest:
    """Judge every model; each is fitted once before, so that compilation is not part of the time."""
    models = {name: model for name, model in MODELS.items() if name != "weekly naive" or case.season != 12}  # noqa: PLR2004
    backtest(case.series, models, case.horizon, case.season, 1)
    return backtest(case.series, models, case.horizon, case.season, case.origins)


def section(case: Case, table: pd.DataFrame) -> str:
    """Return a section of the page: what was done, the table, the verdict."""
    what = f"{len(case.series)} steps ({case.unit}), {case.origins} origins, horizon and season {case.horizon} steps."
    head = ["model", *COLUMNS.values()]
    formats = {"mase": "{:.2f}", "rmse": "{:.3g}", "coverage": "{:.0%}", "seconds": "{:.2f}"}
    rows = [[name, *(formats[column].format(row[column]) for column in COLUMNS)] for name, row in table.iterrows()]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join([f"### {case.name}", "", what, "", *lines, "", verdict(table)])


def main() -> None:
    """Measure, print, and put the result between the page's marks."""
    parts = [section(case, run(case).table()) for case in cases()]
    where = f"Python {platform.python_version()}, {platform.machine()}. Nominal share in the interval: {LEVEL:.0%}."
    text = "\n\n".join([*parts, where])
    print(text)
    marks = r"(<!-- bench-forecast -->\n).*?(<!-- end -->)"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(marks, lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
