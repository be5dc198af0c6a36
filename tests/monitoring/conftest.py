"""A stack that no other test has left anything in: alerts must be off before a fault turns them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack of these tests' own."""
    started = Stack()
    try:
        started.up()
        yield started
    finally:
        started.remove()
