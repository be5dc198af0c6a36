"""`make backup`, `make restore FILE=…`: one file with QuestDB's data, what waits in the topics, and Grafana's changes."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from operations.backup import creation, restoration
from operations.backup.failures import FAILURES, sentence
from operations.backup.lock import alone
from operations.backup.stacks import chosen
from operations.local.console import say
from operations.local.settings import load

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130  # exit code, as shells have it
COMMANDS = {"create": creation.create, "restore": restoration.restore}


def default_file(settings: dict[str, str]) -> Path:
    """Return where a backup goes that was given no name."""
    folder = Path(settings["STATE_DIR"], "backups")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # an earlier version left it open
    return folder / time.strftime("%Y-%m-%dT%H-%M-%SZ.tar.gz", time.gmtime())


def interrupt(number: int, _: FrameType | None) -> None:
    """Turn a signal into what Ctrl-C raises."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.backup", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    for number in restoration.INTERRUPTS:
        signal.signal(number, interrupt)
    settings = load()
    try:
        file = Path(settings["FILE"]) if settings.get("FILE") else default_file(settings)
        with alone(Path(settings["STATE_DIR"])):
            COMMANDS[command](chosen(settings), file)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return 1
    except KeyboardInterrupt as error:
        say(f"✗ interrupted ({error or 'SIGINT'})")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
