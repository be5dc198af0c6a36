"""What every page owes its readers: links that lead somewhere, and lines that fit a screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import pytest

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BUILT = {"node_modules", "target"}
WIDEST = 120  # characters; tables, code and what has no space to break at may be wider
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Return every page of the repository, without those of libraries."""
    found = [page.relative_to(ROOT) for page in ROOT.rglob("*.md")]
    return sorted(page for page in found if not any(part.startswith(".") or part in BUILT for part in page.parts))


PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(text(page)) if not urlparse(link).scheme and not leads(page, link)]
    assert missing == []


def leads(page: Path, link: str) -> bool:
    """Tell whether the file of `link` exists and, where it names a heading, has that heading."""
    name, _, heading = link.partition("#")
    target = (ROOT / page).parent / name if name else ROOT / page
    return target.exists() and (not heading or heading in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return the names by which GitHub links the headings of `page`."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_lines_are_wrapped(page: Path) -> None:
    assert [line for line in prose(text(page)) if len(line) > WIDEST and re.search(r"\S \S", uncoded(line))] == []


def uncoded(line: str) -> str:
    """Return `line` with each piece of code as one word, which is never broken."""
    return re.sub(r"`[^`]*`", "`code`", line)


def prose(page: str) -> list[str]:
    """Return the lines that are neither code, nor of a table, nor written by a command."""
    for block in (r"^ *```.*?^ *```$", r"<!-- (\S.*?) -->.*?<!-- /\1 -->"):
        page = re.sub(block, "", page, flags=re.DOTALL | re.MULTILINE)
    return [line for line in page.splitlines() if not line.startswith(("|", "#", "    ", "!["))]


def text(page: Path) -> str:
    """Return what `page` says."""
    return (ROOT / page).read_text(encoding="utf-8")
