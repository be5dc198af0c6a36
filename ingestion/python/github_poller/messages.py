"""From events to the bytes of messages (CONTRACT.md, section 6)."""

import hashlib
import json
import re
from typing import Any, NamedTuple

# Where each key of a message comes from, in the order of the keys.
_PATHS = {
    "id": ("id",),
    "type": ("type",),
    "action": ("payload", "action"),
    "repo": ("repo", "name"),
    "actor": ("actor", "login"),
    "org": ("org", "login"),
    "created_at": ("created_at",),
}
_REQUIRED = {"id", "created_at"}
_SEEN = 200_000
# Below Kafka's limit of 1 MiB a message.
_LONGEST_DEAD_LETTER = 900_000
# json.loads joins pairs, so what is left of surrogates is lone and has no UTF-8.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Message(NamedTuple):
    """One Kafka message; a reason makes it a dead letter. The identity tells whether it was sent before."""

    key: str | None
    value: str
    identity: str
    created_at: str = ""
    reason: str | None = None


class UnusableError(ValueError):
    """Why an event can't be a message."""


def messages(events: list[Any]) -> list[Message]:
    """Return one message for each element of a page, in page order."""
    return [_message(event) for event in events]


class Seen:
    """The identities of the last messages: at least 200,000 of them, at most 400,000."""

    def __init__(self, size: int = _SEEN) -> None:
        """Remember at least so many."""
        self._size = size
        self._young: set[str] = set()
        self._old: set[str] = set()

    def add(self, identity: str) -> bool:
        """Remember this identity; return whether it is new."""
        if identity in self._young:
            return False
        is_known = identity in self._old
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()
        self._young.add(identity)
        return not is_known


def _message(event: Any) -> Message:  # noqa: ANN401 (an element of a page may be anything)
    try:
        fields = {key: text for key in _PATHS if (text := _text(event, key))}
    except UnusableError as error:
        # Escaped to ASCII, so that nothing in it can fail to be UTF-8.
        value = json.dumps(event, separators=(",", ":"))[:_LONGEST_DEAD_LETTER]
        return Message(None, value, hashlib.sha256(value.encode()).hexdigest(), reason=str(error))
    value = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    created_at = fields["created_at"]
    return Message(fields.get("repo"), value, f"{fields['id']} {created_at}", created_at)


def _text(event: Any, key: str) -> str | None:  # noqa: ANN401 (see _message)
    if not isinstance(event, dict):
        message = "event is not an object"
        raise UnusableError(message)
    *parents, name = _PATHS[key]
    for parent in parents:
        event = _checked(event.get(parent), dict, f"{parent} is not an object") or {}
    text = _checked(event.get(name), str, f"{key} is not a string")
    if not text and key in _REQUIRED:
        message = f"{key} is missing"
        raise UnusableError(message)
    return _LONE_SURROGATE.sub("\ufffd", text) if text else None


def _checked(value: Any, kind: type, reason: str) -> Any:  # noqa: ANN401 (see _message)
    """Return a value of this kind, None when it is absent."""
    if value is None or value == "" or isinstance(value, kind):
        return value or None
    raise UnusableError(reason)
