"""What a source yields: one message for Kafka."""

from typing import Any, NamedTuple

SECOND = 1_000_000  # microseconds


class Record(NamedTuple):
    """One message. `schema` is the name of a file of `schemas`, without suffix; a message without one is JSON."""

    topic: str
    key: str
    value: dict[str, Any]
    schema: str = ""
