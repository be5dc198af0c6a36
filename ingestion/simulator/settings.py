"""Every setting, once: its flag, its environment variable, its default and what it means."""

from __future__ import annotations

import argparse
import dataclasses
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHAPES = ("partitioned", "newest-first")
# What a profile sets. Without one, limits are GitHub's and the rate is one that any machine can make in scaled time.
PROFILES: dict[str, dict[str, float]] = {
    "": {},
    "github": {"rate": 170.0, "poll_interval": 60.0, "anonymous_limit": 60, "token_limit": 5000},
    "lively": {"rate": 50.0, "poll_interval": 4.0, "anonymous_limit": 100_000, "token_limit": 100_000},
}


def positive(text: str) -> float:
    """Take a number above zero."""
    value = float(text)
    if value <= 0:
        raise ValueError
    return value


def not_negative(text: str) -> float:
    """Take a number that is zero or more."""
    value = float(text)
    if value < 0:
        raise ValueError
    return value


def switch(text: str) -> bool:
    """Take `on` or `off`."""
    return {"on": True, "off": False}[text.lower()]


def shape(text: str) -> str:
    """Take `partitioned` or `newest-first`."""
    return SHAPES[SHAPES.index(text)]


def profile(text: str) -> str:
    """Take `github` or `lively`."""
    if text not in PROFILES:
        raise ValueError
    return text


def moment(text: str) -> float:
    """Take an ISO 8601 time."""
    # fromisoformat reads a trailing Z only since Python 3.11.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shares(text: str) -> dict[str, float]:
    """Take `KIND=SHARE,…`."""
    return {kind: float(share) for kind, _, share in (part.partition("=") for part in text.split(","))}


def _setting(env: str, default: object, parse: Callable[[str], object], text: str) -> Any:  # noqa: ANN401 - typed as dataclasses.field is
    return dataclasses.field(default=default, metadata={"env": env, "parse": parse, "help": text})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What one run of the simulator does; seconds and rates are simulated ones (see `time_scale`)."""

    port: int = _setting("SIMULATOR_PORT", 8090, int, "port to listen on; 0 takes a free one")
    bind: str = _setting("BIND_ADDRESS", "127.0.0.1", str, "address to listen on")
    profile: str = _setting(
        "SIMULATOR_PROFILE",
        "",
        profile,
        "github: as fast and as strict as GitHub, so any poller misses most events; lively: 50 events a second, "
        "X-Poll-Interval 4, 100,000 requests an hour, so that a poller misses none",
    )
    rate: float = _setting("SIMULATOR_RATE", 50.0, positive, "new events per second")
    seed: int = _setting("SIMULATOR_SEED", 1, int, "same seed, same events and same faults")
    truth_log: Path | None = _setting(  # noqa: RUF009 - a dataclasses.field
        "SIMULATOR_TRUTH_LOG", None, Path, "append every event and every answer to this file (ndjson)"
    )
    shape: str = _setting(
        "SIMULATOR_SHAPE",
        "partitioned",
        shape,
        "partitioned: page 1 holds pushes, creations and deletions, pages 2 and 3 the rest (GitHub since 2026); "
        "newest-first: one list (GitHub before, Enterprise Server)",
    )
    time_scale: float = _setting(
        "SIMULATOR_TIME_SCALE", 1.0, positive, "run K times faster: rates times K, intervals and limit periods by K"
    )
    faults: str = _setting(
        "SIMULATOR_FAULTS", "", str, "what goes wrong and when: a script, or the name of its file (no spaces)"
    )
    poll_interval: float = _setting("SIMULATOR_POLL_INTERVAL", 60.0, positive, "seconds sent as X-Poll-Interval")
    anonymous_limit: int = _setting("SIMULATOR_ANONYMOUS_LIMIT", 60, int, "requests an hour without a token")
    token_limit: int = _setting("SIMULATOR_TOKEN_LIMIT", 5000, int, "requests an hour for each token")
    secondary_limit: int = _setting("SIMULATOR_SECONDARY_LIMIT", 900, int, "requests a minute before a secondary limit")
    cache_period: float = _setting(
        "SIMULATOR_CACHE_PERIOD", 1.0, not_negative, "seconds for which a page stays the same; 0 never repeats one"
    )
    reserving: bool = _setting(
        "SIMULATOR_RESERVING",
        default=True,
        parse=switch,
        text="on: a third of each page is older than a day, mostly seen before",
    )
    lateness: bool = _setting(
        "SIMULATOR_LATENESS", default=True, parse=switch, text="on: events show up 30 seconds to days after created_at"
    )
    odd: dict[str, float] | None = _setting(  # noqa: RUF009 - a dataclasses.field
        "SIMULATOR_ODD", None, shares, "share of odd events, KIND=SHARE,…; the kinds are listed in README.md"
    )
    start: float | None = _setting(
        "SIMULATOR_START", None, moment, "time at which the feed starts (ISO 8601), for runs that repeat to the byte"
    )
    step: float | None = _setting(
        "SIMULATOR_STEP",
        None,
        positive,
        "move the feed this many seconds at each answer a client got of a page, instead of by the clock",
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def parser(environ: Mapping[str, str], defaults: Mapping[str, object]) -> argparse.ArgumentParser:
    """Options whose defaults come from `environ`, then from `defaults`; an empty variable counts as unset."""
    found = argparse.ArgumentParser(prog="simulator", description="A stand-in for GitHub's GET /events; see README.md.")
    for field in dataclasses.fields(Settings):
        meta = field.metadata
        found.add_argument(
            _flag(field.name),
            type=_checked(meta["env"], meta["parse"]),
            default=environ.get(meta["env"]) or defaults.get(field.name, field.default),
            metavar=meta["env"].removeprefix("SIMULATOR_"),
            help=f"{meta['help']} (${meta['env']}, default {_shown(field.default)})",
        )
    return found


def _checked(env: str, parse: Callable[[str], object]) -> Callable[[str], object]:
    """`parse` with an error that names the setting, wherever the value came from."""

    def convert(text: str) -> object:
        try:
            return parse(text)
        except (ValueError, KeyError, IndexError):
            message = f"{env} cannot be {text!r}: {(parse.__doc__ or parse.__name__).strip()}"
            raise argparse.ArgumentTypeError(message) from None

    return convert


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default in (None, "") else f"{default:g}" if isinstance(default, float) else str(default)


def load(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read flags, then environment, then the profile, then defaults; exit with a message on a bad one."""
    environ = os.environ if environ is None else environ
    chosen = parser(environ, {}).parse_args(argv).profile
    return Settings(**vars(parser(environ, PROFILES[chosen]).parse_args(argv)))
