"""What would keep the stack from starting, found before anything starts and said with the setting that changes it."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import psutil

from operations.local.passwords import NAMES
from operations.local.processes import orphans as left
from operations.local.settings import PORTS

SHIPPED = Path(__file__).resolve().parents[2] / ".env"
# Without a user QuestDB asks nobody for the password of its REST interface.
PASSWORDS = ["QUESTDB_HTTP_USER", *NAMES]
DEFAULTS = {"", "quest"}
# What the processes take besides the heaps of the JVMs; `make bench-start` shows the real figures.
BESIDES_HEAPS = 700 * 2**20
SOCKET_PATH = 100  # bytes; the kernel's limit for a Unix socket is a little over that


def found(settings: dict[str, str]) -> list[str]:
    """Return a sentence for each obstacle; none means the stack can start."""
    # Orphans hold ports and memory, so nothing else is worth a sentence until they have ended.
    return orphans(settings) or [*passwords(settings), *ports(settings), *memory(settings), *path(settings)]


def orphans(settings: dict[str, str]) -> list[str]:
    """Name what still runs of a stack whose supervisor was killed."""
    return [
        f"our own {orphan} still runs, but its supervisor was killed or does not answer: run `make down`"
        for orphan in left(settings)
    ]


def passwords(settings: dict[str, str]) -> list[str]:
    """Refuse default passwords on any address that others can reach."""
    bind = settings["BIND_ADDRESS"]
    if ipaddress.ip_address(bind).is_loopback:
        return []
    weak = [name for name in PASSWORDS if settings[name] in DEFAULTS]
    return (
        [
            f"BIND_ADDRESS={bind} lets others in: set {', '.join(weak)} to values of your own, or let `make secrets` do it"
        ]
        if weak
        else []
    )


def ports(settings: dict[str, str]) -> list[str]:
    """Find ports that something else listens on."""
    optional = {
        "SIMULATOR_PORT": "START_SIMULATOR",
        "GRAFANA_PORT": "START_GRAFANA",
        "JUPYTER_PORT": "START_JUPYTER",
        "TELEGRAF_PORT": "START_TELEGRAF",
    }
    wanted = [*PORTS, *(port for port, start in optional.items() if settings[start] == "true")]
    taken = [name for name in wanted if not free(settings["BIND_ADDRESS"], int(settings[name]))]
    return [f"port {settings[name]} is in use: choose another by {name}= in .env or the environment" for name in taken]


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


def memory(settings: dict[str, str]) -> list[str]:
    """Find out whether the heaps and what comes with them fit into the memory that is available."""
    heaps = ["BROKER_HEAP", "CONNECT_HEAP", "QUESTDB_HEAP"]
    needed = BESIDES_HEAPS + sum(in_bytes(settings[heap]) for heap in heaps)
    available = psutil.virtual_memory().available
    if available >= needed:
        return []
    return [
        f"{available >> 20} MB of memory available, {needed >> 20} MB needed: close something, or lower {', '.join(heaps)}"
    ]


def in_bytes(size: str) -> int:
    """Return the bytes of a heap size as Java writes it: 256m, 1g."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1].lower()]


def path(settings: dict[str, str]) -> list[str]:
    """Refuse a folder whose name is too long for the supervisor's socket."""
    socket_path = settings["SUPERVISOR_SOCKET"]
    if len(socket_path.encode()) <= SOCKET_PATH:
        return []
    return [f"the path {socket_path} is too long for a socket: choose a shorter one by STATE_DIR="]
