"""Connect becomes what the connector files say, and failed tasks are restarted."""

from __future__ import annotations

import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from confluent_kafka import Producer
from waiting import until

from operations.reconciler import connectors
from operations.reconciler.passes import CONNECTORS
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack import Stack


@pytest.fixture
def connect(reach: dict[str, str]) -> Iterator[connectors.Connect]:
    """The shared stack's Connect; what the test registers is removed after it."""
    with requests.Session() as session:
        found = connectors.Connect(session, reach["CONNECT_URL"])
        before = found.connectors().keys()
        yield found
        for name in found.connectors().keys() - before:
            found.delete(name)


def spare(**changes: str) -> connectors.Config:
    """Return a copy of the iot_data connector under another name; one bad record stops it."""
    config = connectors.read(CONNECTORS)["iot_data"] | {"name": "spare", "errors.tolerance": "none"}
    config = {key: value for key, value in config.items() if "deadletterqueue" not in key}
    return config | changes


class Files:
    """A folder of connector files, applied pass after pass; those of the shipped connectors are in it."""

    def __init__(self, connect: connectors.Connect, folder: Path) -> None:
        """Begin as a reconciler that has just started."""
        self.now = 100.0
        self.folder = folder
        shutil.copytree(CONNECTORS, folder, dirs_exist_ok=True)
        self.kept = connectors.Connectors(connect, folder, clock=lambda: self.now)

    def write(self, config: object, name: str = "spare") -> None:
        """Replace the file of a connector by this JSON."""
        text = config if isinstance(config, str) else json.dumps(config)
        (self.folder / f"{name}.json").write_text(text, encoding="utf-8")

    def passed(self) -> list[str]:
        """Make a pass; return the problems it found."""
        self.now += 2
        return self.kept.once()

    def well(self) -> None:
        """Make passes until nothing is wrong."""
        until(lambda: not self.passed(), "as the files say", 30, lambda: str(self.passed()))


@pytest.fixture
def files(connect: connectors.Connect, tmp_path: Path) -> Files:
    """The shipped connectors' files."""
    return Files(connect, tmp_path / "connectors")


def config(connect: connectors.Connect, name: str = "spare") -> connectors.Config:
    """Return what Connect has stored."""
    found: connectors.Config = connect.connectors()[name]["info"]["config"]
    return found


def test_registered_updated_and_removed(connect: connectors.Connect, files: Files) -> None:
    files.write(spare())
    files.well()
    files.write(spare(**{"min.interval.ms": "200"}))
    files.well()
    assert config(connect)["min.interval.ms"] == "200"
    (files.folder / "spare.json").unlink()
    assert files.passed() == []
    assert "spare" in connect.connectors(), "an editor may be replacing the file"
    files.well()
    until(lambda: "spare" not in connect.connectors(), "removed", 10)


def test_connector_registered_by_hand_is_left_alone(connect: connectors.Connect, files: Files) -> None:
    by_hand = {key: value for key, value in spare().items() if key not in connectors.MARK}
    connect.put("spare", by_hand)
    until(lambda: "spare" in connect.connectors(), "registered", 10)
    for _ in range(3):
        files.well()
    assert "spare" in connect.connectors()


@pytest.mark.parametrize("damage", ["{", "[]", "gone"])
def test_a_connector_whose_file_or_folder_cannot_be_read_goes_on(
    connect: connectors.Connect, files: Files, damage: str
) -> None:
    files.write(spare())
    files.well()
    if damage == "gone":
        shutil.rmtree(files.folder)
    else:
        files.write(damage)
    for _ in range(3):
        (sentence,) = files.passed()
        assert f"connectors{'' if damage == 'gone' else '/spare.json'}" in sentence
    assert "spare" in connect.connectors()


def unquoted(value: str) -> object:
    """Return a value as JSON has it without quotes, where it can be."""
    return {"true": True, "false": False, "-1": -1, "1": 1}.get(value, value)


@pytest.mark.parametrize("form", ["flat", "as posted"])
def test_values_without_quotes_are_registered_once(connect: connectors.Connect, files: Files, form: str) -> None:
    """Connect keeps text; a connector that is registered again restarts, and its offsets' topic grows."""
    settings: dict[str, object] = {key: unquoted(value) for key, value in spare().items()}
    settings |= {"errors.deadletterqueue.topic.replication.factor": -1, "timestamp.units": None, "include.key": False}
    files.write(settings if form == "flat" else {"name": "another", "config": settings})
    puts = []
    put, connect.put = connect.put, lambda name, config: puts.append(name) or put(name, config)  # type: ignore[method-assign, func-returns-value]
    files.kept.once()
    until(lambda: "spare" in connect.connectors(), "registered", 30)
    files.well()
    for _ in range(5):
        assert files.passed() == []
    assert puts == ["spare"]
    assert (config(connect)["tasks.max"], config(connect)["include.key"]) == ("1", "false")


