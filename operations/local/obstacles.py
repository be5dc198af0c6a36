"""What would keep the stack from starting, found before anything starts and said with the setting that changes it."""

from __future__ import annotations

import errno
import ipaddress
import re
import shutil
import socket
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from operations.local import certificates
from operations.local.health import questdb
from operations.local.passwords import NAMES, SECURED
from operations.local.processes import orphans as left
from operations.local.programs import programs
from operations.local.settings import THIS_MACHINE, Ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.local.settings import Settings

# Without a user QuestDB asks nobody for the password of its REST interface.
PASSWORDS = ("QUESTDB_HTTP_USER", *NAMES)
DEFAULTS = {"", "quest"}
# What the processes take besides the heaps of the JVMs; `make bench-start` shows the real figures.
BESIDES_HEAPS = 700 * 2**20
SOCKET_PATH = 100  # bytes; the kernel's limit for a Unix socket is a little over that
# Ports that never leave this machine, and those of parts that do not always start.
INSIDE = (
    "kafka_internal",
    "kafka_controller",
    "broker_jmx",
    "broker_jolokia",
    "connect",
    "connect_jolokia",
    "schema_registry",
    "questdb_ilp",
)
DISK = 500 * 2**20  # bytes; a fresh stack takes 20 MB, the rest is for its first hours
LOGINS = ("QUESTDB_USER", "QUESTDB_READONLY_USER", "QUESTDB_HTTP_TOKEN", "GRAFANA_USER", *PASSWORDS)
# Names of settings, what their values may not have, and why. Everything else is allowed.
REFUSED = (
    (LOGINS, r"[\x00-\x1f\x7f\ud800-\udfff]", "a line break, another control character, or bytes that are not UTF-8"),
    (("QUESTDB_HTTP_USER",), ":", "a colon, which HTTP does not allow in a user's name"),
    (
        ("JUPYTER_TOKEN", "QUESTDB_HTTP_TOKEN"),
        r"[^!-~]",
        "a space or a character other than ASCII, which HTTP does not allow in a token",
    ),
    # Telegraf and Grafana would put something else in these places, and offer no other way to write them.
    (("QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD"), r"@\{\w+:\w+\}", "@{…:…}, which is a secret's name to Telegraf"),
    # These are written into settings of Kafka and the supervisor that have quotes and escapes of their own.
    ((*SECURED, "CONNECT_HTTP_USER"), r"[^A-Za-z0-9_-]", "another character than letters, digits, - and _"),
    (("GRAFANA_PASSWORD",), r"\$__\w+\{|%\([a-z_]+\)s", "$__…{ or %(…)s, which is another setting's name to Grafana"),
)
OPTIONAL = ("jupyter", "schema_registry", "simulator", "telegraf")


def found(settings: Settings) -> list[str]:
    """Return a sentence for each obstacle; none means the stack can start."""
    checks = (folder, java, address, passwords, logins, elsewhere, ports, memory, disk)
    # Orphans hold ports and memory, so nothing else is worth a sentence until they have ended.
    return path(settings) or orphans(settings) or [sentence for check in checks for sentence in check(settings)]


def orphans(settings: Settings) -> list[str]:
    """Name what still runs of a stack whose supervisor was killed."""
    return [
        f"our own {orphan} still runs, but its supervisor was killed or does not answer: run `make down`"
        for orphan in left(settings)
    ]


def folder(settings: Settings) -> list[str]:
    """Find out whether one can write to STATE_DIR."""
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.state_dir) as file:
            file.write(b"written")
    except OSError as error:
        return [f"can't write to {settings.state_dir} ({error.strerror}): choose another folder by STATE_DIR="]
    return []


def path(settings: Settings) -> list[str]:
    """Refuse a folder whose name is too long for the supervisor's socket, or means something to Kafka or a shell."""
    found, socket_path = [], settings.supervisor_socket
    if len(bytes(socket_path)) > SOCKET_PATH:
        found.append(f"the path {socket_path} is too long for a socket: choose a shorter one by STATE_DIR=")
    if "," in str(settings.state_dir):
        found.append(
            f"{settings.state_dir} has a comma, where Kafka ends a folder's name: choose another by STATE_DIR="
        )
    if not f"{settings.root}{settings.state_dir}".isprintable():
        found.append(
            f"{settings.root} or {settings.state_dir} has a character that can't be printed: rename that folder"
        )
    return found


def java(settings: Settings) -> list[str]:
    """Find out whether the JDK is where JAVA_HOME says."""
    if shutil.which(settings.java, path=settings.chosen.get("PATH")):
        return []
    return [f"{settings.java} is no program: set JAVA_HOME to the folder of a JDK 17 or newer"]


