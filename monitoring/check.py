"""Evaluates monitoring/alerts/*.sql, for `make check` and `make doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from monitoring import alerts
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from monitoring.alerts import Alert
    from operations.reconciler import tables


def evaluate(database: tables.QuestDb, alert: Alert, **thresholds: int) -> list[dict[str, Any]]:
    """Return a row for each thing that is wrong: `subject` and `value`.

    Raises:
        requests.RequestException: QuestDB does not answer.
        Problem: QuestDB refuses the query, mostly because a table is not there yet.

    """
    return database.run(alert.query(**thresholds))


def report(database: tables.QuestDb) -> list[str]:
    """Return two lines for each thing that is wrong: what it is, and what to do about it."""
    lines = []
    for alert in alerts.read():
        try:
            rows = evaluate(database, alert)
        except Problem as problem:
            lines.append(f"✗ {alert.title}: can't be told, {problem}\n  The reconciler makes the tables: see its log.")
        except requests.RequestException as error:
            return [f"✗ QuestDB does not answer ({type(error).__name__})\n  See `make status` and its log."]
        else:
            lines += [f"✗ {alert.title}: {sentence(alert, row)}\n  {alert.remedy}" for row in rows]
    return lines


def sentence(alert: Alert, row: dict[str, Any]) -> str:
    """Return what a row says."""
    return f"{row['subject']}, {row['value']:.3g} {alert.unit}"
