"""DATASETS chooses which of the optional datasets' files are read; all others are read as ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from expectations import OPTIONAL, Optional

from monitoring import alerts
from operations.local.settings import ROOT
from operations.reconciler import connectors, optional, tables, topics
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

TOPICS, SCHEMA = ROOT / "kafka" / "topics", ROOT / "questdb" / "schema"
CONNECTORS = ROOT / "kafka-connect-plugins" / "connectors"

every_dataset = pytest.mark.parametrize("dataset", OPTIONAL, ids=lambda dataset: dataset.name)


def test_each_optional_dataset_is_expected() -> None:
    assert [dataset.name for dataset in OPTIONAL] == list(optional.known())


@every_dataset
def test_a_dataset_brings_its_files_and_no_others(dataset: Optional) -> None:
    on = (dataset.name,)
    dead = {f"{topic}_dlq" for topic in dataset.topics}
    assert topics.wanted(TOPICS, on).strict().keys() - topics.wanted(TOPICS).strict().keys() == {*dataset.topics, *dead}
    assert tables.wanted(SCHEMA, on).strict().keys() - tables.wanted(SCHEMA).strict().keys() == dataset.relations
    own = connectors.wanted(CONNECTORS, on).strict().keys() - connectors.wanted(CONNECTORS).strict().keys()
    assert own == set(dataset.topics)
    board = ROOT / "dashboard" / "grafana" / optional.OPTIONAL / dataset.name / f"{dataset.name}.json"
    assert json.loads(board.read_text(encoding="utf-8"))["uid"] == dataset.dashboard


def test_alerts_of_a_dataset_that_is_off_are_not_judged() -> None:
    assert "odd_velocity" not in {alert.name for alert in alerts.read()}
    assert "odd_velocity" in {alert.name for alert in alerts.read(on=("transactions",))}


@pytest.mark.parametrize(
    ("text", "names"), [("", ()), ("trades", ("trades",)), ("trades,,trades,smart_meters", ("trades", "smart_meters"))]
)
def test_names_are_read(text: str, names: tuple[str, ...]) -> None:
    assert optional.chosen(text) == names


@pytest.mark.parametrize("text", ["trade", "trades, smart_meters", "../topics", "trades;smart_meters"])
def test_a_name_that_does_not_exist_is_told_with_those_that_do(text: str) -> None:
    with pytest.raises(
        Problem, match=r"DATASETS=.*there is no dataset .* Choose of flights,plant,smart_meters,trades,transactions"
    ):
        optional.chosen(text)


def test_only_datasets_in_avro_need_the_registry() -> None:
    assert [name for name in optional.known() if optional.need_registry([name])] == ["smart_meters", "trades"]
    assert not optional.need_registry([])


def test_an_editors_leftovers_are_no_datasets(tmp_path: Path) -> None:
    for name in (".git", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").touch()
    assert optional.known(tmp_path) == ("mine",)
    assert optional.known(tmp_path / "missing") == ()


def test_each_dataset_has_a_notebook() -> None:
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert {each["metadata"]["rta"].get("dataset") for each in notebooks} - {None} == set(optional.known())
