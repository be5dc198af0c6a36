"""All optional datasets on one stack: what producers send is stored once; dashboards and alerts answer; outages lose nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import chromium
import psycopg
import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from dashboard_page import opened
from expectations import OPTIONAL, Optional, optional
from producers.target import COMPATIBLE, SCHEMAS
from stack import Stack
from waiting import until

from dashboard.grafana import panels
from dashboard.grafana.panels import TimeRange
from monitoring import check
from operations.local import doctor
from operations.local.environment import render
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]
every_dataset = pytest.mark.parametrize("dataset", OPTIONAL, ids=lambda dataset: dataset.name)
STORED = 90.0  # seconds until all is stored; mostly far less
NOTEBOOKS = [
    path
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    if "dataset" in json.loads(path.read_text(encoding="utf-8"))["metadata"]["rta"]
]
JARS = ("kafka-connect-plugins/avro-converter/target/plugin/avro-converter/*", ".local/jars/kafka/*")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack with all optional datasets."""
    with Stack(DATASETS=",".join(dataset.name for dataset in OPTIONAL)) as started:
        yield started.up()


def producing(stack: Stack, name: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "ingestion/producers", name, *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=render(stack.settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def produce(stack: Stack, name: str, *arguments: str) -> str:
    process = producing(stack, name, *arguments)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return said


def sent(stack: Stack, topic: str) -> int:
    """Return how many messages a topic has."""
    consumer = Consumer({**stack.settings.kafka, "group.id": "test"})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)[1])
    finally:
        consumer.close()


def all_stored(stack: Stack, dataset: Optional, seconds: float = STORED) -> None:
    """Wait until each message is a row, and see that none is a dead letter or a second row."""
    for topic in dataset.topics:
        wanted = sent(stack, topic)
        count = partial(stack.count, topic)
        until(
            lambda count=count, wanted=wanted: count() >= wanted,  # type: ignore[misc]
            f"{wanted} rows of {topic}",
            seconds,
            lambda count=count: f"{count()} rows\n{stack.log('kafka-connect')}",  # type: ignore[misc]
        )
        assert (stack.count(topic), sent(stack, f"{topic}_dlq")) == (wanted, 0)


@every_dataset
def test_what_a_producer_sends_is_stored(stack: Stack, dataset: Optional) -> None:
    said = produce(stack, dataset.name, "--rate", "2000", "--total", "6000")
    assert "6,000 records" in said
    all_stored(stack, dataset)
    assert sum(sent(stack, topic) for topic in dataset.topics) == 6000


@every_dataset
def test_tables_views_and_connectors_are_there(stack: Stack, dataset: Optional) -> None:
    assert dataset.relations <= {name for (name,) in stack.sql("SELECT table_name FROM tables()")}
    for topic in dataset.topics:
        status = stack.connector(topic)
        assert [status["connector"]["state"], *(task["state"] for task in status["tasks"])] == ["RUNNING", "RUNNING"]


@every_dataset
def test_every_panel_shows_something(stack: Stack, dataset: Optional) -> None:
    # Long enough for a correlation over 30 intervals; not --fast, whose times might be those of rows that are there.
    produce(stack, dataset.name, "--rate", "100", "--total", "4000", "--seed", "3")
    all_stored(stack, dataset)
    url = f"http://{stack.settings.host}:{stack.settings.ports.grafana}/api/boards/{dataset.dashboard}"
    titles = {each["title"] for each in requests.get(url, timeout=30).json()["panels"]}
    file = ROOT / "dashboard" / "grafana" / "optional" / dataset.name / f"{dataset.name}.json"
    settings = stack.settings
    address: dict[str, Any] = {"host": settings.host, "port": settings.ports.questdb_pg, "dbname": "qdb"}
    user, password = (settings.chosen[f"QUESTDB_READONLY_{what}"] for what in ("USER", "PASSWORD"))
    with psycopg.connect(**address, user=user, password=password, autocommit=True) as reader:
        for panel in panels.panels(panels.load(file)):
            times = TimeRange.parse("now-2m", "now", datetime.now(timezone.utc))
            ((_, sql),) = panel.expanded(times)
            _, rows = panels.run(reader, sql)
            assert rows or panel.title == "Silent meters", f"{panel.title}\n{sql}"
            assert any(value is not None for row in rows for value in row[-1:]) or not rows, panel.title
            assert panel.title in titles


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """The browser of all tests here."""
    with chromium.opened() as chrome:
        yield chrome


