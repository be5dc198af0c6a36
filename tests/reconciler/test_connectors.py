"""Connect becomes what the connector files say, and failed tasks are restarted."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from confluent_kafka import Producer
from waiting import until

from operations.reconciler import connectors
from operations.reconciler.backoff import Backoff
from operations.reconciler.passes import CONNECTORS
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack import Stack


@pytest.fixture
def connect(stack: Stack) -> Iterator[connectors.Connect]:
    """The shared stack's Connect; what the test registers is removed after it."""
    with requests.Session() as session:
        found = connectors.Connect(session, stack.settings.connect_url)
        before = found.connectors().keys()
        yield found
        for name in found.connectors().keys() - before:
            found.delete(name)


def spare(**changes: str) -> connectors.Config:
    """Return a copy of the iot_data connector under another name; one bad record stops it."""
    config = connectors.read(CONNECTORS)["iot_data"] | {"name": "spare", "errors.tolerance": "none"}
    config = {key: value for key, value in config.items() if "deadletterqueue" not in key}
    return config | changes


def test_registered_updated_and_removed(connect: connectors.Connect) -> None:
    files = connectors.read(CONNECTORS)
    connectors.apply(connect, files | {"spare": spare()})
    until(lambda: not connectors.missing(connect, {"spare": spare()}), "registered", 10)
    changed = spare(**{"min.interval.ms": "200"})
    assert connectors.missing(connect, {"spare": changed}) == ["spare"]
    connectors.apply(connect, files | {"spare": changed})
    until(lambda: not connectors.missing(connect, {"spare": changed}), "updated", 10)
    connectors.apply(connect, files)
    until(lambda: "spare" not in connect.connectors(), "removed", 10)


def test_connector_registered_by_hand_is_left_alone(connect: connectors.Connect) -> None:
    by_hand = {key: value for key, value in spare().items() if key not in connectors.MARK}
    connect.put("spare", by_hand)
    until(lambda: "spare" in connect.connectors(), "registered", 10)
    connectors.apply(connect, connectors.read(CONNECTORS))
    assert "spare" in connect.connectors()


def test_refused_setting_is_named_with_its_file(connect: connectors.Connect) -> None:
    wanted = connectors.read(CONNECTORS) | {"spare": spare(**{"min.interval.ms": "soon"})}
    with pytest.raises(Problem, match=r"connectors/spare\.json: .*min\.interval\.ms"):
        connectors.apply(connect, wanted)


def test_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(Problem, match=r"connectors/broken\.json is not JSON"):
        connectors.read(tmp_path)


def test_a_web_servers_own_page_becomes_a_sentence() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server, requests.Session() as session:
        threading.Thread(target=server.handle_request, daemon=True).start()  # it can't GET, and says so in HTML
        connect = connectors.Connect(session, f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(Problem, match=r"^Connect refuses GET /connectors\S*: 501 Error response [^<>\n]+$"):
            connect.connectors()


def test_failed_task_is_restarted_less_and_less_often(connect: connectors.Connect, stack: Stack) -> None:
    wanted = {"spare": spare(**{"consumer.override.auto.offset.reset": "latest"})}
    connect.put("spare", wanted["spare"])
    until(lambda: "spare" in connect.connectors(), "registered", 10)
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})

    def poisoned() -> bool:
        producer.produce("iot_data", b"poison")
        producer.flush(10)
        return failed()

    def failed() -> bool:
        return "FAILED" in (connectors.failed(connect.connectors()["spare"]["status"]) or "")

    until(poisoned, "task FAILED", 30, lambda: stack.log("kafka-connect"))
    now = 100.0
    watch = connectors.Watch(Backoff(clock=lambda: now))
    restarts = []
    for second in range(40):
        now = 100.0 + second
        until(poisoned, "task FAILED again", 30)
        before = watch.restarts
        assert "task 0 is FAILED" in watch.check(connect, wanted)[0]
        if watch.restarts > before:
            restarts.append(second)
            until(lambda: not failed(), "restarted", 30, lambda: json.dumps(connect.connectors()))
    assert restarts == [0, 1, 3, 7, 15, 31]
