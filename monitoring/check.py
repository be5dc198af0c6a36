"""Evaluates monitoring/alerts/*.sql, for `make check` and `make doctor`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from monitoring import alerts
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and what to do about it.

    `alert` is the name of the alert's file, `subject` what it is on for. A finding without a subject says that the alert can't be
    judged, one without an alert that none can.
    """

    alert: str
    subject: str
    text: str
    remedy: str

    def __str__(self) -> str:
        """Return two lines."""
        return f"✗ {self.text}\n  {self.remedy}"


def report(
    database: tables.QuestDb, wanted: Callable[[Alert], bool] = lambda _: True, on: Iterable[str] = ()
) -> list[Finding]:
    """Return what is wrong, or can't be judged.

    Only the alerts that are `wanted` are looked at, those of optional datasets if these are `on`. An empty list means that each of
    them was judged and is off.
    """
    found: list[Finding] = []
    end = time.monotonic() + WITHIN
    for path in alerts.files(on=on):
        if time.monotonic() > end:
            late = f"QuestDB is slow: {path.stem} and what follows can't be judged within {WITHIN:.0f} s"
            return [*found, Finding("", "", late, "See its log.")]
        try:
            found += _findings(database, path, wanted)
        except requests.RequestException as error:
            away = f"QuestDB does not answer ({type(error).__name__})"
            return [*found, Finding("", "", away, "See `make status` and its log.")]
    return found


def _findings(database: tables.QuestDb, path: Path, wanted: Callable[[Alert], bool]) -> list[Finding]:
    name = path.stem
    try:
        alert = alerts.parse(path)
    except ValueError as error:
        return [Finding(name, "", str(error), "Mend the file: docs/monitoring.md says what it holds.")]
    if not wanted(alert):
        return []
    try:
        rows = evaluate(database, alert)
        return [Finding(name, row["subject"], f"{alert.title}: {sentence(alert, row)}", alert.remedy) for row in rows]
    except Problem as problem:
        text = f"{alert.title}: can't be judged, {problem}"
        return [Finding(name, "", text, "The reconciler makes the tables: see its log.")]
    except (KeyError, TypeError, ValueError):
        remedy = f"The query of {path.name} must return a text `subject` and a number `value`."
        return [Finding(name, "", f"{alert.title}: can't be judged", remedy)]


def sentence(alert: Alert, row: dict[str, Any]) -> str:
    """Return what a row says."""
    return f"{row['subject']}, {row['value']:.3g} {alert.unit}"
