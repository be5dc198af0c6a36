"""Offsets and lag as the reconciler tells them, on a real broker."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from waiting import until

from operations.reconciler import offsets, topics

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack


@pytest.fixture
def admin(stack: Stack) -> AdminClient:
    """An admin client of the shared stack's broker."""
    return AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})


def test_a_partition_and_a_group_that_is_away(stack: Stack, admin: AdminClient, tmp_path: Path) -> None:
    topic, group = f"offsets_{uuid.uuid4().hex}", "a group, with=signs"
    (tmp_path / f"{topic}.properties").write_text("partitions=1\n", encoding="utf-8")
    topics.apply(admin, topics.read(tmp_path))
    servers = {"bootstrap.servers": stack.settings.kafka_bootstrap_servers}
    producer = Producer(servers)
    for number in range(5):
        producer.produce(topic, str(number))
    assert producer.flush(30) == 0
    consumer = Consumer({**servers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    consumer.close()
    found = [line for line in offsets.lines(admin) if topic in line]
    assert found == [
        f"stack_topics,topic={topic},partition_id=0 first=0i,next=5i",
        rf"stack_groups,consumer_group=a\ group\,\ with\=signs,topic={topic},partition_id=0 committed=2i,lag=3i",
    ]


def test_the_running_reconciler_answers(stack: Stack) -> None:
    def told() -> str:
        return requests.get(f"{stack.settings.reconciler_url}/metrics", timeout=30).text

    until(lambda: "stack_topics,topic=github_events,partition_id=0 first=0i,next=" in told(), "the offsets", 60, told)
    assert re.match(r"stack_reconciler problems=\d+i,restarts=\d+i\n", told())


def test_without_a_broker_the_reconciler_still_tells_how_it_is() -> None:
    away = offsets.Kafka(lambda: AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}))
    state, *rest = offsets.answer(away, "stack_reconciler problems=1i,restarts=2i").splitlines()
    assert state == "stack_reconciler problems=1i,restarts=2i"
    assert [line[0] for line in rest] == ["#"]
