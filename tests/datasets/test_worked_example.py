"""docs/your-own-data.md: its commands lead from a file to an alert, and to a stack without GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import copies
import page_commands
import pytest
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own() -> Iterator[Stack]:
    """A running stack of a copy of the checkout, whose files the page edits."""
    with copies.copy() as folder, Stack(folder, STATE_DIR=str(folder / ".local")) as chosen:
        yield chosen.up()


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_the_commands_of_the_page_work(own: Stack) -> None:
    for command in page_commands.commands(own.root / "docs" / "your-own-data.md"):
        page_commands.run(command, own)
    assert "github-events" not in own.parts
    assert "✗" not in own.make("status").stdout
