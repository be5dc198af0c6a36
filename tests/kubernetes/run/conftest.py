"""One API server for the tests of this folder, with Strimzi's definitions, and our objects applied to it as the page says."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from control_plane import ControlPlane
from manifests import TO_ALL, TO_SECRETS

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = (
    *("dashboard", "deploy", "kafka", "kafka-connect-plugins", "monitoring", "questdb"),
    *("ingestion/simulator", "operations"),
)
ESTABLISHED = ("wait", "customresourcedefinition", "--all", "--for=condition=Established")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that knows Strimzi's kinds."""
    definitions = os.environ.get("STRIMZI_CRDS")
    if not definitions:
        pytest.fail("STRIMZI_CRDS must name a folder with Strimzi's definitions: install/cluster-operator of a release")
    with ControlPlane(tmp_path_factory.mktemp("control-plane")).running() as started:
        for path in sorted(Path(definitions).glob("*-Crd-*.yaml")):
            started.said("apply", "--server-side", "-f", path)
        started.said(*ESTABLISHED)
        yield started


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the manifests take their files from, which a test may edit."""
    root = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "target"))
    for file in (".env", "Makefile"):
        shutil.copy2(ROOT / file, root)
    (root / ".local").mkdir()
    (root / ".local" / "venv").symlink_to(sys.prefix)
    return root


@pytest.fixture(scope="session")
def applied(cluster: ControlPlane, checkout: Path) -> ControlPlane:
    """The same, after the page's commands: namespace and passwords, then everything else."""
    for commands in (TO_SECRETS, TO_ALL):
        cluster.run(commands, checkout)
    return cluster