def address(settings: Settings) -> list[str]:
    """Refuse an address that not every part can listen on."""
    bind = settings.bind_address
    if ":" in bind:
        return [
            f"BIND_ADDRESS={bind}: QuestDB listens on IPv4 only; write {THIS_MACHINE}, or an IPv4 address of this machine"
        ]
    if _trouble(bind, 0) == errno.EADDRNOTAVAIL:
        return [
            f"BIND_ADDRESS={bind} is no address of this machine: write {THIS_MACHINE}, or one that `ip address` shows"
        ]
    return []


def passwords(settings: Settings) -> list[str]:
    """Refuse default passwords on any address that others can reach, and where logins are asked for."""
    bind = settings.bind_address
    needed = {
        f"BIND_ADDRESS={bind} lets others in": () if ipaddress.ip_address(bind).is_loopback else PASSWORDS,
        "SECURITY=on": (*PASSWORDS, *SECURED, "CONNECT_HTTP_USER", *certificates.NAMES) if settings.secured else (),
    }
    weak = {why: [name for name in names if settings.chosen[name] in DEFAULTS] for why, names in needed.items()}
    return [
        f"{why}: set {', '.join(names)} to values of your own, or let `make secrets` do it"
        for why, names in weak.items()
        if names
    ]


def logins(settings: Settings) -> list[str]:
    """Refuse the few characters that a login can't have. No sentence shows the login."""
    return [
        f"{name} has {what}: choose another"
        for names, pattern, what in REFUSED
        for name in names
        if re.search(pattern, settings.chosen[name])
    ]


def elsewhere(settings: Settings) -> list[str]:
    """Find out whether a QuestDB that is not ours can be used as the settings say."""
    if not settings.external:
        return []
    if settings.questdb.token and settings.questdb.user:
        return ["QUESTDB_HTTP_TOKEN and QUESTDB_HTTP_USER are both set: leave one of them empty"]
    if settings.questdb_ca and not Path(settings.questdb_ca).is_file():
        return [
            f"QUESTDB_CA={settings.questdb_ca} is no file: name one with the certificate of QuestDB's authority (PEM)"
        ]
    problem = questdb(settings)
    return [f"QUESTDB_URL={settings.questdb_http_url} can't be used ({problem}): {_remedy(problem)}"] if problem else []


def _remedy(problem: str) -> str:
    if "SSL" in problem:
        return "its certificate is of no authority that is trusted, or of another host; QUESTDB_CA names a private authority"
    if problem.startswith("HTTP 40"):
        return "set its login, QUESTDB_HTTP_USER and QUESTDB_HTTP_PASSWORD, or QUESTDB_HTTP_TOKEN"
    return "see that it runs, and that this machine reaches it"


def ports(settings: Settings) -> list[str]:
    """Find ports that two settings name, that something else listens on, or that this user may not listen on."""
    started = {program.name.replace("-", "_") for program in programs(settings)}
    wanted = {
        name: port
        for name, port in asdict(settings.ports).items()
        if (name not in OPTIONAL or name in started) and not (settings.external and name.startswith("questdb_"))
    }
    return [*_twice(wanted), *(sentence for name, port in wanted.items() for sentence in _taken(name, port, settings))]


def _twice(wanted: Mapping[str, int]) -> list[str]:
    named: dict[int, list[str]] = {}
    for name, port in wanted.items():
        named.setdefault(port, []).append(Ports.setting(name))
    return [
        f"{' and '.join(names)} are both {port}: give each a port of its own"
        for port, names in named.items()
        if names[1:]
    ]


def _taken(name: str, port: int, settings: Settings) -> list[str]:
    setting = Ports.setting(name)
    number = _trouble(THIS_MACHINE if name in INSIDE else settings.bind_address, port)
    if number == errno.EACCES:
        return [f"port {port} is for root only: choose one from 1024 on by {setting}= in .env or the environment"]
    if number in {None, errno.EADDRNOTAVAIL}:
        return []
    return [f"port {port} is in use: choose another by {setting}= in .env or the environment"]


def free(bind: str, port: int) -> bool:
    """Tell whether one can listen on `port` of address `bind`."""
    return _trouble(bind, port) is None


def _trouble(bind: str, port: int) -> int | None:
    """Return the error number of an attempt to listen on `port` of address `bind`, None if it succeeds."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        # As the servers themselves do, or a connection that has just ended would count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            return error.errno
    return None


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


def disk(settings: Settings) -> list[str]:
    """Find out whether the disk has room for a start; `make check` warns of a disk that fills up later."""
    free = shutil.disk_usage(settings.state_dir).free if settings.state_dir.exists() else DISK
    if free >= DISK:
        return []
    return [f"{free >> 20} MB are free in {settings.state_dir}, {DISK >> 20} MB needed: make room, or set STATE_DIR="]
