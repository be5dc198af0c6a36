"""What the topics hold and QuestDB may not hold yet: exported from the sinks' own offsets on, produced again on restore."""

from __future__ import annotations

import base64
import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourceType,
)

from operations.local.settings import ROOT
from operations.reconciler.problems import Problem
from operations.reconciler.topics import Topic, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from operations.reconciler.kafka import Client

TIMEOUT = 30.0  # seconds
SINKS = "connect-"  # how Kafka Connect names the consumer group of a sink
# Kafka's and Connect's own: a new broker and a new worker make them.
INTERNAL = "__"
REMADE = {"connect_configs", "connect_status"}
# Where Kafka Connect keeps the positions of source connectors; a sink's are its group's.
SOURCE_OFFSETS = "connect_offsets"
LONGEST = str(2**63 - 1)
# While messages are produced again, a topic takes whatever it once took: large ones, old ones, with the times they had.
LOADING = {
    "max.message.bytes": str(2**31 - 1),
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": LONGEST,
    "message.timestamp.after.max.ms": LONGEST,
    "retention.ms": "-1",
    "retention.bytes": "-1",
}
# These fit the number of brokers, which may be another one now.
OF_THE_CLUSTER = {
    "min.insync.replicas",
    "leader.replication.throttled.replicas",
    "follower.replication.throttled.replicas",
}
AT_ONCE = 10_000  # messages between two looks at what was acknowledged
OVERHEAD = 64 * 1024  # bytes; what a message takes besides its own, with plenty to spare

Place = tuple[str, int]  # topic, partition
Positions = dict[Place, int]
Saved = dict[str, Any]  # the arguments of Producer.produce


@dataclass
class Summary:
    """What a file of messages holds: how many in each partition, bytes in all and of the largest message."""

    counts: Counter[Place] = field(default_factory=Counter)
    size: int = 0
    largest: int = 0

    @property
    def count(self) -> int:
        """Return the number of messages."""
        return sum(self.counts.values())


def positions(admin: AdminClient) -> Positions:
    """Return from which offset on each partition is not known to be stored: a sink's, else the oldest there is."""
    topics = admin.list_topics(timeout=TIMEOUT).topics
    wanted = [name for name in topics if not name.startswith(INTERNAL) and name not in REMADE]
    found = {(name, number): 0 for name in wanted for number in topics[name].partitions}
    return found | {place: offset for place, offset in _committed(admin).items() if place in found}


def _committed(admin: AdminClient) -> Positions:
    groups = admin.list_consumer_groups(request_timeout=TIMEOUT).result().valid
    names = [group.group_id for group in groups if group.group_id.startswith(SINKS)]
    found: Positions = {}
    for name in names:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)], request_timeout=TIMEOUT)
        for partition in asked[name].result().topic_partitions:
            place = (partition.topic, partition.partition)
            # Two sinks may read one topic; the slower one decides.
            found[place] = min(partition.offset, found.get(place, partition.offset))
    return found


def described(admin: AdminClient, places: Iterable[Place]) -> dict[str, Topic]:
    """Return partitions and own settings of the topics of `places`."""
    partitions = Counter(topic for topic, _ in places)
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in partitions]
    answers = admin.describe_configs(resources, request_timeout=TIMEOUT) if resources else {}
    configs = {resource.name: answer.result() for resource, answer in answers.items()}
    return {name: Topic(name, count, _own(configs[name])) for name, count in partitions.items()}


def _own(entries: dict[str, ConfigEntry]) -> dict[str, str]:
    set_here = [entry for entry in entries.values() if ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG]
    return {entry.name: str(entry.value) for entry in set_here if entry.name not in OF_THE_CLUSTER}


def export(kafka: Client, since: Positions) -> Iterator[str]:
    """Yield one JSON line a message, from `since` to the end of each partition as it is now."""
    # Retention may take the first ones while the others are read.
    with closing(reader(kafka, "rta-backup")) as consumer:
        for (topic, number), offset in since.items():
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT)
            for message in messages(consumer, TopicPartition(topic, number, max(first, offset)), end):
                yield json.dumps(_encoded(message))


def reader(kafka: Client, group: str) -> Consumer:
    """Return a consumer for `messages`; it commits nothing by itself."""
    settings = {**kafka, "group.id": group, "enable.auto.commit": False, "log_level": 0}
    return Consumer({**settings, "enable.partition.eof": True, "auto.offset.reset": "earliest"})


def messages(consumer: Consumer, begin: TopicPartition, end: int) -> Iterator[Message]:
    """Yield the messages of one partition from `begin` to before the offset `end`.

    Raises:
        Problem, KafkaException: the broker does not send them.

    """
    if begin.offset >= end:
        return
    consumer.assign([begin])
    while True:
        message = consumer.poll(TIMEOUT)
        if message is None:
            text = f"topic {begin.topic}, partition {begin.partition}: the broker sent nothing for {TIMEOUT:.0f} s"
            raise Problem(text)
        error = message.error()
        # Compaction and transactions leave gaps, and an open transaction hides the end: so the broker says where that is.
        if error and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - how the library spells it
            return
        if error:
            raise KafkaException(error)
        if (message.offset() or 0) >= end:
            return
        yield message


def _encoded(message: Message) -> Saved:
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "timestamp": message.timestamp()[1],
        "key": _text(message.key()),
        "value": _text(message.value()),
        "headers": [[name, _text(value)] for name, value in list(message.headers() or [])],
    }


