"""The commands of the README work, in its order, on a stack of their own."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from stack import Stack
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"<!-- runs -->\n```\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that the README's own `make up` starts."""
    with Stack() as chosen:
        yield chosen


def test_commands_of_the_readme_work(own: Stack) -> None:
    assert COMMANDS[0] == "make up\n"
    assert COMMANDS[-1].endswith("make down\n")
    for number, command in enumerate(COMMANDS):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", on_own_ports(command, own)],
            cwd=ROOT,
            env=os.environ | own.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert '"error"' not in done.stdout, done.stdout
        if number == 0:
            until(lambda: own.count("github_events") > 0, "first rows", 30)


def on_own_ports(command: str, stack: Stack) -> str:
    """Return `command` with the ports of this stack in place of the default ones."""
    for name, default in (("CONNECT_PORT", "8083"), ("QUESTDB_HTTP_PORT", "9000")):
        command = command.replace(f"localhost:{default}", f"localhost:{stack.environment[name]}")
    return command


def test_readme_stays_a_page() -> None:
    assert len(README.splitlines()) <= 130
