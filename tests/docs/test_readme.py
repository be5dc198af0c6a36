"""The commands of the README work, in its order, on a stack of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import page_commands
import pytest
from stack import Stack
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

README = ROOT / "README.md"
COMMANDS = page_commands.commands(README)


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that the README's own `make up` starts."""
    with Stack() as chosen:
        yield chosen


def test_commands_of_the_readme_work(own: Stack) -> None:
    assert COMMANDS[0].text == "make up\n"
    assert COMMANDS[-1].text.endswith("make down\n")
    for number, command in enumerate(COMMANDS):
        page_commands.run(command, own)
        if number == 0:
            until(lambda: own.count("github_events") > 0, "first rows", 30)


def test_readme_stays_a_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 130
