"""`python -m dashboard.source`: writes all dashboards. Grafana and our own server read the JSON, never these modules."""

from __future__ import annotations

import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboard.source import boards
from operations.reconciler import files

FOLDER = Path(__file__).resolve().parent.parent / "grafana" / "dashboards"


def texts() -> dict[str, str]:
    """Return by file name what each file must hold."""
    names = sorted(module.name for module in pkgutil.iter_modules(boards.__path__))
    return {f"{name}.json": text(name) for name in names}


def text(name: str) -> str:
    """Return the JSON of one dashboard."""
    page = import_module(f"{boards.__name__}.{name}").page()
    return json.dumps(page.build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files. Those without a module were exported from Grafana by somebody, and stay as they are."""
    wanted = texts()
    for name, content in wanted.items():
        files.replace(FOLDER / name, content)
    sys.stdout.write(f"{FOLDER}: {', '.join(wanted)}\n")


if __name__ == "__main__":
    main()
