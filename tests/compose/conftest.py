"""Docker Compose itself, wherever this machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(__file__).parent / "tools"
BUILT = ROOT / ".local" / "bin" / "docker-compose"


def works(command: list[str]) -> bool:
    """Tell whether `command` is a Docker Compose of version 2 or newer."""
    if shutil.which(command[0]) is None:
        return False
    answer = subprocess.run([*command, "version"], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and "version 1." not in answer.stdout


def build() -> list[str]:
    """Build Compose from its Go module, pinned in tools/go.mod; takes two minutes, once."""
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    command = ["go", "build", "-o", str(BUILT), "github.com/docker/compose/v2/cmd"]
    subprocess.run(command, cwd=TOOLS, check=True, env={**os.environ, "GOFLAGS": "-buildvcs=false"})
    return [str(BUILT)]


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """The command that runs Docker Compose: what is installed, else our own build."""
    for command in (["docker", "compose"], ["docker-compose"], [str(BUILT)]):
        if works(command):
            return command
    if shutil.which("go") is None:
        pytest.skip("neither Docker Compose nor Go, which could build it, is installed")
    return build()
