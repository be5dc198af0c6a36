"""Evaluates monitoring/alerts/*.sql, for `make check` and `make doctor`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import requests

from monitoring import alerts
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitoring.alerts import Alert
    from operations.reconciler import tables

WITHIN = 8.0  # seconds for all alerts together


def evaluate(database: tables.QuestDb, alert: Alert, **thresholds: int) -> list[dict[str, Any]]:
    """Return a row for each thing that is wrong: `subject` and `value`.

    Raises:
        requests.RequestException: QuestDB does not answer.
        Problem: QuestDB refuses the query, mostly because a table is not there yet.

    """
    return database.run(alert.query(**thresholds))


def report(database: tables.QuestDb, wanted: Callable[[Alert], bool] = lambda _: True) -> list[str]:
    """Return two lines for each thing that is wrong, or can't be judged: what it is, and what to do about it.

    Only the alerts that are `wanted` are looked at. An empty list means that each of them was judged and is off.
    """
    lines: list[str] = []
    end = time.monotonic() + WITHIN
    for path in alerts.files():
        if time.monotonic() > end:
            return [
                *lines,
                f"✗ QuestDB is slow: {path.stem} and what follows can't be judged within {WITHIN:.0f} s\n  See its log.",
            ]
        try:
            lines += _lines(database, path, wanted)
        except requests.RequestException as error:
            return [*lines, f"✗ QuestDB does not answer ({type(error).__name__})\n  See `make status` and its log."]
    return lines


def _lines(database: tables.QuestDb, path: Path, wanted: Callable[[Alert], bool]) -> list[str]:
    try:
        alert = alerts.parse(path)
    except ValueError as error:
        return [f"✗ {error}\n  Mend the file: docs/monitoring.md says what it holds."]
    if not wanted(alert):
        return []
    try:
        rows = evaluate(database, alert)
        return [f"✗ {alert.title}: {sentence(alert, row)}\n  {alert.remedy}" for row in rows]
    except Problem as problem:
        return [f"✗ {alert.title}: can't be judged, {problem}\n  The reconciler makes the tables: see its log."]
    except (KeyError, TypeError, ValueError):
        return [
            f"✗ {alert.title}: can't be judged\n  The query of {path.name} must return a text `subject` and a number `value`."
        ]


def sentence(alert: Alert, row: dict[str, Any]) -> str:
    """Return what a row says."""
    return f"{row['subject']}, {row['value']:.3g} {alert.unit}"
