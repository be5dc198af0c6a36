"""How far topics and their readers are: `GET /metrics` on a port of its own, for Telegraf.

It is here because only Kafka's admin protocol knows the lag of a group whose readers are away, Telegraf does not speak it, and the
reconciler already does. It answers in line protocol, not in Prometheus text: all numbers of a partition belong to one row.
"""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

TIMEOUT = 4.0  # seconds; less than Telegraf waits

Offsets = dict[tuple[str, int], int]  # by topic and partition


def lines(admin: AdminClient) -> list[str]:
    """Return a line for each partition, and for each partition that a group has committed an offset of.

    Raises:
        KafkaException: the broker does not answer.

    """
    partitions = _partitions(admin)
    first = _offsets(admin, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    following = _offsets(admin, partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    topics = [
        f"stack_topics,{_tags(topic=topic, partition_id=number)} first={first[topic, number]}i,next={offset}i"
        for (topic, number), offset in following.items()
        if (topic, number) in first
    ]
    return topics + [line for group in _groups(admin) for line in _group(admin, group, following)]


def _partitions(admin: AdminClient) -> list[TopicPartition]:
    topics = admin.list_topics(timeout=TIMEOUT).topics
    return [TopicPartition(name, number) for name, topic in topics.items() for number in topic.partitions]


def _offsets(admin: AdminClient, partitions: list[TopicPartition], spec: OffsetSpec) -> Offsets:
    futures = admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=TIMEOUT)
    found = {(p.topic, p.partition): future.result().offset for p, future in futures.items()}
    # A broker that is starting or stopping may not know: -1.
    return {partition: offset for partition, offset in found.items() if offset >= 0}


def _groups(admin: AdminClient) -> list[str]:
    listed = admin.list_consumer_groups(request_timeout=TIMEOUT).result()
    return sorted(group.group_id for group in listed.valid)


def _group(admin: AdminClient, group: str, following: Offsets) -> Iterator[str]:
    request = [ConsumerGroupTopicPartitions(group)]
    (future,) = admin.list_consumer_group_offsets(request, request_timeout=TIMEOUT).values()
    for p in future.result().topic_partitions:
        end = following.get((p.topic, p.partition))
        if end is not None and p.offset >= 0:
            tags = _tags(consumer_group=group, topic=p.topic, partition_id=p.partition)
            yield f"stack_groups,{tags} committed={p.offset}i,lag={max(0, end - p.offset)}i"


def _tags(**tags: str | int) -> str:
    escapes = str.maketrans({character: "\\" + character for character in ",= "})
    return ",".join(f"{name}={str(value).translate(escapes)}" for name, value in tags.items())


class Kafka:
    """What Kafka says now, asked by a client that is replaced once it has failed.

    librdkafka's, after its broker has stood still for half a minute, never gets an answer about a group again.
    """

    def __init__(self, connect: Callable[[], AdminClient]) -> None:
        """Take clients from `connect`."""
        self._connect = connect
        self._working: AdminClient | None = None

    def lines(self) -> list[str]:
        """Return what the function `lines` does, and raise what it raises; several threads may ask."""
        admin, self._working = self._working or self._connect(), None
        found = lines(admin)
        self._working = admin
        return found


def serve(connect: Callable[[], AdminClient], state: Callable[[], str], address: tuple[str, int]) -> None:
    """Answer on `address` until the process ends; `state` gives the reconciler's own line."""
    kafka = Kafka(connect)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(answer(kafka, state()).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing: it is asked every few seconds."""

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("metrics at http://%s:%d/metrics", *address)


def answer(kafka: Kafka, state: str) -> str:
    """Return all lines; only `state`, and a comment that says why, while the broker does not answer."""
    try:
        found = kafka.lines()
    except KafkaException as error:
        found = [f"# no answer from Kafka ({error.args[0].str()})"]
    return "".join(line + "\n" for line in [state, *found])
