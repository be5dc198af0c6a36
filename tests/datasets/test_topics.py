"""A topic as a sample, on a real broker: each message that it holds now, partition by partition, the same each time."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from datasets import loading
from datasets.services import Services
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack import Stack

PARTITIONS = 3


@pytest.fixture
def topic(stack: Stack) -> Iterator[str]:
    """An empty topic."""
    name = f"sample_{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result()
    yield name
    admin.delete_topics([name])[name].result()


def send(stack: Stack, topic: str, values: list[bytes | None], *, commit: bool = True) -> None:
    """Send values in one transaction, to all partitions in turn."""
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % PARTITIONS)
    producer.flush(30)
    end = producer.commit_transaction if commit else producer.abort_transaction
    end(30)


def test_all_that_is_valid_is_read_in_the_same_order_each_time(stack: Stack, topic: str, tmp_path: Path) -> None:
    sent: list[bytes | None] = [json.dumps({"n": number}, indent=1).encode() for number in range(20)]
    send(stack, topic, [*sent, None])
    send(stack, topic, [b'{"n": -1}'] * 4, commit=False)
    services, target = Services(stack.settings), tmp_path / "records"
    expected = [number for partition in range(PARTITIONS) for number in range(partition, 20, PARTITIONS)]
    for _ in range(2):
        loading.download(services, topic, target)
        assert [json.loads(line)["n"] for line in target.read_text(encoding="utf-8").splitlines()] == expected
    assert loading.dead_letters(services, topic) == 0  # there is no topic of them


@pytest.mark.parametrize(("value", "words"), [(b"{", "is not JSON"), (b"[1]", "is no JSON object")])
def test_another_message_is_named(stack: Stack, topic: str, tmp_path: Path, value: bytes, words: str) -> None:
    send(stack, topic, [b"{}", b"{}", b"{}", b"{}", value])
    with pytest.raises(Problem, match=f"topic {topic}, partition 1, offset 1 {words}"):
        loading.download(Services(stack.settings), topic, tmp_path / "records")


def test_a_topic_that_is_not_there_is_named(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="SAMPLE=topic:nowhere: there is no such topic"):
        loading.download(Services(stack.settings), "nowhere", tmp_path / "records")
