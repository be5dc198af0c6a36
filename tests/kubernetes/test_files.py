"""The cluster gets the very files that Docker Compose mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from manifests import of_kind, values

from operations.local.settings import ROOT
from operations.reconciler import topics

if TYPE_CHECKING:
    from pathlib import Path

    from manifests import Object, Objects

# ConfigMap: the files it holds.
FILES = {
    "alerting": "dashboard/grafana/provisioning/alerting/*",
    "connectors": "kafka-connect-plugins/connectors/*",
    "dashboard-providers": "dashboard/grafana/provisioning/dashboards/*",
    "dashboards": "dashboard/grafana/dashboards/*",
    "datasources": "dashboard/grafana/provisioning/datasources/*",
    "jolokia-access": "monitoring/kafka-agent/*",
    "questdb-healthy": "operations/docker/questdb-healthy.sh",
    "schema": "questdb/schema/*",
    "simulator": "ingestion/simulator/*.py",
    "telegraf": "monitoring/telegraf/telegraf*.conf",
    "topics": "kafka/topics/*",
}
LARGEST = 2**20  # bytes that Kubernetes takes in one ConfigMap


def config_map(objects: Objects, name: str) -> Object:
    """Return the ConfigMap of that name, less the hash that ends it."""
    maps = {full.rpartition("-")[0]: found for full, found in of_kind(objects, "ConfigMap").items()}
    return maps[name]


@pytest.mark.parametrize("name", FILES)
def test_config_map_holds_the_files_of_its_folder_and_no_other(rendered: dict[str, Objects], name: str) -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob(FILES[name])}
    assert config_map(rendered["simulator"], name)["data"] == files


@pytest.mark.parametrize(("name", "folder"), [("questdb", "questdb"), ("grafana", "dashboard/grafana")])
def test_a_part_gets_the_settings_of_its_file(objects: Objects, name: str, folder: str) -> None:
    assert config_map(objects, name)["data"] == dotenv_values(ROOT / folder / "server.env")


def test_no_config_map_is_too_large(objects: Objects) -> None:
    sizes = {name: len(str(found["data"]).encode()) for name, found in of_kind(objects, "ConfigMap").items()}
    assert {name: size for name, size in sizes.items() if size > LARGEST * 0.9} == {}


def test_what_is_mounted_or_named_exists(objects: Objects) -> None:
    named = {reference["name"] for key in ("configMap", "configMapRef") for reference in values(objects, key)}
    assert named == set(of_kind(objects, "ConfigMap"))
    claims = {claim["claimName"] for claim in values(objects, "persistentVolumeClaim")}
    assert claims == set(of_kind(objects, "PersistentVolumeClaim"))


def test_reconciler_reads_a_mounted_config_map(tmp_path: Path) -> None:
    # Each file is a link into a folder that is replaced as a whole.
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "github_events.properties").write_text("partitions=1\n", encoding="utf-8")
    (tmp_path / "github_events.properties").symlink_to("..data/github_events.properties")
    assert topics.wanted(tmp_path).strict()["github_events"].partitions == 1
