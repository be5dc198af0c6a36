"""What the topics hold and QuestDB may not hold yet: exported from the sinks' own offsets on, produced again on restore."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from confluent_kafka import Message

TIMEOUT = 30.0  # seconds
SINKS = "connect-"  # how Kafka Connect names the consumer group of a sink
# Where Kafka Connect keeps the positions of source connectors; a sink's are its group's.
SOURCE_OFFSETS = "connect_offsets"

Positions = dict[tuple[str, int], int]


def positions(bootstrap: str) -> Positions:
    """Return from which offset on each partition is not known to be stored: a sink's, else the oldest there is."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = admin.list_topics(timeout=TIMEOUT).topics
    wanted = [
        name for name in topics if not name.startswith("__") and name not in {"connect_configs", "connect_status"}
    ]
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


def export(bootstrap: str, since: Positions) -> Iterator[str]:
    """Yield one JSON line a message, from `since` to the end of each partition as it is now."""
    settings = {"bootstrap.servers": bootstrap, "group.id": "rta-backup", "enable.auto.commit": False}
    consumer = Consumer({**settings, "enable.partition.eof": False, "auto.offset.reset": "error"})
    try:
        for (topic, number), offset in since.items():
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT)
            if max(first, offset) < end:
                yield from _partition(consumer, TopicPartition(topic, number, max(first, offset)), end)
    finally:
        consumer.close()


def _partition(consumer: Consumer, begin: TopicPartition, end: int) -> Iterator[str]:
    consumer.assign([begin])
    # Compaction and transactions leave gaps, so the position counts, not the number of messages.
    while consumer.position([begin])[0].offset < end:
        message = consumer.poll(TIMEOUT)
        if message is None:
            text = f"nothing more from {begin.topic}/{begin.partition} before offset {end} within {TIMEOUT:.0f} s"
            raise TimeoutError(text)
        if message.error():
            raise KafkaException(message.error())
        yield json.dumps(_encoded(message))


def _encoded(message: Message) -> dict[str, Any]:
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "timestamp": message.timestamp()[1],
        "key": _text(message.key()),
        "value": _text(message.value()),
        "headers": [[name, _text(value)] for name, value in dict(message.headers() or []).items()],
    }


def _text(value: str | bytes | None) -> str | None:
    raw = value.encode() if isinstance(value, str) else value
    return None if raw is None else base64.b64encode(raw).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def replay(bootstrap: str, lines: Iterable[str]) -> int:
    """Produce exported messages again, same partition, key, time and headers; return how many."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    failed: list[object] = []
    count = 0
    for count, line in enumerate(lines, 1):
        saved = json.loads(line)
        saved |= {name: _bytes(saved[name]) for name in ("key", "value")}
        saved["headers"] = [(name, _bytes(value)) for name, value in saved["headers"]]
        producer.produce(**saved, on_delivery=lambda error, _: failed.append(error) if error else None)
        producer.poll(0)
        if count % 10_000 == 0:
            producer.flush(TIMEOUT)
    if producer.flush(TIMEOUT) or failed:
        message = f"not all messages could be sent again: {failed[:1] or 'no answer'}"
        raise TimeoutError(message)
    return count
