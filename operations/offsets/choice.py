"""Where FROM and TO point: an end of the topic, an offset, or a time."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from operations.local.env_file import SettingsError

FORMS = "a time in ISO 8601 (2026-11-25T10:00, UTC unless it says otherwise), an offset, or the word"
LARGEST = 2**63 - 1  # offset


@dataclass(frozen=True)
class Choice:
    """A place in every partition. `said` is the setting as it was given.

    An `offset`, else a `time` in milliseconds since 1970, else the end of the topic that the command means.
    """

    said: str
    offset: int | None = None
    time: int | None = None


def read(setting: str, text: str, word: str) -> Choice:
    """Return what the setting means, `word` being the end of the topic; SettingsError if nothing can be made of it."""
    said = f"{setting}={text}"
    if text == word:
        return Choice(said)
    if re.fullmatch("[0-9]{1,19}", text) and int(text) <= LARGEST:
        return Choice(said, offset=int(text))
    moment = _moment(text)
    if moment is None:
        what = "is missing" if not text else f"is not understood: {text[:80]}"
        message = f"{setting}= {what}. Give {FORMS} `{word}`"
        raise SettingsError(message)
    if moment > time.time():
        message = f"{said} is in the future, where no records are. Give an earlier time, or the word `{word}`"
        raise SettingsError(message)
    return Choice(said, time=max(0, int(moment * 1000)))


def _moment(text: str) -> float | None:
    """Return the Unix time of an ISO 8601 text, None if it is none."""
    try:
        # Python 3.10 does not know Z.
        found = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()


def shown(milliseconds: int) -> str:
    """Return a record's time as ISO 8601, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
