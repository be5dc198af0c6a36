"""Rare things the feed's schema allows and a poller has to survive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.feed import Event

# Beyond ASCII and the BMP, right to left, and all that JSON has to escape.
AWKWARD = 'é"\\/\b\f\n\r\t\x01\x7f\u2028 日本 עברית 😀'


def _unicode(event: Event) -> None:
    event.repo = f"{event.repo}-{AWKWARD}"
    event.actor = f"{event.actor}-{AWKWARD}"
    event.org = f"simulated-org-{AWKWARD}"
    event.action = AWKWARD


def _unknown_type(event: Event) -> None:
    event.type, event.action = "SimulatedEvent", "simulated"


def _null_type(event: Event) -> None:
    event.type = None


def _null_created(event: Event) -> None:
    event.created_at = None


def _private(event: Event) -> None:
    event.public = False


def _empty_payload(event: Event) -> None:
    event.action = None


def _no_actor(event: Event) -> None:
    event.actor = None


def _no_repo(event: Event) -> None:
    event.repo = None


def _same_id(event: Event) -> None:
    event.id = "21000000000"


KINDS: dict[str, Callable[[Event], None]] = {
    "unicode": _unicode,
    "unknown-type": _unknown_type,
    "null-type": _null_type,
    "null-created": _null_created,
    "private": _private,
    "empty-payload": _empty_payload,
    "no-actor": _no_actor,
    "no-repo": _no_repo,
    "same-id": _same_id,
}


def check(shares: dict[str, float]) -> None:
    """Raise ValueError on a kind that does not exist."""
    if strange := shares.keys() - KINDS.keys():
        message = f"SIMULATOR_ODD: there is no kind {strange.pop()!r}, only {', '.join(KINDS)}"
        raise ValueError(message)


def make_odd(event: Event, shares: dict[str, float], uniform: float) -> None:
    """Make this share of events odd, each kind with its own share; the number decides which."""
    for kind, share in shares.items():
        if uniform < share:
            event.odd = kind
            KINDS[kind](event)
            return
        uniform -= share
