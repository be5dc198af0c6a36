"""All languages write the same bytes: the same feed, the same faults, one topic of three partitions for each."""

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka_broker import Broker, Record
from pollers import LANGUAGES, ODD, Poller, Simulator, build

EVENTS = int(os.environ.get("POLLER_EVENTS") or 2000)
# What a round of three pages brings at least.
FRESH = 100
PARTITIONS = 3
FAULTS = (
    *("502", "reset", "truncated", "503", "short", "duplicates", "html", "cut-chunk", "301", "object", "504"),
    *(
        "reset-early",
        "duplicates-across",
        "null",
        "empty",
        "500",
        "403-secondary retry_after=1",
        "429-primary seconds=1",
    ),
)
FEED = (
    *("--start", "2026-11-24T04:00:00Z", "--step", "3", "--rate", "50", "--seed", "11", "--odd", ODD),
    *("--poll-interval", "0.05", "--anonymous-limit", "1000000000", "--secondary-limit", "1000000000"),
)
Content = tuple[list[list[Record]], list[Record], list[tuple[object, dict[str, str]]]]


def script(requests: int) -> str:
    """Return a fault for each seventh request: never two in a row on one page, so that all ask in the same order."""
    return "; ".join(f"{number} {fault}" for number, fault in zip(range(5, requests, 7), itertools.cycle(FAULTS)))


def content(broker: Broker, poller: Poller) -> Content:
    """Return the events by partition, those without a key, which may go to any, and the dead letters' data."""
    partitions = [broker.read(poller.topic, partition) for partition in range(PARTITIONS)]
    events = [[record for record in partition if record.key] for partition in partitions]
    keyless = sorted(
        (record for partition in partitions for record in partition if not record.key), key=lambda record: record.value
    )
    letters = broker.read(f"{poller.topic}_dlq")
    return events, keyless, [(json.loads(record.value), record.headers) for record in letters]


@pytest.mark.timeout(3600)
def test_same_bytes(broker: Broker, simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Keys, values and their order, in each partition."""
    rounds = EVENTS // FRESH
    simulator = simulate(*FEED, "--faults", script(4 * rounds))
    found: dict[str, Content] = {}
    for language in filter(build, LANGUAGES):
        (tmp_path / language.name).mkdir()
        run = Poller(language, tmp_path / language.name, broker, simulator.url, f"equal-{language.name}")
        broker.create(run.topic, partitions=PARTITIONS)
        broker.create(f"{run.topic}_dlq", run.polls_topic)
        run.environ |= {"MAX_POLLS": str(rounds), "POLL_INTERVAL": "0.05"}
        run.start()
        assert run.wait(3600) == 0
        found[language.name] = content(broker, run)
    assert len(found) > 1
    first, *others = found.values()
    events, keyless, letters = first
    assert sum(map(len, events)) >= EVENTS
    assert all([*events, keyless, letters])
    for name, other in zip(list(found)[1:], others, strict=True):
        assert other == first, f"{name} differs from {next(iter(found))}"