@every_dataset
def test_a_browser_draws_every_panel(stack: Stack, browser: Chrome, dataset: Optional) -> None:
    file = ROOT / "dashboard" / "grafana" / "optional" / dataset.name / f"{dataset.name}.json"
    url = f"http://{stack.settings.host}:{stack.settings.ports.grafana}"
    opened(browser, url, panels.load(file), "from=now-15m&to=now")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_twice(stack: Stack, notebooks_python: Path, tmp_path: Path, path: Path) -> None:
    command = [notebooks_python, ROOT / "tests/notebook_run.py", path, "test", tmp_path / "done.ipynb", "2"]
    environment = render(stack.settings)
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{path.name}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("target", ["questdb", "kafka"])
def test_machines_of_a_plant_send_with_and_without_kafka(stack: Stack, notebooks_python: Path, target: str) -> None:
    day = datetime.now(timezone.utc) - timedelta(days={"questdb": 3, "kafka": 4}[target])
    command = [str(notebooks_python), "ingestion/iot/iot_data.py", "--kind", "plant", "--to", target, "--fast"]
    command += ["--total", "2000", "--start", f"{day:%Y-%m-%d}T00:00:00Z"]
    done = subprocess.run(command, cwd=ROOT, env=render(stack.settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sql = f"SELECT count() FROM plant WHERE timestamp IN '{day:%Y-%m-%d}'"
    until(lambda: stack.sql(sql) == [[2000]], "all values of the plant", 30, lambda: stack.log("kafka-connect"))


def test_order_books_are_arrays(stack: Stack) -> None:
    levels = "bid_prices[1] > bid_prices[2] AND ask_prices[1] < ask_prices[5] AND ask_prices[1] > bid_prices[1]"
    (row,) = stack.sql(f"SELECT count(), sum(CASE WHEN {levels} THEN 1 ELSE 0 END) FROM quotes")
    assert row[0] == row[1] > 0
    # Avro 1.12.0 kept half of the digits only: a price of 2.1998 became 2.1998000144958496. QuestDB's round can't tell: it makes
    # 141.94999 of 141.95.
    books = stack.sql("SELECT bid_prices, ask_prices FROM quotes LIMIT 1000")
    assert [price for sides in books for side in sides for price in side if price != round(price, 5)] == []


@pytest.mark.parametrize(("view", "step"), [("trades_ohlc_1s", "1s"), ("trades_ohlc_1m", "1m")])
def test_candles_are_what_the_trades_say(stack: Stack, view: str, step: str) -> None:
    columns = "count(), sum(trades), sum(volume), sum(high), sum(low)"
    own = "count() trades, sum(amount) volume, max(price) high, min(price) low"

    def totals(source: str) -> list[float]:
        return [round(float(value), 3) for value in stack.sql(f"SELECT {columns} FROM {source}")[0]]

    raw = f"(SELECT timestamp, symbol, {own} FROM trades SAMPLE BY {step})"
    until(lambda: totals(view) == totals(raw), f"{view} as the trades say", 30)


def test_both_versions_of_a_schema_are_stored(stack: Stack) -> None:
    rows = dict(stack.sql("SELECT coalesce(firmware, 'none') f, count() FROM smart_meters GROUP BY f"))
    assert rows["none"] > 0
    assert rows["2.0"] > 0
    url = f"{stack.settings.schema_registry_url}{COMPATIBLE}/subjects/smart_meters-value/versions"
    assert requests.get(url, timeout=30).json() == [1, 2]


def test_no_card_number_is_stored(stack: Stack) -> None:
    assert stack.sql("SELECT DISTINCT card_number FROM transactions") == [["*" * 16]]


def test_a_card_in_two_places_raises_the_alert(stack: Stack) -> None:
    produce(stack, "transactions", "--rate", "2000", "--total", "6000", "--seed", "5")
    all_stored(stack, optional("transactions"))
    found = check.report(doctor.database(stack.settings), lambda alert: alert.name == "odd_velocity", ("transactions",))
    assert found
    assert all(finding.subject.startswith("card ") for finding in found)


def test_producers_in_python_and_java_are_read_alike(stack: Stack) -> None:
    settings, schema = stack.settings, SCHEMAS / "trades.avsc"
    now, count = time.time_ns() // 1_000, 20
    python, java = now - 120_000_000, now - 60_000_000
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    trade = {"symbol": "JAVA-USD", "side": "sell", "price": 1.5, "amount": 0.25}
    with SchemaRegistryClient({"url": settings.schema_registry_url + COMPATIBLE}) as client:
        serializer = AvroSerializer(client, schema.read_text(encoding="utf-8"))
        for number in range(python, python + count):
            value = trade | {"timestamp": number, "trade_id": number}
            context = SerializationContext("trades", MessageField.VALUE)
            producer.produce("trades", serializer(value, context), "JAVA-USD")
    assert producer.flush(30) == 0
    jars = os.pathsep.join(str(ROOT / each) for each in JARS)
    command = ["java", "-cp", jars, str(ROOT / "tests/optional/AvroProducer.java"), settings.kafka_bootstrap_servers]
    command += [settings.schema_registry_url, str(schema), str(java), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    all_stored(stack, optional("trades"))
    found = [
        stack.sql(
            f"SELECT timestamp - {first}, trade_id - {first}, symbol, side, price, amount FROM trades "
            f"WHERE symbol = 'JAVA-USD' AND trade_id >= {first} AND trade_id < {first + count} ORDER BY trade_id"
        )
        for first in (python, java)
    ]
    assert len(found[0]) == count
    assert found[0] == found[1]


def test_nothing_is_lost_while_registry_connect_and_questdb_are_killed(stack: Stack) -> None:
    before = {topic: sent(stack, topic) for topic in ("trades", "quotes")}
    process = producing(stack, "trades", "--rate", "500", "--total", "20000", "--seed", "7")
    for topic, count in before.items():  # so that the producer has registered both schemas
        until(lambda topic=topic, count=count: sent(stack, topic) > count, f"the first {topic}", 60)  # type: ignore[misc]
    for name in ("schema-registry", "kafka-connect", "questdb", "schema-registry"):
        stack.killed_and_back(name)
        stack.healthy("schema-registry", "kafka-connect", "questdb")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    all_stored(stack, optional("trades"), 180)


def test_records_wait_until_the_registry_is_back(stack: Stack) -> None:
    """A task that starts meanwhile fails, which is told; none of its records is a dead letter."""
    produce(stack, "trades", "--total", "10")
    all_stored(stack, optional("trades"))
    stack.stop("kafka-connect")
    produce(stack, "trades", "--rate", "1000", "--total", "500", "--seed", "11")
    stack.stop("schema-registry")
    try:
        stack.start("kafka-connect")
        stack.healthy("kafka-connect")
        said = f"no schema from the registry at {stack.settings.schema_registry_url}/apis/registry/v2"
        until(lambda: said in stack.make("status").stdout, said, 60, lambda: stack.log("kafka-connect"))
    finally:
        stack.start("schema-registry")
        stack.healthy("schema-registry")
    all_stored(stack, optional("trades"))


def latest(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the latest version of each subject, as the registry has it."""
    url = f"{stack.settings.schema_registry_url}{COMPATIBLE}/subjects"
    return {name: requests.get(f"{url}/{name}/versions/latest", timeout=10).json() for name in SUBJECTS}


def test_a_dead_letter_in_avro_is_stored_once_its_schema_is_known(stack: Stack) -> None:
    """Its schema's number comes later, as with a registry that was moved."""
    registry, schema = stack.settings.schema_registry_url + COMPATIBLE, latest(stack)["trades-value"]["schema"]
    with SchemaRegistryClient({"url": registry}) as client:
        serializer = AvroSerializer(client, schema)
        trade = {"symbol": "LATE-USD", "side": "buy", "price": 1.5, "amount": 0.25}
        trade |= {"timestamp": time.time_ns() // 1_000, "trade_id": 1}
        written = serializer(trade, SerializationContext("trades", MessageField.VALUE))
    later = json.dumps(json.loads(schema) | {"doc": "the same, described"})
    unknown = max(version["id"] for version in latest(stack).values()) + 1
    producer = Producer(stack.settings.kafka)
    producer.produce("trades", b"\0" + unknown.to_bytes(4, "big") + written[5:])
    producer.flush()
    until(lambda: sent(stack, "trades_dlq") == 1, "the dead letter", 30, lambda: stack.log("kafka-connect"))
    answer = requests.post(f"{registry}/subjects/trades-value/versions", json={"schema": later}, timeout=10)
    assert answer.json() == {"id": unknown}
    again = stack.make("dead-letters", TOPIC="trades_dlq", RETRY="1")
    assert again.returncode == 0, again.stdout + again.stderr
    sql = "SELECT count() FROM trades WHERE symbol = 'LATE-USD'"
    until(lambda: stack.sql(sql) == [[1]], "the trade", 30, lambda: stack.log("kafka-connect"))


def test_schemas_survive_a_restart_of_the_registry(stack: Stack) -> None:
    before = latest(stack)
    stack.killed_and_back("schema-registry")
    stack.healthy("schema-registry")
    after = latest(stack)
    assert after == before
    assert all(answer["id"] for answer in before.values())


SUBJECTS = ("trades-value", "quotes-value", "smart_meters-value")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_no_page_of_others_changes_schemas(stack: Stack, content_type: str | None) -> None:
    """See tests/end_to_end/test_hostile_page.py for what a page can send."""
    hostile = {"Origin": "http://hostile.example"}
    for path, body in REGISTERING.items():
        url, kind = stack.settings.schema_registry_url + path, {"Content-Type": content_type} if content_type else {}
        answer = requests.post(url, data=json.dumps(body).encode(), headers=hostile | kind, timeout=30)
        assert answer.status_code == requests.codes.forbidden, f"{path} {answer.text}"
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        agreed = requests.options(url, headers=hostile | asked, timeout=30).headers
        assert agreed.get("Access-Control-Allow-Origin") not in {"*", hostile["Origin"]}
    subjects = requests.get(f"{stack.settings.schema_registry_url}{COMPATIBLE}/subjects", timeout=30).json()
    assert set(subjects) == set(SUBJECTS)


REGISTERING = {
    f"{COMPATIBLE}/subjects/trades-value/versions": {"schema": '"string"'},
    "/apis/registry/v2/groups/default/artifacts": {"type": "string"},  # takes any type of content
}


def test_without_the_registry_a_producer_says_so(stack: Stack) -> None:
    stack.stop("schema-registry")
    try:
        process = producing(stack, "trades", "--total", "10")
        said, _ = process.communicate()
        assert process.returncode == 1
        assert "no answer from the schema registry at" in said
        assert "Traceback" not in said
    finally:
        stack.start("schema-registry")
        stack.healthy("schema-registry")
