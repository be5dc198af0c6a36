"""How far topics and their consumer groups are: `GET /metrics` on a port of its own, for Telegraf.

It is here because only Kafka's admin protocol knows the lag of a group that has no members, Telegraf does not speak it, and the
reconciler already does. It answers in line protocol, not in Prometheus text: all numbers of a partition belong to one row.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from confluent_kafka import Message
    from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

log = logging.getLogger(__name__)

TIMEOUT = 2.5  # seconds for each of three rounds of requests; together less than Telegraf waits
LOOK_EVERY = 10.0  # seconds between two looks of the reconciler itself, which also runs without Telegraf
STALLED_AFTER = 60.0  # seconds
CONNECT = (
    "connect-"  # how the group of a connector's sink tasks begins; its consumers start at a partition's first offset
)

Partition = tuple[str, int]  # topic, number


class Range(NamedTuple):
    """The offsets of a partition: of its oldest message, and the one that the next message will get."""

    first: int
    next: int


class Position(NamedTuple):
    """Where a group is in a partition. `committed` is None before its first commit, `members` None if Kafka did not say."""

    group: str
    topic: str
    partition: int
    committed: int | None
    lag: int
    members: int | None


class Waiting(NamedTuple):
    """The offsets of a partition that a group has not read: from `start` to before `end`."""

    topic: str
    partition: int
    start: int
    end: int


@dataclass
class Look:
    """What Kafka said at one moment, and in `failures` a sentence for each thing it did not say.

    `unanswered` are the groups of which it did not say all, None if not even which groups there are; `refused` tells that a
    request failed.
    """

    ranges: dict[Partition, Range] = field(default_factory=dict)
    positions: list[Position] = field(default_factory=list)
    unanswered: set[str] | None = None
    failures: list[str] = field(default_factory=list)
    refused: bool = False

    def results(self, futures: Mapping[Any, Future[Any]]) -> dict[Any, Any]:
        """Return the results by key, without those that failed: one that fails hides no other."""
        found = {}
        for key, future in futures.items():
            try:
                found[key] = future.result()
            except KafkaException as error:
                self.failures.append(f"{getattr(key, 'topic', key)}: {error.args[0].str()}")
                self.refused = True
        return found

    def waiting(self, position: Position) -> Waiting:
        """Return what a group has not read."""
        end = self.ranges[position.topic, position.partition].next
        return Waiting(position.topic, position.partition, end - position.lag, end)

    def lines(self) -> Iterator[str]:
        """Return a row for each partition, one for each group's position, and a comment for each failure."""
        for (topic, number), (first, following) in self.ranges.items():
            yield f"stack_topics,{_tags(topic=topic, partition_id=number)} first={first}i,next={following}i"
        for p in self.positions:
            tags = _tags(consumer_group=p.group, topic=p.topic, partition_id=p.partition)
            known = {"committed": p.committed, "lag": p.lag, "members": p.members}
            yield f"stack_groups,{tags} " + ",".join(f"{k}={v}i" for k, v in known.items() if v is not None)
        yield from (f"# {failure}" for failure in self.failures)


