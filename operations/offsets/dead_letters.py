"""`make dead-letters`: what a dead-letter topic holds and why, and with RETRY=1 back with it to where it came from."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition

from operations.backup.lock import alone
from operations.backup.topics import messages, reader
from operations.local.console import say
from operations.offsets.choice import shown
from operations.offsets.letters import Letter
from operations.offsets.retry import Retry
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.offsets.clients import Clients
    from operations.reconciler.offsets import Partition, Range

SUFFIX = "_dlq"


def run(clients: Clients) -> int:
    """List dead letters, or send them again; return the exit code."""
    found = ranges(clients, clients.settings.topic)
    if not clients.settings.retry:
        return listed(clients, found)
    with alone(clients.settings.state_dir):
        return Retry(clients, clients.settings.topic, found).run()


def ranges(clients: Clients, topic: str) -> dict[Partition, Range]:
    """Return the offsets of each partition of the topic; Problem that names those there are if it is none."""
    partitions = clients.partitions()
    found = [place for place in partitions if place[0] == topic]
    if found:
        return clients.ranges(found)
    names = sorted({name for name, _ in partitions if name.endswith(SUFFIX)})
    what = f"TOPIC={topic} does not exist" if topic else "TOPIC= is missing"
    message = f"{what}. Topics of dead letters are: {', '.join(names) or 'none'}"
    raise Problem(message)


def listed(clients: Clients, found: dict[Partition, Range]) -> int:
    """Print the last dead letters, the newest at the end; return the exit code."""
    most = clients.settings.last
    last = sorted(_newest(clients, found, most), key=lambda letter: letter.time)[-most:]
    for letter in last:
        say(f"{letter.label}  {shown(letter.time)}  {letter.origin}  {letter.reason}")
        say(f"    {letter.beginning}")
    total = sum(end - first for first, end in found.values())
    topic = clients.settings.topic
    if last:
        say(
            f"the last {len(last)} of {total} records. After the cause is mended: make dead-letters TOPIC={topic} RETRY=1"
        )
    else:
        say(f"✓ {topic} holds no dead letters")
    return 0


def _newest(clients: Clients, found: dict[Partition, Range], most: int) -> Iterator[Letter]:
    with closing(reader(clients.settings.kafka, "rta-dead-letters")) as consumer:
        for (topic, number), (first, end) in found.items():
            # Where something was removed, or a transaction ended, there are fewer than offsets.
            start = max(first, end - 2 * most)
            yield from map(Letter, deque(messages(consumer, TopicPartition(topic, number, start), end), most))
