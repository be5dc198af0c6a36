"""The shared stack without its own reconciler, which would do by itself what the tests have theirs do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from operations.local import environment

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


@pytest.fixture(scope="module")
def reach(alone: Stack) -> dict[str, str]:
    """What a reconciler must be told to reach the stack's parts, under the names of its settings."""
    names = ("KAFKA_BOOTSTRAP_SERVERS", "QUESTDB_HTTP_URL", "QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD", "CONNECT_URL")
    rendered = environment.render(alone.settings)
    return {name: rendered[name] for name in names}
