"""A dead letter: a record as it came, and in its headers where from and why it could not be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from confluent_kafka import Message

# What Kafka Connect adds when a connector has errors.deadletterqueue.context.headers.enable.
ADDED = "__connect.errors."
TOPIC, PARTITION, OFFSET = (f"{ADDED}{name}" for name in ("topic", "partition", "offset"))
# Connect's reason, and that of a poller (ingestion/CONTRACT.md).
REASONS = (f"{ADDED}exception.message", "reason")
LONGEST = 200  # characters shown of a reason or value

Header = tuple[str, "bytes | str | None"]


class Letter:
    """One message of a dead-letter topic."""

    def __init__(self, message: Message) -> None:
        """Read its headers; of several with one name the last one counts."""
        self.message = message
        self.headers = cast("list[Header]", message.headers() or [])
        self._known = dict(self.headers)

    @property
    def label(self) -> str:
        """Return partition and offset."""
        return f"{self.message.partition()}/{self.message.offset()}"

    @property
    def time(self) -> int:
        """Return its time in milliseconds since 1970; 0 if it has none."""
        return max(0, self.message.timestamp()[1])

    @property
    def topic(self) -> str:
        """Return the topic that it was read from, empty if it does not say so."""
        return _text(self._known.get(TOPIC))

    @property
    def partition(self) -> int | None:
        """Return the partition that it was read from, None if it does not say so."""
        text = _text(self._known.get(PARTITION))
        return int(text) if text.isascii() and text.isdecimal() else None

    @property
    def origin(self) -> str:
        """Return where it was read, to be printed."""
        place = f"{self.topic} {_text(self._known.get(PARTITION))}/{_text(self._known.get(OFFSET))}"
        return readable(place.encode()) if self.topic else "of a poller"

    @property
    def reason(self) -> str:
        """Return why it is here, to be printed."""
        found = next((self._known[name] for name in REASONS if name in self._known), None)
        return "no reason in its headers" if found is None else readable(found)

    @property
    def beginning(self) -> str:
        """Return the first characters of its value, to be printed."""
        value = self.message.value()
        return "(no value)" if value is None else readable(value)

    @property
    def original(self) -> list[Header]:
        """Return the headers that it came with."""
        return [(name, value) for name, value in self.headers if not name.startswith(ADDED)]


def _text(value: bytes | str | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def readable(value: bytes | str | None) -> str:
    r"""Return what any terminal prints in one line, cut: bytes that are no UTF-8 as \xff, control characters likewise."""
    raw = value if isinstance(value, bytes) else (value or "").encode()
    text = raw[: 4 * LONGEST].decode(errors="backslashreplace")
    safe = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return safe if len(safe) <= LONGEST and len(raw) <= 4 * LONGEST else safe[: LONGEST - 1] + "…"
