"""Docker Compose itself, wherever this machine has it."""

from __future__ import annotations

import engine
import pytest


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """The command that runs Docker Compose."""
    command = engine.compose()
    if command is None:
        pytest.skip("neither Docker Compose nor Go, which could build it, is installed")
    return command
