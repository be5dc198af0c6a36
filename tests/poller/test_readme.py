"""The commands that ingestion/README.md shows build and run each poller."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka_broker import ROOT
from pollers import LANGUAGES, Language, Poller, Simulator

README = (ROOT / "ingestion/README.md").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r"<!-- runs: (\w+) -->\n```\n(.*?)```", README, re.DOTALL))


@pytest.fixture
def environment(language: Language, tmp_path: Path) -> dict[str, str]:
    """A new virtual environment for Python, as the README advises; the machine's own tools for the others."""
    if language.name != "python":
        return dict(os.environ)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    return os.environ | {"PATH": f"{tmp_path}/venv/bin:{os.environ['PATH']}"}


@pytest.fixture
def root(language: Language, tmp_path: Path) -> Path:
    """Where the commands run. Maven writes the jar anew, which other tests may be running: it gets a copy of the sources."""
    if language.name != "java":
        return ROOT
    sources, copy = ROOT / language.folder, tmp_path / "root"
    shutil.copytree(sources, copy / language.folder, ignore=shutil.ignore_patterns("target"))
    return copy


def test_all_languages_are_shown() -> None:
    assert {language.name for language in LANGUAGES} <= COMMANDS.keys()


def test_commands_work(
    simulate: Callable[..., Simulator],
    poller: Callable[[str], Poller],
    language: Language,
    environment: dict[str, str],
    root: Path,
) -> None:
    run = poller(simulate("--anonymous-limit", "100000").url)
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", COMMANDS[language.name]],
        cwd=root,
        env=environment | run.environ | {"MAX_POLLS": "1", "POLL_INTERVAL": "polite"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert len(run.events()) > 250
