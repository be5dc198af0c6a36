"""Offsets and lag as the reconciler tells them, on a real broker."""

from __future__ import annotations

import re
import signal
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from waiting import until

from operations.reconciler import metrics, observer, offsets, progress, topics
from operations.reconciler.kafka import client

if TYPE_CHECKING:
    from pathlib import Path

    from confluent_kafka.admin import ClusterMetadata
    from stack import Stack


@pytest.fixture
def admin(stack: Stack) -> AdminClient:
    """An admin client of the shared stack's broker."""
    return AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})


@pytest.fixture
def topic(stack: Stack, admin: AdminClient, tmp_path: Path) -> str:
    """A topic with five messages in its only partition."""
    name = f"offsets_{uuid.uuid4().hex}"
    (tmp_path / f"{name}.properties").write_text("partitions=1\n", encoding="utf-8")
    topics.apply(admin, topics.read(tmp_path))
    producer = Producer(servers(stack))
    for number in range(5):
        producer.produce(name, str(number))
    assert producer.flush(30) == 0
    return name


def servers(stack: Stack) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": stack.settings.kafka_bootstrap_servers}


def commit(stack: Stack, group: str, topic: str, offset: int) -> None:
    consumer = Consumer({**servers(stack), "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    consumer.close()


def test_a_partition_and_a_group_that_is_away(stack: Stack, admin: AdminClient, topic: str) -> None:
    commit(stack, "a group, with=signs", topic, 2)
    found = [line for line in offsets.look(admin).lines() if topic in line]
    tags = rf"consumer_group=a\ group\,\ with\=signs,topic={topic},partition_id=0"
    assert found == [
        f"stack_topics,topic={topic},partition_id=0 first=0i,next=5i",
        f"stack_groups,{tags} committed=2i,lag=3i,members=0i",
    ]


def test_a_connector_that_never_committed_and_messages_that_expired(
    stack: Stack, admin: AdminClient, topic: str
) -> None:
    """A sink of Connect starts at the first message there is."""
    (expired,) = admin.delete_records([TopicPartition(topic, 0, 2)]).values()
    expired.result()
    group = f"connect-{topic}"
    consumer = Consumer({**servers(stack), "group.id": group, "enable.auto.commit": False})
    consumer.subscribe([topic])

    def assigned() -> list[TopicPartition]:
        consumer.poll(0.1)
        return consumer.assignment()

    until(assigned, "a partition", 30)
    found = [position for position in offsets.look(admin).positions if position.group == group]
    consumer.close()
    assert found == [offsets.Position(group, topic, 0, None, 3, 1)]


@pytest.mark.parametrize(("metadata", "expected"), [("reached=4", 4), ("reached=1", 2), ("", 2), ("something else", 2)])
def test_late_rows_that_wait_are_no_lag(metadata: str, expected: int) -> None:
    """Our sink commits the offset of the first of them, and says how far it has stored all others."""
    assert offsets.reached(TopicPartition("events", 0, 2, metadata)) == expected


def test_what_the_running_sink_says_is_read_as_it_was_said(stack: Stack, admin: AdminClient) -> None:
    """The metadata of an offset comes from librdkafka without its length: what lies behind it in memory must not be read."""
    group = "connect-github_events"

    def committed() -> list[TopicPartition]:
        request = [ConsumerGroupTopicPartitions(group)]
        (answer,) = admin.list_consumer_group_offsets(request, request_timeout=30).values()
        return [partition for partition in answer.result().topic_partitions if partition.offset > 0]

    for partition in until(committed, f"an offset of {group}", 60, lambda: stack.log("kafka-connect")):
        found = offsets.REACHED.fullmatch(partition.metadata or "")
        assert found, repr(partition.metadata)
        assert int(found[1]) >= partition.offset


def test_the_marks_of_transactions_are_no_lag(stack: Stack, admin: AdminClient, topic: str) -> None:
    """One was aborted after all that was committed; a message that can be read is lag at once."""
    producer = Producer({**servers(stack), "transactional.id": topic})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, "aborted")
    producer.flush(30)
    producer.abort_transaction(30)
    commit(stack, topic, topic, 5)
    kafka = metrics.Kafka(lambda: offsets.look(admin), lambda: progress.reader(stack.settings.kafka))

    def lag() -> int:
        (found,) = [position.lag for position in kafka.look().positions if position.group == topic]
        return found

    until(lambda: lag() == 0, "no lag", 30)
    plain = Producer(servers(stack))
    plain.produce(topic, "fine")
    assert plain.flush(30) == 0
    assert [lag(), lag(), lag()] == [3, 3, 3]


class Ailing:
    """The admin client of a cluster where one partition has no leader and the coordinator of one group moves."""

    def __init__(self, admin: AdminClient, topic: str, group: str) -> None:
        self._admin, self._topic, self._group = admin, topic, group

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        """Be that client in all else."""
        return getattr(self._admin, name)

    def list_topics(self, timeout: float) -> ClusterMetadata:
        """Take the leader away."""
        found = self._admin.list_topics(timeout=timeout)
        found.topics[self._topic].partitions[0].leader = -1
        return found

    def list_consumer_group_offsets(self, asked: list[ConsumerGroupTopicPartitions], **keywords: Any) -> dict[str, Any]:  # noqa: ANN401
        """Refuse as librdkafka does."""
        if asked[0].group_id != self._group:
            return dict(self._admin.list_consumer_group_offsets(asked, **keywords))
        refused: Future[Any] = Future()
        refused.set_exception(KafkaException(KafkaError(KafkaError.NOT_COORDINATOR, "the coordinator moves")))
        return {self._group: refused}


def test_what_kafka_does_not_say_hides_nothing_else(stack: Stack, admin: AdminClient, topic: str) -> None:
    commit(stack, "moves", "github_events", 1)
    commit(stack, "stays", "github_events", 1)
    found = list(offsets.look(Ailing(admin, topic, "moves")).lines())  # type: ignore[arg-type]
    assert not [
        line for line in found if line.startswith("stack_") and (topic in line or "consumer_group=moves" in line)
    ]
    assert [line for line in found if line.startswith("stack_topics,topic=github_events,")]
    assert [line for line in found if line.startswith("stack_groups,consumer_group=stays,topic=github_events,")]
    assert [line for line in found if line.startswith("#")] == [
        f"# {topic}: partition 0 has no leader",
        "# moves: the coordinator moves",
    ]


def test_a_connector_that_stands_still_is_told_after_a_minute() -> None:
    now = [0.0]
    memory = progress.Progress(lambda: now[0])

    def seen(at: float, *positions: offsets.Position, unanswered: set[str] | None = frozenset()) -> list[str]:  # type: ignore[assignment]
        now[0] = at
        memory.note(offsets.Look(positions=list(positions), unanswered=unanswered))
        return memory.problems()

    stuck, moving = offsets.Position("connect-a", "t", 0, 7, 2, 1), offsets.Position("connect-b", "t", 0, 1, 9, 1)
    stuck_too = stuck._replace(partition=1, committed=None)
    ended, other = stuck._replace(group="connect-c", members=0), stuck._replace(group="other")
    assert seen(0, stuck, stuck_too, moving, ended, other) == []
    assert seen(59, stuck, stuck_too, moving._replace(committed=2), ended, other) == []
    assert seen(60, unanswered={"connect-a"}) == [
        sentence := "connector a: messages wait in t 0, t 1, and none was stored for 1 min;"
        " the log of Kafka Connect says why"
    ]
    assert seen(119, stuck._replace(lag=500), stuck_too, moving._replace(committed=3), ended, other) == [sentence]
    assert seen(120, stuck._replace(committed=8), stuck_too) == [
        sentence.replace("t 0, t 1", "t 1").replace("1 min", "2 min")
    ]
    assert seen(130, unanswered=None) != []
    assert seen(140) == [], "the group is gone"


def told(stack: Stack) -> str:
    """Return what the running reconciler answers."""
    return requests.get(f"{stack.settings.reconciler_url}/metrics", timeout=30).text


def test_the_running_reconciler_answers(stack: Stack) -> None:
    wanted = "stack_topics,topic=github_events,partition_id=0 first=0i,next="
    until(lambda: wanted in told(stack), "the offsets", 60, lambda: told(stack))
    assert re.match(r"stack_reconciler problems=\d+i,restarts=\d+i\n", told(stack))


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSTOP])
def test_librdkafka_aborts_or_hangs_and_the_reconciler_goes_on(stack: Stack, number: signal.Signals) -> None:
    """It aborts by itself too seldom for a test: when a connection ends in the wrong moment."""

    def observers() -> list[psutil.Process]:
        return psutil.Process(reconciler).children()

    reconciler = stack.pid("reconciler")
    until(observers, "a look", 60, lambda: stack.log("reconciler"))
    (before,) = observers()
    before.send_signal(number)
    until(lambda: "stack_topics,topic=github_events" in told(stack), "the offsets", 60, lambda: told(stack))
    (after,) = observers()
    assert after.pid != before.pid
    assert stack.pid("reconciler") == reconciler


