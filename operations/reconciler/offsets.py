"""How far topics and their consumer groups are, as Kafka says at one moment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from confluent_kafka.admin import AdminClient, ConsumerGroupDescription

TIMEOUT = 2.5  # seconds for each of three rounds of requests; together less than Telegraf waits
# How the group of a connector's sink tasks begins. Its consumers start at a partition's first offset.
CONNECT = "connect-"
REACHED = re.compile(r"reached=(\d+)")

Partition = tuple[str, int]  # topic, number


class Range(NamedTuple):
    """The offsets of a partition: of its oldest message, and the one that the next message will get."""

    first: int
    next: int


class Position(NamedTuple):
    """Where a group is in a partition. `committed` is None before its first commit, `members` None if Kafka did not say.

    Where a sink lets late rows wait, its offset stands at the first of them. `committed` is how far all others are stored.
    """

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
    ours = group.startswith(CONNECT)
    if description and ours:
        assigned = (p for member in description.members for p in member.assignment.topic_partitions)
        offsets = dict.fromkeys(((p.topic, p.partition) for p in assigned), None)
    offsets |= {(p.topic, p.partition): reached(p) if ours else p.offset for p in committed if p.offset >= 0}
    return sorted(offsets.items())


def reached(committed: TopicPartition) -> int:
    """Return the offset before which all is stored but late rows that wait; our sink says it beside the offset it commits."""
    try:
        found = REACHED.fullmatch(committed.metadata or "")
    except UnicodeDecodeError:
        # Another sink's text: librdkafka passes it on without its length, so that it is read on into memory.
        found = None
    return max(committed.offset, int(found[1])) if found else committed.offset


def _tags(**tags: str | int) -> str:
    escapes = str.maketrans({character: "\\" + character for character in ",= "})
    return ",".join(f"{name}={str(value).translate(escapes)}" for name, value in tags.items())
