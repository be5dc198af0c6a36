"""`python -m dashboard.source`: writes all dashboards. Grafana and our own server read the JSON, never these modules."""

from __future__ import annotations

import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboard.source import boards, optional
from operations.reconciler import files

if TYPE_CHECKING:
    from types import ModuleType

GRAFANA = Path(__file__).resolve().parent.parent / "grafana"
FOLDER = GRAFANA / "dashboards"


def texts(package: ModuleType = boards) -> dict[str, str]:
    """Return by file name what each file must hold."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {f"{name}.json": text(name, package) for name in names}


def text(name: str, package: ModuleType = boards) -> str:
    """Return the JSON of one dashboard."""
    page = import_module(f"{package.__name__}.{name}").page()
    return json.dumps(page.build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files. Those without a module were exported from Grafana by somebody, and stay as they are."""
    wanted = {FOLDER / name: content for name, content in texts().items()}
    wanted |= {GRAFANA / "optional" / Path(name).stem / name: content for name, content in texts(optional).items()}
    for path, content in wanted.items():
        files.replace(path, content)
    sys.stdout.write("\n".join(str(path.relative_to(GRAFANA)) for path in wanted) + "\n")


if __name__ == "__main__":
    main()