def test_a_number_is_kept_as_it_was_written(tmp_path: Path) -> None:
    numbers = '{"connector.class": "x", "a": 1.0, "b": 1e3, "c": 123456789012345678901234567890, "d": 0.10}'
    (tmp_path / "x.json").write_text(numbers, encoding="utf-8")
    found = connectors.read(tmp_path)["x"]
    assert [found[key] for key in "abcd"] == ["1.0", "1e3", "123456789012345678901234567890", "0.10"]


def test_what_connect_refuses_is_named_with_its_file_and_tried_less_and_less_often(
    connect: connectors.Connect, files: Files
) -> None:
    puts = []
    put, connect.put = connect.put, lambda name, config: puts.append(name) or put(name, config)  # type: ignore[method-assign, func-returns-value]
    files.write(spare(**{"min.interval.ms": "soon"}))
    for _ in range(60):
        (sentence,) = files.passed()
        assert re.match(r"connectors/spare\.json: .*min\.interval\.ms", sentence)
    assert len(puts) <= 7, "1, 2, 4, … 60 seconds apart"
    files.write(spare())
    files.well()


def test_a_connector_waits_for_its_own_topic_and_table_only(connect: connectors.Connect, files: Files) -> None:
    files.kept = connectors.Connectors(
        connect,
        files.folder,
        lambda config: "topic iot_data is not as its file says" if "iot_data" in connectors.topics(config) else "",
        lambda: files.now,
    )
    connect.delete("github_polls")
    files.write(spare())
    until(
        lambda: files.passed() == [f"connectors/spare.json: it waits: {WAITS}"],
        "registered",
        30,
        lambda: str(files.passed()),
    )
    assert {"github_polls", "iot_data"} <= connect.connectors().keys()


WAITS = "topic iot_data is not as its file says"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"table": "t"}, ["t"]),
        ({}, ["a", "b"]),
        ({"table": "x_${topic}"}, ["x_a", "x_b"]),
        ({"table": "x_${key}"}, []),
        ({"transforms": "route"}, []),
        ({"transforms": "route", "table": "t"}, ["t"]),
        ({"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector"}, []),
        ({"topics": "", "topics.regex": "a.*"}, []),
    ],
)
def test_tables_that_a_sink_writes_to(changes: dict[str, str], expected: list[str]) -> None:
    sink = {"connector.class": "io.questdb.kafka.QuestDBSinkConnector", "topics": "a, b"}
    assert connectors.tables(sink | changes) == expected


def test_a_web_servers_own_page_becomes_a_sentence() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server, requests.Session() as session:
        threading.Thread(target=server.handle_request, daemon=True).start()  # it can't GET, and says so in HTML
        connect = connectors.Connect(session, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(Problem, match=r"^Connect refuses GET /connectors\S*: 501 Error response [^<>\n]+$"):
            connect.connectors()


def test_failed_task_is_restarted_less_and_less_often(
    connect: connectors.Connect, files: Files, reach: dict[str, str], alone: Stack
) -> None:
    files.write(spare(**{"consumer.override.auto.offset.reset": "latest"}))
    files.well()
    producer = Producer({"bootstrap.servers": reach["KAFKA_BOOTSTRAP_SERVERS"]})

    def poisoned() -> bool:
        producer.produce("iot_data", b"poison")
        producer.flush(10)
        return failed()

    def failed() -> bool:
        return "FAILED" in (connectors.failed(connect.connectors()["spare"]["status"]) or "")

    until(poisoned, "task FAILED", 30, lambda: alone.log("kafka-connect"))
    restarts = []
    for second in range(40):
        files.now = 1000.0 + second
        until(poisoned, "task FAILED again", 30)
        before = files.kept.restarts
        assert "connector spare: task 0 is FAILED" in files.kept.once()[0]
        if files.kept.restarts > before:
            restarts.append(second)
            until(lambda: not failed(), "restarted", 30, lambda: json.dumps(connect.connectors()))
    assert restarts == [0, 1, 3, 7, 15, 31]


def test_a_stopped_connector_is_resumed_after_a_while_and_a_paused_one_is_not(
    connect: connectors.Connect, files: Files
) -> None:
    """One that a command stopped to change offsets, and was killed before it resumed it."""

    def states(state: str) -> bool:
        status = connect.connectors()["spare"]["status"]
        return bool(status["connector"]["state"] == state and all(task["state"] == state for task in status["tasks"]))

    files.write(spare())
    files.well()
    connect.stop("spare")
    until(lambda: states("STOPPED"), "stopped", 30)
    (sentence,) = files.passed()
    assert "connector spare: connector is STOPPED. It is resumed 2 minutes after its stop" in sentence
    files.now += 110
    assert files.passed() == [sentence]
    assert states("STOPPED")
    files.now += 10
    files.passed()
    files.well()
    connect.pause("spare")
    until(lambda: states("PAUSED"), "paused", 30)
    assert files.passed() == ["connector spare: connector is PAUSED"]
    files.now += 1000
    assert files.passed() == ["connector spare: connector is PAUSED"]
    assert states("PAUSED")
    connect.resume("spare")
    files.well()
