"""The dashboard of a dataset that was made of a sample: each panel must answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg

from dashboard.grafana import panels

if TYPE_CHECKING:
    from datetime import datetime

    from stack import Pipeline


def answers(stack: Pipeline, name: str, first: datetime, last: datetime) -> None:
    """Run the query of each panel over a range that holds the sample; fail with the title of one that shows nothing."""
    settings = stack.settings
    user, password = (settings.chosen[f"QUESTDB_READONLY_{what}"] for what in ("USER", "PASSWORD"))
    address = f"host={settings.host} port={settings.ports.questdb_pg} dbname=qdb"
    times = panels.TimeRange(first, last + timedelta(minutes=1))
    dashboard = panels.load(stack.root / "dashboard" / "grafana" / "dashboards" / f"{name}.json")
    with psycopg.connect(address, user=user, password=password, autocommit=True) as connection:
        for panel in panels.panels(dashboard):
            ((_, sql),) = panel.expanded(times)
            _, rows = panels.run(connection, sql)
            assert rows, f"{name}: {panel.title}"
