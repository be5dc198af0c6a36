"""The modules behind the forecasting notebooks, and history loaded into a real QuestDB."""

from __future__ import annotations

import json
import os
import random
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

FORECAST = ROOT / "notebooks" / "publish_forecast.py"
MODULES = ROOT / "tests" / "notebooks" / "modules"
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


def test_modules_hold_what_they_promise(notebooks_python: Path) -> None:
    """All in one process, as their libraries take seconds to start."""
    done = subprocess.run(
        [notebooks_python, "-m", "pytest", "-c", "pytest.ini", "--quiet", "."],
        cwd=MODULES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def questdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A QuestDB of its own: history may not mix with what the shared stack holds."""
    with running(tmp_path_factory.mktemp("questdb")) as server:
        yield server


def forecast(python: Path, server: Server, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `make forecast`'s program."""
    where = {"QUESTDB_HTTP_URL": server.url, "QUESTDB_PG_HOST": "127.0.0.1", "QUESTDB_PG_PORT": str(server.pg)}
    return run(python, FORECAST, **where, **settings)


def sampled(hours: int, polls: int) -> tuple[list[str], list[str]]:
    """Rows as GitHub gives them: each answer full of new events, most of which happened hours before."""
    now, chance = int(time.time()), random.Random(1)  # noqa: S311 - test data
    asked = [now - int(number * 3600 * hours / polls) for number in range(polls)]
    rows = [
        f"github_polls,poller=python poll={polls - number}i,page={page}i,status=200i,fresh=100i,saturated=t "
        f"{(at + page) * 1_000_000}"
        for number, at in enumerate(asked)
        for page in (1, 2, 3)
    ]
    kinds = {
        1: ["PushEvent"],
        2: ["WatchEvent", "ForkEvent", "IssuesEvent"],
        3: ["WatchEvent", "ForkEvent", "IssuesEvent"],
    }
    events = [
        f'github_events,type={chance.choice(kinds[page])} id="{at}-{page}-{number}",repo="a/b",actor="c[bot]" '
        f"{int(at - chance.expovariate(1 / 7200)) * 1_000_000}"
        for at in asked
        for page in (1, 2, 3)
        for number in range(100)
    ]
    return rows, events


def test_a_sampled_feed_gives_its_mix_from_no_poll_to_many(notebooks_python: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        done = forecast(notebooks_python, server)
        assert (done.returncode, done.stdout[:20]) == (0, "Nothing to forecast:"), done.stdout
        for hours, polls in ((1, 1), (1, 12), (96, 96)):
            for lines in sampled(hours, polls):
                server.write(lines)
            server.settle()
            done = forecast(notebooks_python, server)
            assert done.returncode == 0, done.stdout
            assert "the forecast is of the mix" in done.stdout, done.stdout
            assert (
                "100% of the answers were full" if polls > 1 else "0 steps of the rate are known yet"
            ) in done.stdout
            server.settle()
            rows = server.sql(
                "SELECT series, count() steps, min(rate) least, max(rate) most, sum(CASE WHEN lower <= rate AND rate <= upper "
                "THEN 0 ELSE 1 END) wrong FROM github_events_forecast WHERE timestamp > now() GROUP BY series ORDER BY series"
            )
            assert {row["series"] for row in rows} == {
                *("PushEvent", "WatchEvent", "ForkEvent", "IssuesEvent", "bots", "bots that push")
            }
            assert {row["steps"] for row in rows} <= {23, 24}
            assert {row["wrong"] for row in rows} == {0}
            stars = next(row for row in rows if row["series"] == "WatchEvent")
            assert 0.2 < stars["least"] < stars["most"] + 1e-9 < 0.47


def test_no_database_is_a_sentence(notebooks_python: Path) -> None:
    nowhere = {"QUESTDB_PG_HOST": "127.0.0.1", "QUESTDB_PG_PORT": "1"}
    done = run(notebooks_python, FORECAST, **nowhere)
    assert done.returncode == 1
    assert done.stdout.startswith("QuestDB does not answer at 127.0.0.1:1 (")
    assert "Traceback" not in done.stdout


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
    for _ in range(2):
        done = forecast(notebooks_python, questdb, FORECAST_MODEL="LinearRegression")
        assert done.returncode == 0, done.stdout
        assert "polls touch: the forecast is of events a second. LinearRegression: 24 steps of 3600 s" in done.stdout
        questdb.settle()
    rows = questdb.sql(
        "SELECT timestamp > now() ahead, model, step, lower <= rate AND rate <= upper sound FROM github_events_forecast"
    )
    assert {(row["model"], row["step"], row["sound"]) for row in rows} == {("LinearRegression", 3600, True)}
    assert len(rows) == 48
    # The 24 steps to come begin at the last known hour, and in one night of ten the history has an outage of three hours.
    assert 20 <= [row["ahead"] for row in rows].count(True) <= 24