def _text(value: str | bytes | None) -> str | None:
    raw = value.encode() if isinstance(value, str) else value
    return None if raw is None else base64.b64encode(raw).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def parsed(line: bytes) -> Saved:
    """Return the message of one line; Problem if it is none."""
    try:
        saved = json.loads(line)
        return {
            "topic": str(saved["topic"]),
            "partition": int(saved["partition"]),
            # To librdkafka 0 means now; one millisecond after 1970 began comes closest.
            "timestamp": max(int(saved["timestamp"]), 1),
            "key": _bytes(saved["key"]),
            "value": _bytes(saved["value"]),
            "headers": [(name, _bytes(value)) for name, value in saved["headers"]],
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        message = f"the backup's file of messages holds a line that is no message: {line[:80]!r}"
        raise Problem(message) from None


def summary(lines: Iterable[bytes]) -> Summary:
    """Read a file of messages; Problem with the first line that is none."""
    found = Summary()
    for line in lines:
        saved = parsed(line)
        size = sum(len(saved[part] or b"") for part in ("key", "value"))
        size += sum(len(name) + len(value or b"") for name, value in saved["headers"])
        found.counts[saved["topic"], saved["partition"]] += 1
        found.size += size
        found.largest = max(found.largest, size)
    return found


def wanted(known: dict[str, Topic], counts: Iterable[Place]) -> list[Topic]:
    """Return the topics to create: those the manifest knows, else as kafka/topics or the messages themselves say.

    Raises:
        Problem: a message belongs to a partition that its topic does not have.

    """
    files = {topic.name: topic for topic in read(ROOT / "kafka" / "topics")}
    found = dict(known)
    for name, number in counts:
        # Backups of earlier versions say nothing of topics.
        if not known:
            before = found.get(name) or files.get(name) or Topic(name, 1, _default(name))
            found[name] = Topic(name, max(before.partitions, number + 1), before.config)
        if name not in found or number >= found[name].partitions:
            message = f"the backup has messages of partition {number} of topic {name}, and does not know that partition"
            raise Problem(message)
    return list(found.values())


def _default(name: str) -> dict[str, str]:
    # Connect does not start on a topic of offsets that forgets.
    return {"cleanup.policy": "compact"} if name == SOURCE_OFFSETS else {}


def create(admin: AdminClient, topics: Iterable[Topic]) -> None:
    """Create topics that take any message; `settle` gives them their own settings."""
    new = [NewTopic(topic.name, num_partitions=topic.partitions, config=LOADING) for topic in topics]
    if not new:
        return
    for name, created in admin.create_topics(new, operation_timeout=TIMEOUT, request_timeout=TIMEOUT).items():
        _wait(name, created)


def settle(admin: AdminClient, topics: Iterable[Topic]) -> None:
    """Give topics their own settings."""
    for topic in topics:
        changes = [_entry(name, value, AlterConfigOpType.SET) for name, value in topic.config.items()]
        changes += [_entry(name, None, AlterConfigOpType.DELETE) for name in LOADING.keys() - topic.config.keys()]
        resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=changes)
        for altered in admin.incremental_alter_configs([resource], request_timeout=TIMEOUT).values():
            _wait(topic.name, altered)


def _entry(name: str, value: str | None, operation: AlterConfigOpType) -> ConfigEntry:
    return ConfigEntry(name, value, incremental_operation=operation)


def _wait(topic: str, answer: Any) -> None:  # noqa: ANN401 - a future
    try:
        answer.result()
    except KafkaException as error:
        message = f"the broker refused topic {topic}: {error.args[0].str()}"
        raise Problem(message) from None


def replay(kafka: Client, messages: Iterable[Saved], largest: int) -> int:
    """Produce saved messages again, same partition, key, time and headers; return how many.

    Raises:
        Problem: the broker refused one, or does not answer.

    """
    refused: list[str] = []
    # What a producer compressed may be larger than the broker takes uncompressed.
    settings = {**kafka, "enable.idempotence": True, "compression.type": "lz4", "log_level": 0}
    producer = Producer({**settings, "message.max.bytes": max(largest + OVERHEAD, 1_000_000)})
    count = 0
    try:
        for count, saved in enumerate(messages, 1):
            _produce(producer, saved, refused)
            if count % AT_ONCE == 0:
                _flush(producer, refused)
        _flush(producer, refused)
    finally:
        producer.purge()
    return count


def _produce(producer: Producer, saved: Saved, refused: list[str]) -> None:
    def delivered(error: KafkaError | None, message: Message) -> None:
        if error:
            refused.append(f"a message of {message.topic()}/{message.partition()}: {error.str()}")

    try:
        queue(producer, {**saved, "on_delivery": delivered})
    except KafkaException as error:
        message = f"a message of {saved['topic']}/{saved['partition']} can't be sent again: {error.args[0].str()}"
        raise Problem(message) from None


def queue(producer: Producer, record: Mapping[str, Any]) -> None:
    """Give a producer one record, as the arguments of `produce`; where its queue is full, wait for room.

    Raises:
        KafkaException: it does not take such a record.

    """
    while True:
        try:
            producer.produce(**record)
        except BufferError:  # large messages fill the queue before there are many
            producer.poll(1)
        else:
            producer.poll(0)
            return


def _flush(producer: Producer, refused: list[str]) -> None:
    left = producer.flush(TIMEOUT)
    if refused:
        message = f"the broker refused {refused[0]}"
        raise Problem(message)
    if left:
        message = f"the broker did not acknowledge {left} messages within {TIMEOUT:.0f} s"
        raise Problem(message)


def stored(kafka: Client, places: Iterable[Place]) -> dict[Place, int]:
    """Return how many messages each partition of `places` holds; it must be one that nothing was removed from."""
    with closing(Consumer({**kafka, "group.id": "rta-backup", "log_level": 0})) as consumer:
        ends = {place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT) for place in places}
    return {place: end - first for place, (first, end) in ends.items()}
