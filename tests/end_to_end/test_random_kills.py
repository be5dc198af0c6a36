"""Parts killed, suspended and added at random during a load: nothing is lost or double, no task stands still or dies.

`make test-kill ROUNDS=20` is the long version; `make test` takes two kinds of faults at random. The seed is printed and can be
given (SEED). It fixes the events and the order of the faults, not the moment that each finds its victim in. After each fault
every group has to be without lag within 30 seconds, and no committed offset may ever go back.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import secrets
import time
from typing import TYPE_CHECKING

import requests
from consumer_group import SecondWorker, Watch, member_joins_and_leaves
from load import NEWEST, Load
from waiting import last, until

from operations.local.settings import ROOT
from operations.reconciler import connectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack import Stack

    Fault = Callable[[Stack, Load, random.Random], str]

NAMES = tuple(connectors.read(ROOT / "kafka-connect-plugins" / "connectors"))
ROUNDS = int(os.environ.get("ROUNDS") or "2")
SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
EVENTS = int(os.environ.get("EVENTS") or "20000")  # a round
VICTIMS = ("broker", "kafka-connect", "questdb")
BATCH = 2000  # rows: a task that has two such requests to send holds back, which is what a rebalance has to meet
PARTITIONS = 4  # one for each member, also when a fourth joins the three tasks that there may be
STANDSTILL = 9.0  # seconds, longer than the session of a member, which is 6
CATCH_UP = 30.0  # seconds
LATE = 7200.0  # seconds after it happened: an event that arrives then, or later still, is late


def kills(stack: Stack, load: Load, draw: random.Random) -> str:
    """Kill some parts in any order."""
    before = load.sent
    load.send(EVENTS)
    load.until_stored(before + draw.randrange(EVENTS // 2))
    victims = draw.sample(VICTIMS, draw.randint(1, len(VICTIMS)))
    for victim in victims:
        stack.kill(victim)
    stack.healthy(*VICTIMS)
    return f"killed {', '.join(victims)}"


@contextlib.contextmanager
def without_questdb(stack: Stack, load: Load, draw: random.Random) -> Iterator[str]:
    """Let QuestDB stand still or be away until the tasks hold back, and for the body."""
    end, begin, what = draw.choice(
        [(stack.suspend, stack.resume, "QuestDB suspended"), (stack.stop, stack.start, "QuestDB stopped")]
    )
    end("questdb")
    load.send(EVENTS)
    load.until_written()
    until(lambda: holds_back(stack, load), "the tasks hold back", 60, lambda: stack.log("kafka-connect"))
    yield what
    begin("questdb")


def holds_back(stack: Stack, load: Load) -> bool:
    """Return whether the tasks have read records and for a while read no more."""
    before = records_read(stack, load)
    last(2, "the tasks reading")
    return records_read(stack, load) == before > 0


def records_read(stack: Stack, load: Load) -> float:
    """Return how many records all tasks have read since they were started."""
    mbean = f"kafka.connect:type=sink-task-metrics,connector={load.name},task=*"
    jolokia = f"http://127.0.0.1:{stack.settings.ports.connect_jolokia}/jolokia"
    answer = requests.get(f"{jolokia}/read/{mbean}/sink-record-read-total", timeout=10)
    return sum(float(task["sink-record-read-total"]) for task in answer.json()["value"].values())


def member(stack: Stack, load: Load, draw: random.Random) -> str:
    """Let a member join the group and leave it."""
    with without_questdb(stack, load, draw) as what:
        bootstrap = stack.settings.kafka_bootstrap_servers
        member_joins_and_leaves(bootstrap, load.name, f"connect-{load.name}")
    return f"{what}, a member joined and left"


def standstill(stack: Stack, load: Load, draw: random.Random) -> str:
    """Let the worker stand still for longer than its session."""
    with without_questdb(stack, load, draw) as what:
        stack.suspend("kafka-connect")
        last(STANDSTILL, "the standstill")
        stack.resume("kafka-connect")
    return f"{what}, the worker stood still"


def tasks(stack: Stack, load: Load, draw: random.Random) -> str:
    """Change how many tasks the connector has."""
    with without_questdb(stack, load, draw) as what:
        before = len(stack.connector(load.name)["tasks"])
        wanted = draw.choice([count for count in (1, 2, 3) if count != before])
        load.set_tasks(wanted)
        until(
            lambda: [task["state"] for task in stack.connector(load.name)["tasks"]] == ["RUNNING"] * wanted,
            f"{wanted} tasks",
            60,
            lambda: stack.log("kafka-connect"),
        )
    return f"{what}, {wanted} tasks instead of {before}"


def worker(stack: Stack, load: Load, draw: random.Random) -> str:
    """Let a second worker join and leave."""
    with without_questdb(stack, load, draw) as what:
        second = SecondWorker(stack.settings)

        def works() -> bool:
            tasks = [task for name in (*NAMES, load.name) for task in stack.connector(name)["tasks"]]
            return any(task["worker_id"] == second.address for task in tasks)

        kill = draw.random() < 1 / 2
        try:
            until(works, "a task on the second worker", 120, lambda: stack.log("second-worker"))
        finally:
            second.stop(kill=kill)
    until(
        lambda: load.states() == {"RUNNING"} and not works(), "all tasks back", 60, lambda: stack.log("kafka-connect")
    )
    return f"{what}, a second worker joined and {'was killed' if kill else 'left'}"


def partition(stack: Stack, load: Load, draw: random.Random) -> str:
    """Add a partition to the topic."""
    with without_questdb(stack, load, draw) as what:
        load.add_partition()
    return f"{what}, a partition added"


FAULTS: tuple[Fault, ...] = (kills, member, standstill, tasks, worker, partition)


def chosen(draw: random.Random) -> list[Fault]:
    """Return the faults of all rounds: every kind before any comes again."""
    found: list[Fault] = []
    while len(found) < ROUNDS:
        found += draw.sample(FAULTS, len(FAULTS))
    return found[:ROUNDS]


def test_random_kills(stack: Stack) -> None:
    print(f"SEED={SEED} ROUNDS={ROUNDS}")  # noqa: T201 - to repeat what failed
    draw = random.Random(SEED)  # noqa: S311 - no secret
    # From half a million rows on, a third of the events waits: those that are older than two hours when they arrive.
    late_after = int(1000 * (time.time() - NEWEST + LATE))
    late = {"late__rows__wait__ms": "3000", "late__rows__after__ms": str(late_after)}
    load = Load(stack, SEED, partitions=PARTITIONS, tasks__max="2", batch__max__rows=str(BATCH), **late)
    load.send(BATCH)
    load.until_stored(BATCH)  # the tasks have read, and know the table
    before = restarts(stack)
    with Watch(stack.settings.kafka_bootstrap_servers, *NAMES, load.name) as watch:
        for number, fault in enumerate(chosen(draw), 1):
            what = fault(stack, load, draw)
            stack.healthy(*VICTIMS)
            load.until_written()
            mended = time.monotonic()
            watch.until_caught_up(CATCH_UP, **{load.name: load.partitions})
            print(f"{number:3} {what}: no lag {time.monotonic() - mended:.0f} s later")  # noqa: T201 - a long run
        load.check()
    assert watch.went_back == []
    assert load.states() == {"RUNNING"}
    stack.healthy()
    assert restarts(stack) == before
    load.remove()


def restarts(stack: Stack) -> int:
    """Return how often the reconciler has restarted what had failed in Connect."""
    metrics = requests.get(stack.settings.reconciler_url + "/metrics", timeout=30).text
    found = re.search(r"^stack_reconciler .*restarts=(\d+)i", metrics, re.MULTILINE)
    assert found, metrics
    return int(found[1])
