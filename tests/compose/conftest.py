"""Docker Compose itself, wherever this machine has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import engine
import pytest

if TYPE_CHECKING:
    from containers import Containers
    from stack import Pipeline


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """The command that runs Docker Compose."""
    command = engine.compose()
    if command is None:
        pytest.skip("neither Docker Compose nor Go, which could build it, is installed")
    return command


@pytest.fixture(scope="module")
def containers(stack: Pipeline) -> Containers:
    """The running project."""
    return cast("Containers", stack)
