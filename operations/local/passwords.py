"""`make secrets`: random passwords, tokens and a certificate, in a file that git ignores and this user alone may read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from operations.local import certificates
from operations.reconciler import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NAMES = ("QUESTDB_PASSWORD", "QUESTDB_READONLY_PASSWORD", "QUESTDB_HTTP_PASSWORD", "GRAFANA_PASSWORD", "JUPYTER_TOKEN")
# What SECURITY=on needs besides: a password of each user of Kafka, and of Kafka Connect's REST interface.
SECURED = (
    *(f"KAFKA_{user}_PASSWORD" for user in ("BROKER", "RECONCILER", "CONNECT", "POLLER", "MONITORING", "TOOLS")),
    "CONNECT_HTTP_PASSWORD",
)
USERS = {"QUESTDB_HTTP_USER": "admin", "CONNECT_HTTP_USER": "admin"}
BYTES = 24  # of randomness each
HEAD = """# Written by `make secrets`. Overrides .env for `make`, and for Docker Compose after
#   export COMPOSE_ENV_FILES=.env,.env.secrets
"""


def made(hosts: Iterable[str]) -> dict[str, str]:
    """Return a value for every secret of the stack; the certificate is for `hosts`."""
    random = {name: secrets.token_urlsafe(BYTES) for name in (*NAMES, *SECURED)}
    return {**USERS, **random, **certificates.make(hosts)}


def write(path: Path, known: Mapping[str, str], hosts: Iterable[str]) -> list[str]:
    """Add to the file what is not `known` there yet; return the names that were added.

    What is there stays: it may be in use. A certificate, its key and its authority are made together.
    """
    new = {name: value for name, value in made(hosts).items() if not known.get(name)}
    if new.keys() & set(certificates.NAMES):
        new |= certificates.make(hosts)
    text = "".join(f"{name}={value}\n" for name, value in new.items())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.write(text if known else HEAD + text)
    return list(new)


def write_authority(folder: Path, pem: str) -> Path:
    """Write the authority's certificate, as clients of Kafka want it, to ca.pem in `folder`; return where it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "ca.pem"
    files.replace(path, certificates.lines(pem))
    return path
