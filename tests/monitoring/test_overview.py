"""The dashboard "Stack overview" shows data in every panel, of a stack that has just been started."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from expectations import OTHER_DASHBOARDS, OTHER_TABLES
from waiting import until

from dashboard.grafana import panels, preview
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

DASHBOARD = panels.load(ROOT / "dashboard" / "grafana" / "dashboards" / "stack.json")
PANELS = {panel.title: panel for panel in panels.panels(DASHBOARD)}


@pytest.fixture(scope="module")
def reader(stack: Stack, telegraf: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the shared stack as Grafana opens it."""
    assert telegraf
    stack.healthy()
    settings, chosen = stack.settings, stack.settings.chosen
    user, password = chosen["QUESTDB_READONLY_USER"], chosen["QUESTDB_READONLY_PASSWORD"]
    address = f"host={settings.host} port={settings.ports.questdb_pg} dbname=qdb sslmode=disable"
    with psycopg.connect(address, user=user, password=password, autocommit=True) as connection:
        yield connection


def numbers(reader: psycopg.Connection[Any], panel: panels.Panel) -> list[float]:
    """Return the numbers that a panel shows of the last five minutes."""
    now = datetime.now(timezone.utc)
    (result,) = preview.fetch(reader, panel, panels.TimeRange(now - timedelta(minutes=5), now))
    return [cell for row in result.rows for cell in row if isinstance(cell, (int, float))]


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_has_data(stack: Stack, reader: psycopg.Connection[Any], title: str) -> None:
    shown = until(lambda: numbers(reader, PANELS[title]), f"data in {title}", 60, lambda: stack.log("telegraf"))
    assert [number for number in shown if not number >= 0] == [], "a counter that starts anew is no negative rate"


def test_links_name_the_dashboard() -> None:
    assert DASHBOARD["uid"] == OTHER_DASHBOARDS["stack"]


def test_every_table_is_shown() -> None:
    text = " ".join(sql for panel in PANELS.values() for _, sql in panel.queries)
    written = {table for table, writer in OTHER_TABLES.items() if writer == "telegraf"}
    assert set(re.findall(r"\bstack_\w+", text)) == written


def test_a_rate_survives_the_restart_of_its_counter(stack: Stack, reader: psycopg.Connection[Any]) -> None:
    panel = PANELS["Rows stored a second, by connector"]
    stack.kill("kafka-connect")
    stack.healthy("kafka-connect", "reconciler")
    change = "rows_total - lag(rows_total) OVER (PARTITION BY connector ORDER BY timestamp)"
    fell = f"SELECT 1 FROM (SELECT {change} AS change FROM stack_sinks) WHERE change < 0"
    until(lambda: stack.sql(fell), "a counter that starts anew", 60, lambda: stack.log("telegraf"))
    assert min(numbers(reader, panel)) >= 0
