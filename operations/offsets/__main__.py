"""`make lag`, `make replay`, `make skip`, `make dead-letters`: what a person does with offsets."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from operations.local import interrupts
from operations.local.console import ended, say
from operations.local.settings import load
from operations.offsets import dead_letters, moves
from operations.offsets.clients import FAILURES, Clients, sentence
from operations.offsets.lag import lag

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.local.settings import Settings

COMMANDS = {"lag": lag, "replay": moves.replay, "skip": moves.skip, "dead-letters": dead_letters.run}


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.offsets", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    interrupts.catch()
    return ended(lambda: run(command, load()))


def run(command: Callable[[Clients], int], settings: Settings) -> int:
    """Run it on the stack that the settings mean; return the exit code."""
    try:
        return command(Clients(settings))
    except FAILURES as error:
        say(f"✗ {sentence(error, settings)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