def reader(bootstrap: str) -> Consumer:
    """Return a consumer of committed messages, which tells when it has read all of a partition; it joins no group."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reconciler",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "log_level": 0,
        }
    )


def look(admin: AdminClient) -> Look:
    """Ask for the offsets of every partition and of every group.

    Raises:
        KafkaException: the broker does not answer at all.

    """
    found = Look()
    partitions = list(_partitions(admin, found))
    earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
    # All of a round at once: what hangs costs no more than one timeout.
    first = admin.list_offsets(dict.fromkeys(partitions, earliest), request_timeout=TIMEOUT)
    following = admin.list_offsets(dict.fromkeys(partitions, latest), request_timeout=TIMEOUT)
    listed = admin.list_consumer_groups(request_timeout=TIMEOUT)
    found.ranges = _ranges(found.results(first), found.results(following))
    for groups in found.results({"the list of groups": listed}).values():
        found.unanswered = set()
        found.positions = list(_positions(admin, sorted(group.group_id for group in groups.valid), found))
    return found


def _partitions(admin: AdminClient, found: Look) -> Iterator[TopicPartition]:
    """Return the partitions that have a leader; only a leader knows offsets."""
    for name, topic in admin.list_topics(timeout=TIMEOUT).topics.items():
        for number, partition in topic.partitions.items():
            if partition.leader >= 0:
                yield TopicPartition(name, number)
            else:
                found.failures.append(f"{name}: partition {number} has no leader")


def _ranges(first: dict[TopicPartition, Any], following: dict[TopicPartition, Any]) -> dict[Partition, Range]:
    ranges = {
        (p.topic, p.partition): Range(first[p].offset, following[p].offset) for p in following.keys() & first.keys()
    }
    # A broker that is starting or stopping may not know: -1.
    return {key: ranges[key] for key in sorted(ranges) if min(ranges[key]) >= 0}


def _positions(admin: AdminClient, groups: list[str], found: Look) -> Iterator[Position]:
    if not groups:
        return
    described = admin.describe_consumer_groups(groups, request_timeout=TIMEOUT)
    asked = {group: _committed(admin, group) for group in groups}
    descriptions = found.results(described)
    committed = found.results(asked)
    found.unanswered = set(groups) - (committed.keys() & descriptions.keys())
    for group, answer in committed.items():
        description = descriptions.get(group)
        members = None if description is None else len(description.members)
        for (topic, number), offset in _offsets(group, answer.topic_partitions, description):
            bounds = found.ranges.get((topic, number))
            if bounds:
                # What has expired is no longer there to be read.
                lag = max(0, bounds.next - max(offset or 0, bounds.first))
                yield Position(group, topic, number, offset, lag, members)


def _committed(admin: AdminClient, group: str) -> Future[Any]:
    (future,) = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT
    ).values()
    return future


def _offsets(
    group: str, committed: Iterable[TopicPartition], description: ConsumerGroupDescription | None
) -> list[tuple[Partition, int | None]]:
    """Return the committed offset of each partition; None where a connector has yet to commit its first."""
    offsets: dict[Partition, int | None] = {}
    if description and group.startswith(CONNECT):
        assigned = (p for member in description.members for p in member.assignment.topic_partitions)
        offsets = dict.fromkeys(((p.topic, p.partition) for p in assigned), None)
    offsets |= {(p.topic, p.partition): p.offset for p in committed if p.offset >= 0}
    return sorted(offsets.items())


def _tags(**tags: str | int) -> str:
    escapes = str.maketrans({character: "\\" + character for character in ",= "})
    return ",".join(f"{name}={str(value).translate(escapes)}" for name, value in tags.items())


class Idle:
    """Knows which waiting offsets hold nothing to read: the markers of transactions, what was aborted, what is not yet committed.

    They stay between a committed offset and the end until the next message, and are no lag. Kafka does not tell them apart, so
    where nothing has moved between two looks a consumer tries, once.
    """

    def __init__(self, connect: Callable[[], Consumer]) -> None:
        """Take consumers that read committed messages only from `connect`."""
        self._connect = connect
        self._before: set[Waiting] = set()
        self._readable: dict[Waiting, bool] = {}

    def discount(self, seen: Look) -> None:
        """Take what can't be read off the lag."""
        waiting = {position: seen.waiting(position) for position in seen.positions if position.lag}
        spans = set(waiting.values())
        self._readable = {span: found for span, found in self._readable.items() if span in spans}
        for span in (spans & self._before) - self._readable.keys():
            message = self._first(span)
            if message:
                error = message.error()
                self._readable[span] = not (error and error.code() == KafkaError._PARTITION_EOF)  # noqa: SLF001 - its public name
        self._before = spans
        seen.positions = [
            p if self._readable.get(waiting.get(p), True) else p._replace(lag=0)  # type: ignore[arg-type]
            for p in seen.positions
        ]

    def _first(self, span: Waiting) -> Message | None:
        """Return the first message, or the error that there is none; None if the broker does not answer."""
        consumer = self._connect()
        try:
            consumer.assign([TopicPartition(span.topic, span.partition, span.start)])
            return consumer.poll(TIMEOUT)
        finally:
            consumer.close()


