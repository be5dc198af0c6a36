"""The pollers under test: one line makes a language take part in every test of this folder."""

import sys
from typing import NamedTuple


class Language(NamedTuple):
    """How one poller is built and run, in its folder."""

    name: str
    folder: str
    command: tuple[str, ...]
    build: tuple[str, ...] = ()


LANGUAGES = [
    Language("python", "ingestion/python", (sys.executable, "github_events.py")),
]
