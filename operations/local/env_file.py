"""Reads .env and .env.secrets as Docker Compose reads them, so that one file holds for both ways of running."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dotenv.parser import Binding, parse_stream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# $$, $NAME, ${NAME}, ${NAME:-default}, ${NAME:+instead}, or a dollar sign that belongs to none of these.
REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?::(?:-([^${}]*)|\+([^${}]*)))?\}|)")
SINGLE_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
# In double quotes the parser and Compose agree on these only: \\, \", \n, \r, \t.
ESCAPED_OTHERWISE = re.compile(r'(?<!\\)(?:\\\\)*\\[^\\"nrt]')
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SettingsError(ValueError):
    """Settings that nothing can start with; `sentences` say which, where, and what to write instead."""

    def __init__(self, *sentences: str) -> None:
        """Keep the sentences; none holds a value, which may be a password."""
        super().__init__("; ".join(sentences))
        self.sentences = sentences


def read(path: Path, environment: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """Return `before` and the settings of `path`, the later wins.

    `environment` and earlier settings fill in ${NAME}. Raises SettingsError for a file that can't be read, and for
    every line that Compose would refuse or read differently.
    """
    found, problems = dict(before), []
    for binding in _bindings(path):
        try:
            if binding.key is not None or binding.error:
                name, value = _setting(binding, {**found, **environment})
                found[name] = value
        except SettingsError as error:
            line = binding.original.line + _blank_lines(binding.original.string)
            problems += [f"{path.name}, line {line}: {sentence}" for sentence in error.sentences]
    if problems:
        raise SettingsError(*problems)
    return found


def _bindings(path: Path) -> list[Binding]:
    try:
        with path.open(encoding="utf-8") as file:
            return list(parse_stream(file))
    except UnicodeDecodeError as error:
        message = f"{path.name} is not UTF-8 (byte {error.start}): save it as UTF-8"
        raise SettingsError(message) from None
    except OSError as error:
        message = f"{path.name} can't be read: {error.strerror}"
        raise SettingsError(message) from None


def _blank_lines(text: str) -> int:
    """Return how many line breaks come before the setting: the parser takes blank lines and the setting for one."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _setting(binding: Binding, known: Mapping[str, str]) -> tuple[str, str]:
    name, equals, written = binding.original.string.strip().removeprefix("export ").partition("=")
    name, written = name.strip(), written.strip()
    if binding.error or not equals or not NAME.fullmatch(name):
        message = "is not NAME=value; a value in quotes must end with the same quote"
        raise SettingsError(message)
    return name, _value(name, binding.value or "", written, known)


def _value(name: str, parsed: str, written: str, known: Mapping[str, str]) -> str:
    """Return the value of a setting that is `written` so; `parsed` is what the parser makes of double quotes."""
    if quoted := SINGLE_QUOTED.match(written):
        # Compose leaves everything here as it is, doubled backslashes too.
        return quoted[1].replace("\\'", "'")
    if written.startswith("#"):
        message = f"{name} is empty and a comment follows: write the comment on a line of its own"
        raise SettingsError(message)
    if not written.startswith('"'):
        parsed = written.partition(" #")[0].rstrip()
    elif ESCAPED_OTHERWISE.search(written) or ("\\" in written and "$" in written):
        message = f"{name} has a backslash in double quotes: write it in single quotes"
        raise SettingsError(message)
    return REFERENCE.sub(lambda match: _referred(name, match, known), parsed)


def _referred(name: str, match: re.Match[str], known: Mapping[str, str]) -> str:
    dollar, plain, braced, default, instead = match.groups()
    if dollar:
        return "$"
    value = known.get(plain or braced or "", default)
    if instead is not None:
        return instead if value else ""
    if value is None:
        message = f"{name} has a dollar sign, but no variable follows that is set: write the value in single quotes"
        raise SettingsError(message)
    return value or default or ""
