"""The dashboards' JSON and their provisioning."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from questdb_server import ROOT

import dashboard.source.optional as boards
from dashboard.grafana import panels
from dashboard.source.__main__ import texts
from operations.reconciler import optional

if TYPE_CHECKING:
    from pathlib import Path

GRAFANA = ROOT / "dashboard" / "grafana"
OPTIONAL = sorted((GRAFANA / optional.OPTIONAL).glob("*/*.json"))
FILES = [*sorted((GRAFANA / "dashboards").glob("*.json")), *OPTIONAL]
KNOWN = {
    "github_events": ("github-events-questdb", "github-events-dashboard", "5s"),
    "iot_data": ("qdb-iot-demo", "device-data", "5s"),
}
DATASOURCE = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "questdb.yaml").read_text())["datasources"][0]

each_dashboard = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def models(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that show data."""
    return [panel.model for panel in panels.panels(dashboard) if panel.kind != "text"]


def test_the_files_are_up_to_date() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in FILES}
    for wanted in (texts(), texts(boards)):
        assert {name: written.get(name) for name in wanted} == wanted, "run `make dashboards`"


def test_each_optional_dataset_has_a_dashboard_and_each_uid_is_there_once() -> None:
    assert {file.parent.name for file in OPTIONAL} == set(optional.known())
    assert set(Counter(panels.load(file)["uid"] for file in FILES).values()) == {1}


@each_dashboard
def test_grafanas_own_model_reads_and_writes_it_unchanged(file: Path) -> None:
    register_default_plugins()
    dashboard = panels.load(file)
    # It has no model of an annotation that asks the PostgreSQL data source.
    ours = [each for each in dashboard["annotations"]["list"] if "target" in each]
    assert all({"time", "timeend", "text"} <= set(re.findall(r"AS (\w+)", each["target"]["rawSql"])) for each in ours)
    dashboard["annotations"]["list"] = [each for each in dashboard["annotations"]["list"] if each not in ours]
    assert json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder)) == dashboard


@pytest.mark.parametrize("name", KNOWN)
def test_addresses_that_users_know(name: str) -> None:
    dashboard = panels.load(GRAFANA / "dashboards" / f"{name}.json")
    slug = re.sub(r"[^a-z0-9]+", "-", dashboard["title"].lower())
    assert (dashboard["uid"], slug, dashboard["refresh"]) == KNOWN[name]


@each_dashboard
def test_it_reads_the_provisioned_data_source(file: Path) -> None:
    ours = {"type": DATASOURCE["type"], "uid": DATASOURCE["uid"]}
    for model in models(panels.load(file)):
        assert model["datasource"] == ours
        for target in model["targets"]:
            assert target["datasource"] == ours
            assert (target["rawQuery"], target["editorMode"]) == (True, "code")


@each_dashboard
def test_panels_say_what_they_show(file: Path) -> None:
    dashboard = panels.load(file)
    for model in models(dashboard):
        assert model["title"]
        assert model["description"].endswith(".")
        assert model["fieldConfig"]["defaults"]["unit"]
        assert model["interval"] in {"1s", "10s", "2m", "1h"}, "shorter buckets have a unit that QuestDB does not know"
    titles = Counter(model["title"] for model in dashboard["panels"])
    assert set(titles.values()) == {1}
    assert len({model["id"] for model in dashboard["panels"]}) == len(dashboard["panels"])


@each_dashboard
def test_panels_fill_the_width_and_do_not_overlap(file: Path) -> None:
    places = [model["gridPos"] for model in panels.load(file)["panels"]]
    cells = [{(p["x"] + i, p["y"] + j) for i in range(p["w"]) for j in range(p["h"])} for p in places]
    assert not [pair for pair in combinations(range(len(cells)), 2) if cells[pair[0]] & cells[pair[1]]]
    height = max(p["y"] + p["h"] for p in places)
    assert set().union(*cells) == {(x, y) for x in range(24) for y in range(height)}


def test_the_data_source_is_read_only_and_holds_no_secret() -> None:
    assert DATASOURCE["user"] == "$QUESTDB_READONLY_USER"
    assert DATASOURCE["secureJsonData"] == {"password": "$QUESTDB_READONLY_PASSWORD"}
    assert DATASOURCE["url"] == "$QUESTDB_PG_HOST:$QUESTDB_PG_PORT"
    assert DATASOURCE["editable"] is False
    assert DATASOURCE["jsonData"]["maxOpenConns"] <= 32, "QuestDB takes 64 connections, and others want some"


def test_dashboards_are_protected() -> None:
    own, chosen = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "dashboards.yaml").read_text())["providers"]
    assert (own["allowUiUpdates"], chosen["allowUiUpdates"]) == (False, False)
    # A dataset that is switched off takes its dashboard away.
    assert (own["disableDeletion"], chosen["disableDeletion"]) == (True, False)


def test_every_dataset_with_a_view_has_a_dashboard() -> None:
    schemas = {
        path.stem for path in (ROOT / "questdb" / "schema").glob("*.sql") if "MATERIALIZED VIEW" in path.read_text()
    }
    assert schemas <= {file.stem for file in FILES}
