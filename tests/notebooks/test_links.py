"""What the README, the docs and the notebooks point to is there: notebooks, dashboards, files, pictures."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *NOTEBOOKS]
PICTURES = sorted((ROOT / "docs" / "gallery").glob("*.png"))
GRAFANA = ROOT / "dashboard/grafana"
BOARDS = sorted([*GRAFANA.glob("dashboards/*.json"), *GRAFANA.glob("optional/*/*.json")])
DASHBOARDS = [json.loads(path.read_text(encoding="utf-8")) for path in BOARDS]
LARGEST_PICTURE = 150_000  # bytes


def text(page: Path) -> str:
    """Return the prose of a page or notebook."""
    content = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return content
    cells = json.loads(content)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_dashboards_are_provisioned(page: Path) -> None:
    linked = set(re.findall(r"localhost:3000/d/([\w-]+)", text(page)))
    assert linked <= {dashboard["uid"] for dashboard in DASHBOARDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_notebooks_exist(page: Path) -> None:
    linked = set(re.findall(r"localhost:8888/(?:notebooks|lab/tree)/([\w.-]+)", text(page)))
    assert linked <= {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.name)
def test_files_exist(page: Path) -> None:
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^):]+)\)", text(page))}
    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_notebooks_on_dashboards_exist() -> None:
    linked = set(re.findall(r"localhost:8888/(?:notebooks|lab/tree)/([\w.-]+)", json.dumps(DASHBOARDS)))
    assert linked <= {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_gallery_shows_what_there_is_today(picture: Path) -> None:
    assert f"(gallery/{picture.name})" in (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8"), (
        "run `make gallery`"
    )
    shown = {*(path.stem for path in NOTEBOOKS), *(f"dashboard-{path.stem}" for path in BOARDS)}
    assert picture.stem in shown, "its notebook or dashboard is gone"
    assert picture.stat().st_size <= LARGEST_PICTURE
