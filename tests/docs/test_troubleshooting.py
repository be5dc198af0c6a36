"""docs/troubleshooting.md shows what the commands really print."""

from __future__ import annotations

import re

import pytest
import requests
from printed import patterns

from operations.local.settings import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
PRINTED = sorted({line.strip() for block in BLOCKS for line in block.splitlines() if re.match(r" *[✗✓!-] ", line)})
MESSAGES = patterns()
# A line of `make status` up to what is wrong, which may be the name of a failed request.
STATUS = re.compile(r"[✗✓] [a-z-]+ +[A-Z]+ +(\d+ s|-) +\d+ MB  ")


def test_most_sections_show_what_is_printed() -> None:
    assert len(PRINTED) > 15


@pytest.mark.parametrize("line", PRINTED)
def test_the_code_prints_this_line(line: str) -> None:
    said = STATUS.sub("", line)
    assert hasattr(requests, said) or any(pattern.search(said) for pattern in MESSAGES)
