"""Simulated devices: what the script sends, straight or through Kafka, is what the table holds."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from devices import Reading, readings
from waiting import until

from operations.local.environment import render
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack

TOTAL, RATE, DEVICES, SEED = 3_000, 500, 20, 3
# Days of their own, young enough for the table's TTL.
TODAY = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
STARTS = {"questdb": TODAY - timedelta(days=10), "kafka": TODAY - timedelta(days=11)}
PACED = TODAY - timedelta(days=12)


def run(stack: Stack, python: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script against this stack."""
    return subprocess.run(
        [python, "ingestion/iot/iot_data.py", *arguments],
        cwd=ROOT,
        env=render(stack.settings) | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def expected(start: datetime) -> list[Reading]:
    """Return the readings that the script is to send."""
    return list(islice(readings(int(start.timestamp()) * 1_000_000, RATE, DEVICES, SEED), TOTAL))


def stored(stack: Stack, day: str) -> list[Reading]:
    """Return the rows of one day."""
    columns = ", ".join(Reading._fields[1:])
    rows = stack.sql(f"SELECT timestamp::long, {columns} FROM iot_data WHERE timestamp IN '{day}' ORDER BY timestamp")
    return [Reading(*row) for row in rows]


@pytest.mark.parametrize("target", STARTS)
def test_rows_are_the_readings(stack: Stack, notebooks_python: Path, target: str) -> None:
    stack.healthy("reconciler")
    start = STARTS[target]
    chosen = ["--total", str(TOTAL), "--rate", str(RATE), "--devices", str(DEVICES), "--seed", str(SEED), "--fast"]
    done = run(stack, notebooks_python, "--to", target, "--start", start.isoformat(), *chosen)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"3,000 readings to {target} in [\d.]+ s, [\d,]+ a second", done.stdout), done.stdout
    day = f"{start:%Y-%m-%d}"
    until(lambda: len(stored(stack, day)) >= TOTAL, "all readings stored", 60, lambda: stack.log("kafka-connect"))
    assert stored(stack, day) == expected(start)


def test_rate_is_kept(stack: Stack, notebooks_python: Path) -> None:
    chosen = ["--total", "40", "--rate", "20", "--start", PACED.isoformat()]
    done = run(stack, notebooks_python, "--to", "questdb", *chosen)
    assert done.returncode == 0, done.stderr
    seconds = float(re.search(r"in ([\d.]+) s", done.stdout)[1])  # type: ignore[index]
    assert seconds >= 1.8, "40 readings, 20 a second"


@pytest.mark.parametrize("target", STARTS)
def test_nobody_there_is_said(stack: Stack, notebooks_python: Path, target: str) -> None:
    nowhere = {"QUESTDB_HTTP_URL": "http://127.0.0.1:1", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = run(stack, notebooks_python, "--to", target, "--total", "1", **nowhere)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{target}: "), done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argument", [("--rate", "0"), ("--total", "-1"), ("--devices", "many"), ("--start", "noon")])
def test_bad_arguments_are_named(stack: Stack, notebooks_python: Path, argument: tuple[str, str]) -> None:
    done = run(stack, notebooks_python, "--to", "questdb", *argument)
    assert done.returncode == 2
    assert f"argument {argument[0]}: invalid" in done.stderr


def test_same_seed_same_journeys() -> None:
    first, again, other = (list(islice(readings(0, 10, 3, seed), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({(reading.time_us, reading.device_id) for reading in first}) == 50
