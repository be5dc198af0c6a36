"""Datasets that are off until DATASETS names them.

All programs in Python read the setting here. Docker Compose starts parts by it, operations/docker/preflight.sh links dashboards.

The files of all other datasets lie in a folder for each kind: kafka/topics, questdb/schema and so on. Those of an optional dataset
lie beside it, in optional/NAME, under the same names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = "optional"
CONNECTORS = ROOT / "kafka-connect-plugins" / OPTIONAL  # every dataset has a connector
REGISTRY = ".apicurio.registry.url"  # ends a setting of connectors that read by the schema registry


def known(folder: Path = CONNECTORS) -> tuple[str, ...]:
    """Return the names of all optional datasets, sorted."""
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(path.name for path in found if path.is_dir() and not path.name.startswith(".")))


def chosen(text: str, folder: Path = CONNECTORS) -> tuple[str, ...]:
    """Return the datasets that a value of DATASETS switches on, each once.

    Raises:
        Problem: there is no such dataset.

    """
    names, all_names = tuple(dict.fromkeys(name for name in text.split(",") if name)), known(folder)
    if unknown := [name for name in names if name not in all_names]:
        message = f"DATASETS={text}: there is no dataset {unknown[0]!r}. Choose of {','.join(all_names)}, with commas and no spaces"
        raise Problem(message)
    return names


def folders(folder: Path, on: Iterable[str]) -> list[Path]:
    """Return `folder` and those of the datasets that are on; not each dataset has files of each kind."""
    beside = (folder.parent / OPTIONAL / name for name in on)
    return [folder, *(path for path in beside if path.is_dir())]


def need_registry(names: Iterable[str], folder: Path = CONNECTORS) -> bool:
    """Tell whether a connector of these datasets asks the schema registry."""
    connectors = [path for name in names for path in sorted((folder / name).glob("[!.]*.json"))]
    return any(key.endswith(REGISTRY) for path in connectors for key in json.loads(path.read_text(encoding="utf-8")))
