"""The preview draws every panel from the dashboards' own JSON and SQL."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from questdb_server import ROOT

from dashboard.grafana import panels, preview

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    from dashboard_rows import Rows
    from questdb_server import Server

FILES = sorted((ROOT / "dashboard" / "grafana" / "dashboards").glob("*.json"))
FILLED = [file for file in FILES if (ROOT / "questdb" / "schema" / f"{file.stem}.sql").exists()]


@pytest.mark.parametrize("file", FILLED, ids=lambda file: file.stem)
def test_every_panel_is_drawn_with_data(reader: psycopg.Connection[Any], rows: Rows, file: Path) -> None:
    dashboard = panels.load(file)
    times = panels.default_range(dashboard, datetime.fromtimestamp(rows.now, timezone.utc))
    for panel in panels.panels(dashboard):
        assert panel.kind in preview.DRAWINGS, panel.title
        assert preview.figure(panel, preview.fetch(reader, panel, times)).data, panel.title


def test_a_series_is_drawn_with_its_values(reader: psycopg.Connection[Any], rows: Rows) -> None:
    dashboard = panels.load(ROOT / "dashboard" / "grafana" / "dashboards" / "github_events.json")
    panel = next(panel for panel in panels.panels(dashboard) if panel.title == "Events over time by type")
    times = panels.TimeRange.parse("now-1h", "now", datetime.fromtimestamp(rows.now, timezone.utc))
    (result,) = preview.fetch(reader, panel, times)
    drawn = preview.figure(panel, [result])
    assert {trace.name for trace in drawn.data} == {event.type for event in rows.events}
    assert sum(sum(trace.y) for trace in drawn.data) == sum(result.column("events"))


def test_the_page_holds_all_panels_and_needs_no_network(
    filled: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "preview.html"
    monkeypatch.setenv("QUESTDB_PG_PORT", str(filled.pg))
    monkeypatch.setattr("sys.argv", ["preview", "--from", "now-6h", "--out", str(page)])
    preview.main()
    text = page.read_text(encoding="utf-8")
    for file in FILES:
        for panel in panels.panels(panels.load(file)):
            assert f"<h2>{panel.title}</h2>" in text
    assert '<div class="error">' not in text
    assert '<script src="' not in text


def test_a_query_that_fails_is_shown_in_its_panel(reader: psycopg.Connection[Any], rows: Rows) -> None:
    dashboard = panels.load(FILES[0])
    dashboard["panels"][0]["targets"][0]["rawSql"] = "SELECT no_such_column FROM github_events LIMIT 1"
    times = panels.default_range(dashboard, datetime.fromtimestamp(rows.now, timezone.utc))
    text = preview.write(dashboard, reader, times)
    assert text.count('<div class="error">') == 1
    assert "no_such_column" in text
