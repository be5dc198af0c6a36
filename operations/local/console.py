"""What the commands print and ask."""

from __future__ import annotations

import sys


def say(text: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def agreed(settings: dict[str, str]) -> bool:
    """Ask whether to go on; `YES=1` answers, and where nobody can answer that is a no."""
    if settings.get("YES"):
        return True
    try:
        return input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        say("nobody can answer here: YES=1 does")
        return False
