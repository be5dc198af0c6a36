"""The messages that the code prints, as patterns: what is filled in at run time may be anything."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("operations", "monitoring", "ingestion/python")
SHORTEST = 12  # fixed characters, without which a pattern would fit anything


def patterns() -> list[re.Pattern[str]]:
    """Return a pattern for each text of the Python code, the alerts and the preflight of Docker."""
    code = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    texts = [text for path in code for text in _of_python(path)]
    texts += [text for path in (ROOT / "monitoring" / "alerts").glob("*.sql") for text in _of_alert(path)]
    texts += _of_shell(ROOT / "operations" / "docker" / "preflight.sh")
    return [re.compile("(.*)".join(map(re.escape, text))) for text in texts if sum(map(len, text)) >= SHORTEST]


def _of_python(path: Path) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield _fixed(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.split(r"%[sd]|%\.\d+f", node.value)


def _fixed(text: ast.JoinedStr) -> list[str]:
    """Return the fixed parts of an f-string, an empty one between two that are filled in."""
    parts = [""]
    for part in text.values:
        if isinstance(part, ast.Constant):
            parts[-1] += str(part.value)
        else:
            parts.append("")
    return parts


def _of_alert(path: Path) -> Iterator[list[str]]:
    header = dict(re.findall(r"^-- (title|unit|remedy): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    yield [header["title"] + ": ", " " + header["unit"]]
    yield from ([sentence] for sentence in re.split(r"(?<=[.:]) ", header["remedy"]))


def _of_shell(path: Path) -> list[list[str]]:
    return [re.split(r"\$\w+", text) for text in re.findall(r'echo "([^"]+)"', path.read_text(encoding="utf-8"))]
