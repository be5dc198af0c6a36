"""What kustomize makes of deploy/kubernetes, with each feed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests import MANIFESTS, Objects

TOOLS = Path(__file__).parent / "tools"


@pytest.fixture(scope="session")
def kustomize() -> list[str]:
    """The command that renders a folder: kustomize as Go builds it (once, half a minute), or that of kubectl."""
    commands = {"go": ["go", "-C", str(TOOLS), "tool", "kustomize", "build"], "kubectl": ["kubectl", "kustomize"]}
    found = next((command for program, command in commands.items() if shutil.which(program)), None)
    if found is None:
        missing = "neither Go, which could build kustomize, nor kubectl is installed"
        (pytest.fail if os.environ.get("REQUIRE_TOOLCHAINS") else pytest.skip)(missing)
    # Go fetches and builds it the first time, and says so on standard error, where no word is let through.
    subprocess.run([*found, "--help"], capture_output=True, check=True)
    return found


@pytest.fixture(scope="session")
def rendered(kustomize: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    """All objects by feed: as the folder is, and with its component for the simulator."""
    folder = tmp_path_factory.mktemp("simulated")
    base = os.path.relpath(MANIFESTS, folder)
    overlay = {"resources": [base], "components": [f"{base}/simulator"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return {"github": render(kustomize, MANIFESTS), "simulator": render(kustomize, folder)}


def render(kustomize: list[str], folder: Path) -> Objects:
    answer = subprocess.run([*kustomize, str(folder)], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    return list(yaml.safe_load_all(answer.stdout))


@pytest.fixture(params=["github", "simulator"])
def objects(request: pytest.FixtureRequest, rendered: dict[str, Objects]) -> Objects:
    """The objects of each feed in turn."""
    return rendered[request.param]
