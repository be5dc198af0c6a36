"""notebooks/stack.py: where the stack is, and what is said of one that does not answer."""

from __future__ import annotations

import psycopg
import pytest
import requests
import stack
from confluent_kafka import KafkaError, KafkaException


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:9000", "http::addr=localhost:9000;"),
        ("https://db.example.com:9000/", "https::addr=db.example.com:9000;"),
    ],
)
def test_the_client_takes_the_scheme_from_the_address(monkeypatch: pytest.MonkeyPatch, url: str, expected: str) -> None:
    monkeypatch.setattr(stack, "QUESTDB", url)
    assert stack.questdb_client() == expected


def test_who_does_not_answer_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stack.POSTGRES, "port", 1)
    monkeypatch.setitem(stack.POSTGRES, "host", "127.0.0.1")
    monkeypatch.setattr(stack, "QUESTDB", "http://127.0.0.1:1")
    for ask in (lambda: stack.query("SELECT 1"), lambda: stack.execute("SELECT 1")):
        with pytest.raises(stack.StackError, match=r"QuestDB does not answer at .*127\.0\.0\.1:1.*make up"):
            ask()


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (psycopg.OperationalError("connection failed: connection to server refused"), "QuestDB"),
        (
            requests.ConnectionError(request=requests.Request(url=stack.CONNECT + "/connectors").prepare()),
            "Kafka Connect",
        ),
        (KafkaException(KafkaError(-195)), "Kafka"),
    ],
)
def test_each_part_has_its_name(error: Exception, name: str) -> None:
    assert str(stack.unreachable(error)).startswith(f"{name} does not answer at ")


def test_what_never_comes_is_named() -> None:
    with pytest.raises(stack.StackError, match="still not there: the moon"):
        stack.until(lambda: None, "the moon", seconds=0)
