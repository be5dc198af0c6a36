"""`make backup`, `make restore FILE=…`: one file with QuestDB's data, what waits in the topics, and Grafana's changes."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from typing import TYPE_CHECKING

from operations.backup import creation, restoration
from operations.backup.failures import FAILURES, sentence
from operations.backup.lock import alone
from operations.backup.stacks import chosen
from operations.local import interrupts
from operations.local.console import ended, say
from operations.local.lock import exclusive
from operations.local.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from operations.backup.stacks import Stack
    from operations.local.settings import Settings

COMMANDS = {"create": creation.create, "restore": restoration.restore}


def default_file(settings: Settings) -> Path:
    """Return where a backup goes that was given no name."""
    folder = settings.state_dir / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # an earlier version left it open
    return folder / time.strftime("%Y-%m-%dT%H-%M-%SZ.tar.gz", time.gmtime())


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.backup", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    interrupts.catch()
    return ended(lambda: run(COMMANDS[command], load()))


def run(command: Callable[[Stack, Path], None], settings: Settings) -> int:
    """Run it on the stack that the settings mean; return the exit code."""
    if settings.external:
        say(
            f"✗ QuestDB is elsewhere (QUESTDB_URL={settings.questdb_http_url}): back it up, and restore it, where it runs"
        )
        return 1
    # While a restore is at work, `make up` and `make down` wait for its end.
    others = exclusive(settings) if command is restoration.restore else contextlib.nullcontext()
    try:
        with alone(settings.state_dir), others:
            command(chosen(settings), settings.file or default_file(settings))
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
