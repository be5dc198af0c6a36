"""Commands of a page, which run in its order on a stack of the test's own, and what the page says that they print."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from stack import Stack

BLOCK = re.compile(r"<!-- (runs|prints) -->\n```\n(.*?)```", re.DOTALL)


@dataclass
class Command:
    """A block that runs, and the lines that it must print."""

    text: str
    prints: tuple[str, ...] = ()


def commands(page: Path) -> list[Command]:
    """Return the commands of a page."""
    found: list[Command] = []
    for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "runs":
            found.append(Command(text))
        else:
            found[-1].prints = tuple(text.splitlines())
    return found


def run(command: Command, stack: Stack) -> str:
    """Run a command in the stack's checkout; fail unless it succeeds and prints what it must; return what it printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", on_own_ports(command.text, stack)],
        cwd=stack.root,
        env=os.environ | stack.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{command.text}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    assert '"error"' not in done.stdout, said
    assert [line for line in command.prints if line not in done.stdout] == [], said
    return done.stdout


def on_own_ports(command: str, stack: Stack) -> str:
    """Return `command` with the ports of this stack in place of the default ones."""
    for name, default in (("CONNECT_PORT", "8083"), ("QUESTDB_HTTP_PORT", "9000")):
        command = command.replace(f"localhost:{default}", f"localhost:{stack.environment[name]}")
    return command
