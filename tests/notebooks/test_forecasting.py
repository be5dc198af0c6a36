"""The modules behind the forecasting notebooks, and history loaded into a real QuestDB."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
from questdb_server import Server, running

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHECKS = ROOT / "tests" / "notebooks" / "checks.py"
NAMES = re.findall(r"^def (check_\w+)", CHECKS.read_text(encoding="utf-8"), re.MULTILINE)
DAYS = 3


def run(python: Path, program: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program as the Makefile does."""
    paths = {"PYTHONPATH": f"{ROOT}/ingestion:{ROOT}/notebooks"}
    return subprocess.run(
        [python, program],
        cwd=ROOT,
        env=os.environ | paths | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checked(notebooks_python: Path) -> dict[str, str | None]:
    """What went wrong in each check: all in one process, as their libraries take seconds to start."""
    done = run(notebooks_python, CHECKS)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["check_')]
    assert done.returncode == 0, done.stdout
    return dict(results)


@pytest.mark.parametrize("name", NAMES)
def test_holds(checked: dict[str, str | None], name: str) -> None:
    assert checked[name] is None, checked[name]


@pytest.fixture(scope="module")
def questdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A QuestDB of its own: history may not mix with what the shared stack holds."""
    with running(tmp_path_factory.mktemp("questdb")) as server:
        yield server


def load(python: Path, server: Server, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `make history`'s program."""
    where = {"QUESTDB_HTTP_URL": server.url, "QUESTDB_PG_HOST": "127.0.0.1", "QUESTDB_PG_PORT": str(server.pg)}
    return run(python, ROOT / "notebooks" / "history.py", **where, DAYS=str(DAYS), **settings)


def totals(server: Server) -> list[dict[str, object]]:
    """Events by type and hour of the whole days, which a later `now` does not change."""
    return server.sql(
        "SELECT timestamp, type, count() events FROM github_events "
        "WHERE timestamp < timestamp_floor('d', now()) SAMPLE BY 1h ORDER BY timestamp, type"
    )


PLANNED = """
import sys, pandas as pd, history
plan = history.Plan(30_000 / 3)
today = pd.Timestamp.now("UTC").floor("D").timestamp() // 86_400
days = pd.concat([history.events(plan, int(today) - ago) for ago in (3, 2, 1)])
by = days.groupby([days["timestamp"].dt.floor("h"), "type"]).size().reset_index()
by.columns = ["timestamp", "type", "events"]
by["timestamp"] = by["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
sys.stdout.write(by.sort_values(["timestamp", "type"]).to_json(orient="records"))
"""


def test_history_is_what_was_planned_also_the_second_time(
    notebooks_python: Path, questdb: Server, tmp_path: Path
) -> None:
    program = tmp_path / "planned.py"
    program.write_text(PLANNED, encoding="utf-8")
    planned = json.loads(run(notebooks_python, program).stdout)
    for _ in range(2):
        done = load(notebooks_python, questdb, EVENTS="30000")
        assert done.returncode == 0, done.stdout
        assert totals(questdb) == planned
        events, viewed, fresh, foreign = [
            next(iter(questdb.sql(query)[0].values()))
            for query in (
                "SELECT count() FROM github_events",
                "SELECT sum(events) FROM github_events_type_1h",
                "SELECT sum(fresh) FROM github_polls",
                "SELECT count() FROM github_events WHERE repo NOT LIKE 'simulated-%'",
            )
        ]
        assert events == viewed == fresh
        assert foreign == 0


def test_another_history_and_real_events_are_refused(notebooks_python: Path, questdb: Server) -> None:
    assert load(notebooks_python, questdb, EVENTS="30000").returncode == 0
    other = load(notebooks_python, questdb, EVENTS="30000", SEED="2")
    assert other.returncode == 1
    assert "another EVENTS, DAYS or SEED" in other.stdout
    questdb.write([f'github_events,type=PushEvent id="1",repo="octo/real" {time.time_ns() // 1_000}'])
    questdb.settle()
    real = load(notebooks_python, questdb, EVENTS="30000")
    assert real.returncode == 1
    assert "octo/real" in real.stdout
    assert load(notebooks_python, questdb, EVENTS="30000", YES="1").returncode == 0


def test_history_ends_while_events_keep_arriving(notebooks_python: Path, questdb: Server) -> None:
    loaded = threading.Event()

    def arrive() -> None:
        while not loaded.wait(0.2):
            questdb.write([f'github_events,type=PushEvent id="2",repo="simulated-a/b" {time.time_ns() // 1_000}'])

    thread = threading.Thread(target=arrive)
    thread.start()
    try:
        done = load(notebooks_python, questdb, EVENTS="30000", YES="1")
    finally:
        loaded.set()
        thread.join()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "value"), [("DAYS", "30"), ("DAYS", "1"), ("EVENTS", "-5")])
def test_bad_settings_are_named(notebooks_python: Path, questdb: Server, name: str, value: str) -> None:
    where = {"QUESTDB_HTTP_URL": questdb.url, name: value}
    done = run(notebooks_python, ROOT / "notebooks" / "history.py", **where)
    assert done.returncode == 2
    assert f"{name}: " in done.stdout


def test_a_forecast_goes_to_the_dashboards_table(notebooks_python: Path, questdb: Server) -> None:
    assert load(notebooks_python, questdb, EVENTS="30000", YES="1").returncode == 0
    where = {"QUESTDB_HTTP_URL": questdb.url, "QUESTDB_PG_HOST": "127.0.0.1", "QUESTDB_PG_PORT": str(questdb.pg)}
    for _ in range(2):
        done = run(notebooks_python, ROOT / "notebooks" / "forecast.py", **where, FORECAST_MODEL="LinearRegression")
        assert done.returncode == 0, done.stdout
        assert done.stdout.startswith("LinearRegression: ")
        questdb.settle()
    rows = questdb.sql(
        "SELECT timestamp > now() ahead, model, step, lower <= rate AND rate <= upper sound FROM github_events_forecast"
    )
    assert {(row["model"], row["step"], row["sound"]) for row in rows} == {("LinearRegression", 3600, True)}
    assert [row["ahead"] for row in rows].count(True) in {23, 24}
    assert [row["ahead"] for row in rows].count(False) in {24, 25}
