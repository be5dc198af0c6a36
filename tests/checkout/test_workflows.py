"""The workflows: what they call exists, and what they publish is what docker-compose.yml takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from questdb_server import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> dict[str, Any]:
    """Return a workflow."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return parsed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_and_no_registry_is_named(path: Any) -> None:  # noqa: ANN401 - pytest's parameter
    text = path.read_text(encoding="utf-8")
    assert all(re.search(r"@[0-9a-f]{40}\b", used) for used in re.findall(r"uses: (.*)", text))
    assert not re.search(r"\b(?:[a-z0-9-]+\.)+(?:io|com|org)\b", text)


def test_what_is_published_is_what_compose_takes() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    taken = set(re.findall(r"\$\{IMAGES:-rta\}/([a-z-]+):", compose))
    workflow = read("publish.yml")
    (joining,) = [step["run"] for step in workflow["jobs"]["join"]["steps"] if "imagetools" in step["run"]]
    assert set(re.findall(r"for image in (.*?);", joining)[0].split()) == taken
    built = {
        step["run"].partition(" build ")[2] for step in workflow["jobs"]["build"]["steps"] if " build " in step["run"]
    }
    pushed = {
        step["run"].partition(" push ")[2] for step in workflow["jobs"]["build"]["steps"] if " push " in step["run"]
    }
    assert built == pushed == {"kafka-connect jupyter-notebook"}


def test_nothing_is_published_unless_the_fork_says_where() -> None:
    workflow = read("publish.yml")
    assert workflow["jobs"]["build"]["if"] == "vars.IMAGES != ''"
    assert workflow["jobs"]["join"]["needs"] == "build"
    assert workflow["permissions"] == {"contents": "read", "packages": "write"}
