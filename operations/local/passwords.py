"""`make secrets`: random passwords and tokens, in a file that git ignores and this user alone may read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("QUESTDB_PASSWORD", "QUESTDB_READONLY_PASSWORD", "QUESTDB_HTTP_PASSWORD", "GRAFANA_PASSWORD", "JUPYTER_TOKEN")
BYTES = 24  # of randomness each
HEAD = """# Written by `make secrets`. Overrides .env for `make`, and for Docker Compose after
#   export COMPOSE_ENV_FILES=.env,.env.secrets
"""


def write(path: Path) -> None:
    """Write a new file; FileExistsError if there is one, for its passwords may be in use."""
    # A login by HTTP is asked for only where there is a user.
    lines = ["QUESTDB_HTTP_USER=admin", *(f"{name}={secrets.token_urlsafe(BYTES)}" for name in NAMES)]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(lines) + "\n")
