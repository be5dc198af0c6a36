"""What producers send fits the schema of its messages, the columns of its table and the key that tells rows apart."""

from __future__ import annotations

import io
import json
import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import fastavro
import pytest
from producers.command import names, source
from producers.pace import TargetError
from producers.target import SCHEMAS

from operations.local.settings import ROOT
from operations.reconciler import connectors, optional, tables

if TYPE_CHECKING:
    from producers.record import Record

    from operations.reconciler.connectors import Config
    from operations.reconciler.sql import Statement

START_US, RATE, COUNT = 1_800_000_000_000_000, 1000.0, 5_000

every_dataset = pytest.mark.parametrize("name", names())


@cache
def records(name: str, seed: int = 1) -> list[Record]:
    return list(islice(source(name)(START_US, RATE, seed), COUNT))


def statements(name: str) -> dict[str, Statement]:
    return tables.wanted(ROOT / "questdb" / optional.OPTIONAL / name).strict()


def columns(statement: Statement) -> set[str]:
    body = statement.sql.partition("(\n")[2].partition("\n)")[0]
    return {line.split()[0] for line in body.splitlines()}


def keys(statement: Statement) -> list[str]:
    (found,) = re.findall(r"DEDUP UPSERT KEYS\(([^)]*)\)", statement.sql)
    return [name.strip() for name in found.split(",")]


def configs(name: str) -> dict[str, Config]:
    return connectors.wanted(ROOT / "kafka-connect-plugins" / optional.OPTIONAL / name).strict()


def test_each_optional_dataset_has_a_source() -> None:
    assert set(optional.known()) == set(names())


@every_dataset
def test_the_same_seed_makes_the_same_records(name: str) -> None:
    again = list(islice(source(name)(START_US, RATE, 1), 500))
    assert again == records(name)[:500]
    assert again != records(name, 2)[:500]


@every_dataset
def test_each_message_is_as_its_schema_says_and_comes_back(name: str) -> None:
    schemas = {path.stem: fastavro.parse_schema(json.loads(path.read_text("utf-8"))) for path in SCHEMAS.glob("*.avsc")}
    for record in records(name)[:1_000]:
        if record.schema:
            buffer = io.BytesIO()
            fastavro.schemaless_writer(buffer, schemas[record.schema], record.value, strict=True)
        else:
            assert json.loads(json.dumps(record.value)) == record.value


@every_dataset
def test_each_field_has_a_column(name: str) -> None:
    by_topic = {config["topics"]: config for config in configs(name).values()}
    for topic in {record.topic for record in records(name)}:
        fields = {field for record in records(name) if record.topic == topic for field in record.value}
        table = columns(statements(name)[by_topic[topic]["table"]])
        assert fields - {by_topic[topic]["timestamp.field.name"]} - table == set()


@every_dataset
def test_each_record_has_a_key_of_its_own(name: str) -> None:
    for table, statement in statements(name).items():
        rows = [record.value for record in records(name) if record.topic == table]
        if rows:
            config = configs(name)[table]
            named = [config["timestamp.field.name"] if key == "timestamp" else key for key in keys(statement)]
            assert len({tuple(row.get(key) for key in named) for row in rows}) == len(rows), table


def test_each_hour_of_weather_comes_before_its_flights() -> None:
    known: dict[str, str] = {}
    without = 0
    flights = 0
    for record in records("flights"):
        if record.topic == "flights":
            flights += 1
            without += known.get(record.key, "")[:13] != record.value["scheduled"][:13]
        else:
            known[record.key] = record.value["observed"]
    assert flights > COUNT / 2
    assert without < flights / 50, "an airport has not reported each hour"


def test_a_machine_that_is_down_sends_its_state_only() -> None:
    state: dict[str, str] = {}
    seen, sent_while_down = set(), set()
    for record in records("plant"):
        machine, tag = record.value["machine"], record.value["tag"]
        if tag == "state":
            state[machine] = record.value["text"]
            seen.add(state[machine])
        elif state.get(machine) == "down":
            sent_while_down.add(tag)
        assert (record.value["value"] is None) != (record.value["text"] is None)
    assert seen == {"running", "idle", "down"}
    assert not sent_while_down


def test_a_producer_without_the_package_of_its_data_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.sources.flights.PACKAGE", "not_installed")
    with pytest.raises(TargetError, match="the package not_installed is missing: `make produce-dataset NAME=flights`"):
        next(source("flights")(START_US, RATE, 1))


def test_fills_of_one_order_share_all_but_their_ids() -> None:
    fills = [record.value for record in records("trades") if record.topic == "trades"]
    assert len({(fill["timestamp"], fill["symbol"], fill["side"]) for fill in fills}) < len(fills)
