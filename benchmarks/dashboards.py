"""`make bench-dashboards`: how long QuestDB takes for every panel of the dashboard of GitHub's events, by the chosen range.

A QuestDB of its own is filled by `make history` with ROWS (100 million) events of the last 29 days, from the environment; then each
panel's SQL is sent as Grafana sends it. The table goes into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report
from questdb_server import ROOT, Server, running

from dashboard.grafana import panels
from dashboard.grafana.panels import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

PYTHON = ROOT / os.environ.get("NOTEBOOKS_VENV", ".local/notebooks-venv") / "bin" / "python"
DASHBOARD = ROOT / "dashboard" / "grafana" / "dashboards" / "github_events.json"
DAYS = 29
RANGES = {
    "15 minutes": timedelta(minutes=15),
    "6 hours": timedelta(hours=6),
    "7 days": timedelta(days=7),
    "29 days": timedelta(days=29),
}
GOAL = 60  # milliseconds, the median of each panel and range


def fill(server: Server, rows: int) -> None:
    """Load simulated history and bring the views up to date."""
    settings = {
        "PYTHONPATH": f"{ROOT}:{ROOT}/ingestion:{ROOT}/notebooks",
        "QUESTDB_HTTP_URL": server.url,
        "QUESTDB_PG_HOST": "127.0.0.1",
        "QUESTDB_PG_PORT": str(server.pg),
    }
    command = [str(PYTHON), f"{ROOT}/notebooks/history.py", f"--days={DAYS}", f"--events={rows}"]
    subprocess.run(command, env=os.environ | settings, cwd=ROOT, check=True)  # noqa: S603 - our own program
    server.settle()


def times(connection: psycopg.Connection[Any], panel: panels.Panel, span: timedelta, runs: int) -> list[float]:
    """Return the milliseconds of each run; the first, which reads from disk, does not count."""
    end = datetime.now(timezone.utc)
    queries = [sql for _, sql in panel.expanded(TimeRange(end - span, end))]
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        for sql in queries:
            panels.run(connection, sql)
        took.append(1_000 * (time.perf_counter() - began))
    return took[1:]


def measured(server: Server, runs: int) -> Iterator[tuple[str, list[list[float]]]]:
    """Yield each panel's title, and for each range its milliseconds."""
    with server.connect() as connection:
        for panel in panels.panels(panels.load(DASHBOARD)):
            if panel.queries:
                yield panel.title, [times(connection, panel, span, runs) for span in RANGES.values()]


def text(found: list[tuple[str, list[list[float]]]], count: int, runs: int) -> str:
    """Return the table, and whether the goal is met."""
    table = report.table(
        ["panel", *RANGES], [[title, *(report.spread(took) for took in columns)] for title, columns in found]
    )
    slowest = max(statistics.median(took) for _, columns in found for took in columns)
    met = "met" if slowest <= GOAL else "missed"
    return (
        f"{count:,} events in {DAYS} days; milliseconds, {runs} runs, median (min..max). {report.machine()}.\n\n{table}\n\n"
        f"The slowest median is {slowest:.0f} ms; the goal of {GOAL} ms is {met}."
    )


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--dry", action="store_true", help="print the table only")
    arguments = parser.parse_args()
    rows = int(os.environ.get("ROWS") or 100_000_000)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "questdb") as server:
        fill(server, rows)
        count = int(server.sql("SELECT count() AS n FROM github_events")[0]["n"])
        written = text(list(measured(server, arguments.runs)), count, arguments.runs)
    if not arguments.dry:
        report.write("dashboards", written)
    sys.stdout.write(written + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
