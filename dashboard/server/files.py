"""The files that a page is made of. The preview puts them into its own page, so nothing here needs the server's libraries."""

from __future__ import annotations

import importlib.util
from pathlib import Path

STATIC = Path(__file__).parent / "static"


def plotly() -> Path:
    """Return Plotly's script. It comes with the Python package, which need not be imported (and takes 20 MB if it is)."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        message = "the Python package plotly is not installed: run `make build`"
        raise ModuleNotFoundError(message)
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"
