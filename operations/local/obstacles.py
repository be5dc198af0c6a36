"""What would keep the stack from starting, found before anything starts and said with the setting that changes it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING

import psutil

from operations.local.passwords import NAMES
from operations.local.programs import programs
from operations.local.settings import THIS_MACHINE, Ports

if TYPE_CHECKING:
    from operations.local.settings import Settings

# Without a user QuestDB asks nobody for the password of its REST interface.
PASSWORDS = ("QUESTDB_HTTP_USER", *NAMES)
DEFAULTS = {"", "quest"}
# What the processes take besides the heaps of the JVMs; `make bench-start` shows the real figures.
BESIDES_HEAPS = 700 * 2**20
SOCKET_PATH = 100  # bytes; the kernel's limit for a Unix socket is a little over that
# Ports that never leave this machine, and those of parts that do not always start.
INSIDE = ("kafka_controller", "broker_jmx", "broker_jolokia", "connect", "connect_jolokia", "questdb_ilp")
OPTIONAL = ("grafana", "jupyter", "simulator", "telegraf")


def found(settings: Settings) -> list[str]:
    """Return a sentence for each obstacle; none means the stack can start."""
    return [*passwords(settings), *ports(settings), *memory(settings), *path(settings)]


def passwords(settings: Settings) -> list[str]:
    """Refuse default passwords on any address that others can reach."""
    bind = settings.bind_address
    if ipaddress.ip_address(bind).is_loopback:
        return []
    weak = [name for name in PASSWORDS if settings.chosen[name] in DEFAULTS]
    return (
        [
            f"BIND_ADDRESS={bind} lets others in: set {', '.join(weak)} to values of your own, or let `make secrets` do it"
        ]
        if weak
        else []
    )


def ports(settings: Settings) -> list[str]:
    """Find ports that something else listens on."""
    started = {program.name for program in programs(settings)}
    wanted = {name: port for name, port in asdict(settings.ports).items() if name not in OPTIONAL or name in started}
    taken = [
        name
        for name, port in wanted.items()
        if not free(THIS_MACHINE if name in INSIDE else settings.bind_address, port)
    ]
    return [
        f"port {wanted[name]} is in use: choose another by {Ports.setting(name)}= in .env or the environment"
        for name in taken
    ]


def free(bind: str, port: int) -> bool:
    """Tell whether one can listen on `port` of address `bind`."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        # As the servers themselves do, or a connection that has just ended would count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def memory(settings: Settings) -> list[str]:
    """Find out whether the heaps and what comes with them fit into the memory that is available."""
    needed = BESIDES_HEAPS + sum(map(in_bytes, settings.heaps.values()))
    available = psutil.virtual_memory().available
    if available >= needed:
        return []
    return [
        f"{available >> 20} MB of memory available, {needed >> 20} MB needed: close something, or lower {', '.join(settings.heaps)}"
    ]


def in_bytes(size: str) -> int:
    """Return the bytes of a heap size as Java writes it: 256m, 1g."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1].lower()]


def path(settings: Settings) -> list[str]:
    """Refuse a folder whose name is too long for the supervisor's socket."""
    socket_path = settings.supervisor_socket
    if len(bytes(socket_path)) <= SOCKET_PATH:
        return []
    return [f"the path {socket_path} is too long for a socket: choose a shorter one by STATE_DIR="]
