"""Names that Kafka, QuestDB, Python and people can type."""

from __future__ import annotations

import keyword
import re
import unicodedata

import duckdb

from operations.reconciler.problems import Problem

LONGEST = 32  # of a dataset: the uid of a dashboard has at most 40 characters
LONGEST_COLUMN = 120  # QuestDB takes 127 characters
NAME = re.compile(r"[a-z][a-z0-9_]*")
TIMESTAMP = "timestamp"  # the designated timestamp of every table
# QuestDB's own, beside those that SQL has anyway.
QUESTDB_WORDS = frozenset(
    [
        "align",
        "asof",
        "by",
        "date",
        "declare",
        "double",
        "float",
        "index",
        "int",
        "latest",
        "long",
        "lt",
        "nan",
        "sample",
        "short",
        "splice",
        "string",
        "symbol",
        "tables",
        "timestamp",
        "uuid",
        "varchar",
        "within",
    ]
)
# Letters that Unicode does not take apart.
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "µ": "u", "°": " deg "})


def reserved() -> frozenset[str]:
    """Return the words that SQL keeps for itself."""
    rows = duckdb.execute(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    ).fetchall()
    return QUESTDB_WORDS | {str(word) for (word,) in rows}


def checked(name: str) -> str:
    """Return the name of a dataset.

    Raises:
        Problem: it is empty, or no name for a topic, a table, a file and a Python module at once.

    """
    if not name:
        message = "NAME is missing: make new-dataset NAME=taxi SAMPLE=rides.csv"
        raise Problem(message)
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        message = (
            f"NAME={name[:80]} must begin with a small letter and hold only a-z, 0-9 and _, at most {LONGEST} of them"
        )
        raise Problem(message)
    if name in reserved() or keyword.iskeyword(name):
        message = f"NAME={name} is a word of SQL or Python: choose another, for instance my_{name}"
        raise Problem(message)
    if name.endswith(("_dlq", "_1m")) or name.startswith(("stack_", "telemetry", "sys_")):
        message = f"NAME={name} looks like a dead-letter topic, a view or a table of the stack itself: choose another"
        raise Problem(message)
    return name


def folded(name: str) -> str:
    """Return a column's name in small letters of ASCII, words joined by `_`; `column` if nothing is left.

    QuestDB compares names without case, so a record with the original name still fits where only case was changed.
    """
    plain = unicodedata.normalize("NFKD", name.lower().translate(LETTERS))
    words = re.sub(r"[^a-z0-9]+", "_", "".join(letter for letter in plain if not unicodedata.combining(letter)))
    text = words.strip("_")[:LONGEST_COLUMN] or "column"
    return f"_{text}" if text[0].isdigit() else text


def apart(names: list[str]) -> list[str]:
    """Fold names; of those that come out alike, the later ones get a number."""
    taken: set[str] = set()
    found = []
    for name in names:
        text = plain = folded(name)
        number = 1
        while text in taken:
            number += 1
            text = f"{plain}_{number}"
        taken.add(text)
        found.append(text)
    return found


def quoted(name: str) -> str:
    """Return a name as SQL of QuestDB needs it: in quotes where it is a word of SQL."""
    return f'"{name}"' if name in reserved() and name != TIMESTAMP else name
