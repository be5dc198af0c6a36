"""Panels drawn for a notebook, and the page that `make preview` writes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from questdb_server import ROOT

from dashboard.drawing.drawings import KINDS
from dashboard.grafana import panels, preview

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    from dashboard_rows import Rows

FILES = sorted((ROOT / "dashboard" / "grafana" / "dashboards").glob("*.json"))
FILLED = [file for file in FILES if (ROOT / "questdb" / "schema" / f"{file.stem}.sql").exists()]


@pytest.mark.parametrize("file", FILLED, ids=lambda file: file.stem)
def test_every_panel_is_drawn_with_data(reader: psycopg.Connection[Any], rows: Rows, file: Path) -> None:
    dashboard = panels.load(file)
    times = panels.default_range(dashboard, datetime.fromtimestamp(rows.now, timezone.utc))
    for panel in panels.panels(dashboard):
        assert panel.kind in KINDS, panel.title
        drawn = preview.figure(panel, preview.fetch(reader, panel, times), times)
        assert drawn.data or drawn.layout.annotations, panel.title


def test_a_series_is_drawn_with_its_values(reader: psycopg.Connection[Any], rows: Rows) -> None:
    dashboard = panels.load(ROOT / "dashboard" / "grafana" / "dashboards" / "github_events.json")
    panel = next(panel for panel in panels.panels(dashboard) if panel.title == "Events a second, by type")
    times = panels.TimeRange.parse("now-1h", "now", datetime.fromtimestamp(rows.now, timezone.utc))
    (result,) = preview.fetch(reader, panel, times)
    drawn = preview.figure(panel, [result], times)
    assert {trace.name for trace in drawn.data} == {event.type for event in rows.events}
    assert sum(value or 0 for trace in drawn.data for value in trace.y) == pytest.approx(sum(result.column("rate")))


def test_a_query_that_fails_is_shown_in_its_panel(reader: psycopg.Connection[Any], rows: Rows) -> None:
    dashboard = panels.load(FILES[0])
    dashboard["panels"][0]["targets"][0]["rawSql"] = "SELECT no_such_column FROM github_events LIMIT 1"
    text = preview.page([dashboard], reader, None, datetime.fromtimestamp(rows.now, timezone.utc))
    assert text.count('{"error": ') == 1
    assert "no_such_column" in text


def test_the_page_holds_everything(reader: psycopg.Connection[Any], rows: Rows) -> None:
    now = datetime.fromtimestamp(rows.now, timezone.utc)
    text = preview.page([panels.load(file) for file in FILES], reader, "now-6h", now)
    assert '{"error": ' not in text
    assert 'src="/' not in text
    assert 'href="/public' not in text
