"""The shared stack without its own reconciler, which would do by itself what the tests have theirs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack


@pytest.fixture(scope="module")
def alone(stack: Stack) -> Iterator[Stack]:
    """The shared stack; its reconciler is started again after the last test of the module."""
    stack.stop("reconciler")
    yield stack
    stack.start("reconciler")
    stack.healthy("reconciler")
