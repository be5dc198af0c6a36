"""What can happen to the containers of a stack, and is repaired again. Needs to be root of the machine that they run on."""

from __future__ import annotations

import contextlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from containers import Containers, docker, run
from waiting import last

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from load import Load

    Fault = Callable[[Containers, Load, random.Random], str]

# Longer than any session and the 10 seconds after which the older template's tasks died.
HOLD = float(os.environ.get("OUTAGE_SECONDS", "20"))
EVENTS = 20_000  # of the load during a fault
DISK = 2 * 2**30  # bytes
NOBODY = "02:00:00:00:00:00"  # a hardware address that no container has

VICTIMS = ("broker", "kafka-connect", "questdb", "github-events", "reconciler")
PAIRS = (
    ("simulator", "github-events"),
    ("github-events", "broker"),
    ("broker", "kafka-connect"),
    ("kafka-connect", "questdb"),
    ("reconciler", "broker"),
    ("reconciler", "kafka-connect"),
    ("reconciler", "questdb"),
    ("telegraf", "questdb"),
)


@contextlib.contextmanager
def prepared() -> Iterator[Containers]:
    """Make what faults.yml needs; yield containers that have not been started."""
    assert os.geteuid() == 0, "disks and networks of containers are changed by root only"
    with tempfile.TemporaryDirectory(prefix="rta-faults-") as name:
        image = Path(name) / "disk"
        with image.open("wb") as file:
            file.truncate(DISK)
        run("mkfs.ext4", "-q", "-m", "0", image)
        run("debugfs", "-w", "-R", "rmdir lost+found", image)  # QuestDB's image looks into all folders of its volume
        device = run("losetup", "--find", "--show", image).strip()
        try:
            # So few events that the window of 300 holds those of minutes: what a poller was killed with is still shown afterwards.
            with Containers("tests/compose/run/faults.yml", SIMULATOR_RATE="2", FAULTS_DISK=device) as stack:
                yield stack
        finally:
            run("losetup", "--detach", device)


def kills(stack: Containers, load: Load, draw: random.Random) -> str:
    """Kill some parts in any order; each is started again, but not by us."""
    load.until_stored(load.sent - draw.randrange(1, EVENTS // 2))
    victims = draw.sample(VICTIMS, draw.randint(1, len(VICTIMS)))
    stack.killed_and_back(*victims, seconds=90)
    return f"killed {', '.join(victims)}"


def partition(one: str, other: str, stack: Containers, load: Load, draw: random.Random) -> str:  # noqa: ARG001 - each fault's
    """Let no packet pass between two containers: each looks for the other at an address that nobody has."""
    ways = [(stack.network(one), stack.address(other)), (stack.network(other), stack.address(one))]
    for network, address in ways:
        run(*network, "ip", "neigh", "replace", address, "lladdr", NOBODY, "nud", "permanent", "dev", "eth0")
    last(HOLD, "the fault")
    for network, address in ways:
        run(*network, "ip", "neigh", "delete", address, "dev", "eth0")
    return f"no network between {one} and {other}"


def disk_full(stack: Containers, load: Load, draw: random.Random) -> str:  # noqa: ARG001 - each fault's
    """Leave QuestDB no space, so that it can't store the load."""
    volume = Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{stack.project}_questdb").strip())
    filler = volume / "filler"
    assert "No space left" in run("dd", "if=/dev/zero", f"of={filler}", "bs=1M", check=False)
    load.send(50 * EVENTS)
    last(HOLD, "the fault")
    stored, sent = load.rows(), load.sent
    filler.unlink()
    assert stored < sent, "the disk was not full"
    return "disk of QuestDB full"


def standstill(stack: Containers, load: Load, draw: random.Random) -> str:  # noqa: ARG001 - each fault's
    """Let one part stand still; when it goes on, its clocks have jumped."""
    name = draw.choice(VICTIMS)
    stack.suspend(name)
    last(HOLD, "the fault")
    stack.resume(name)
    return f"{name} stood still"


def deck() -> list[Fault]:
    """Return all faults; each lasts, is repaired, and says what it was."""
    cuts: list[Fault] = [partial(partition, *pair) for pair in PAIRS]
    return [kills, kills, kills, *cuts, disk_full, standstill]