class Progress:
    """Remembers since when connectors have had something to read and committed nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the time, in seconds, from `clock`."""
        self._clock = clock
        self._since: dict[Position, float] = {}  # without lag and members

    def note(self, seen: Look) -> None:
        """Compare with the look before."""
        now = self._clock()
        # A group that Kafka said nothing about has not moved, as far as anybody knows. One that is gone has ended.
        unknown = seen.unanswered
        kept = {key: since for key, since in self._since.items() if unknown is None or key.group in unknown}
        waiting = [p for p in seen.positions if p.lag and p.members and p.group.startswith(CONNECT)]
        keys = [p._replace(lag=0, members=0) for p in waiting]
        self._since = kept | {key: self._since.get(key, now) for key in keys}

    def problems(self) -> list[str]:
        """Return a sentence for each connector that stores nothing; another thread may ask."""
        now = self._clock()
        stalled: dict[str, list[tuple[str, float]]] = {}
        for key, since in self._since.copy().items():
            if now - since >= STALLED_AFTER:
                where = f"{key.topic} {key.partition}"
                stalled.setdefault(key.group.removeprefix(CONNECT), []).append((where, now - since))
        return [_stalled(connector, partitions) for connector, partitions in sorted(stalled.items())]


def _stalled(connector: str, partitions: list[tuple[str, float]]) -> str:
    where = ", ".join(sorted(name for name, _ in partitions))
    seconds = max(seconds for _, seconds in partitions)
    # In minutes: the reconciler logs a sentence again whenever it changes.
    return (
        f"connector {connector}: messages wait in {where}, and none was stored for {seconds // 60:.0f} min;"
        " the log of Kafka Connect says why"
    )


class Kafka:
    """What Kafka says now, asked by a client that is replaced once it has failed.

    librdkafka's, after its broker has stood still for half a minute, never gets an answer about a group again.
    """

    def __init__(self, connect: Callable[[], AdminClient], reader: Callable[[], Consumer]) -> None:
        """Take clients from `connect`, and consumers that read committed messages only from `reader`."""
        self._connect = connect
        self._idle = Idle(reader)
        self._working: AdminClient | None = None
        self._looked = time.monotonic()
        self.progress = Progress()

    def look(self) -> Look:
        """Return what the function `look` does, and raise what it raises; several threads may ask."""
        admin, self._working = self._working or self._connect(), None
        found = look(admin)
        if not found.refused:
            self._working = admin
        self._looked = time.monotonic()
        self._idle.discount(found)
        self.progress.note(found)
        return found

    def keep_looking(self, stop: threading.Event) -> None:
        """Look every ten seconds, unless somebody else just did."""
        while not stop.wait(max(0.1, self._looked + LOOK_EVERY - time.monotonic())):
            try:
                self.look()
            except KafkaException:
                self._looked = time.monotonic()  # said by whoever else needs the broker


def serve(kafka: Kafka, state: Callable[[], str], address: tuple[str, int], stop: threading.Event) -> None:
    """Answer on `address` until the process ends; `state` gives the reconciler's own line."""

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
    threading.Thread(target=kafka.keep_looking, args=[stop], name="progress", daemon=True).start()
    log.info("metrics at http://%s:%d/metrics", *address)


def answer(kafka: Kafka, state: str) -> str:
    """Return all lines; only `state`, and a comment that says why, while the broker does not answer."""
    try:
        found = list(kafka.look().lines())
    except KafkaException as error:
        found = [f"# no answer from Kafka ({error.args[0].str()})"]
    return "".join(line + "\n" for line in [state, *found])