def test_without_a_broker_the_reconciler_still_tells_how_it_is() -> None:
    nobody = "127.0.0.1:1"
    asking = observer.Observer({"KAFKA_BOOTSTRAP_SERVERS": nobody})
    away = metrics.Kafka(asking.look, lambda: progress.reader({"bootstrap.servers": nobody}))
    state, *rest = metrics.answer(away, "stack_reconciler problems=1i,restarts=2i").splitlines()
    asking.end()
    assert state == "stack_reconciler problems=1i,restarts=2i"
    assert [line[0] for line in rest] == ["#"]


def test_a_client_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    missing = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": str(tmp_path / "none.pem")}
    asking = observer.Observer(missing)
    away = metrics.Kafka(asking.look, lambda: progress.reader(client(missing)))
    _, said = metrics.answer(away, "stack_reconciler problems=1i,restarts=2i").splitlines()
    asking.end()
    assert said.startswith("# no answer from Kafka (")
    assert "ssl.ca.location failed" in said


def test_what_waits_counts_while_nobody_can_read_it() -> None:
    """A consumer that can't be made tells nothing; before, it would have ended the thread that looks."""

    def fails() -> Consumer:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))  # noqa: SLF001 - its public name

    idle, position = progress.Idle(fails), offsets.Position("connect-a", "t", 0, 7, 2, 1)
    for _ in range(2):
        found = offsets.Look(ranges={("t", 0): offsets.Range(0, 9)}, positions=[position])
        idle.discount(found)
        assert found.positions == [position]
