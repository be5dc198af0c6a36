"""`make replay` and `make skip`: the offsets of a sink, moved back or forth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.backup.lock import alone
from operations.local.console import agreed, say
from operations.offsets import choice, notes, sinks, stop
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.local.settings import Settings
    from operations.offsets.choice import Choice
    from operations.offsets.clients import Clients
    from operations.offsets.sinks import Place, Sink


@dataclass(frozen=True)
class Move:
    """Where a sink is to read on in one partition, and what there is to say about that."""

    place: Place
    target: int
    remark: str = ""

    @property
    def records(self) -> int:
        """Return how many records lie between; markers of transactions count as records."""
        return abs(self.place.position - self.target)


@dataclass(frozen=True)
class Direction:
    """`limit` chooses of a position and a target; `word` is the end of the topic, `what` becomes of the records between."""

    word: str
    what: str
    nothing: str
    limit: Callable[[int, int], int]


BACK = Direction("beginning", "will be read again", "nothing to read again", min)
FORTH = Direction("end", "will be skipped and not be stored", "nothing to skip", max)


def replay(clients: Clients) -> int:
    """Have a sink read records again; return the exit code."""
    return _move(clients, choice.read("FROM", clients.settings.replay_from, BACK.word), BACK)


def skip(clients: Clients) -> int:
    """Have a sink leave records out; return the exit code."""
    return _move(clients, choice.read("TO", clients.settings.skip_to, FORTH.word), FORTH)


def _move(clients: Clients, chosen: Choice, direction: Direction) -> int:
    with alone(clients.settings.state_dir):
        notes.settle(clients.settings, clients.connect)
        sink = sinks.named(clients, clients.settings.connector)
        if not announced(planned(clients, sink.places, chosen, direction), direction):
            return 0
        twice = sinks.without_dedup(clients, sink) if direction is BACK else ""
        if twice:
            say(f"! {twice}")
        if not (confirmed_twice(clients.settings) if twice else agreed(clients.settings)):
            say("nothing changed")
            return 1
        return carry_out(clients, sink, chosen, direction)


def confirmed_twice(settings: Settings) -> bool:
    """Tell whether YES=1 was given: typing yes is not enough where rows are stored twice."""
    if not settings.yes:
        say("✗ give the table DEDUP UPSERT KEYS(…) in its file in questdb/schema, or have it all the same by YES=1")
    return settings.yes


def announced(moves: list[Move], direction: Direction) -> bool:
    """Print a line for each partition; tell whether there is anything to do."""
    for move in moves:
        first, last = sorted((move.place.position, move.target))
        between = f"{move.records} records {direction.what}, offsets {first} to {last - 1}"
        say(f"{move.place.label}: {between if move.records else direction.nothing}")
        if move.remark:
            say(f"! {move.place.label}: {move.remark}")
    return any(move.records for move in moves)


def carry_out(clients: Clients, sink: Sink, chosen: Choice, direction: Direction) -> int:
    """Stop the sink, set its offsets, let it go on; return the exit code."""
    with stop.stopped(clients, sink):
        # Until it stopped, it read on.
        moves = planned(clients, sinks.places(clients, sink.name, sink.config), chosen, direction)
        stop.set_offsets(clients, sink.name, {move.place.partition: move.target for move in moves})
    if sink.state == "RUNNING":
        stop.until_it_runs(clients.connect, sink.name)
    count = sum(move.records for move in moves)
    how = {"RUNNING": "it runs again"}.get(sink.state, f"it is {sink.state}, as before")
    say(f"✓ {sink.name}: {count} records {direction.what}; {how}. `make lag` shows how far it is")
    return 0


def planned(clients: Clients, places: list[Place], chosen: Choice, direction: Direction) -> list[Move]:
    """Return a move for each partition; Problem if the choice fits none."""
    if not places:
        message = "the connector reads no topic that exists: `make kafka-topics` lists those that do"
        raise Problem(message)
    if chosen.offset is not None:
        found = [_to_offset(places, chosen, chosen.offset)]
    elif chosen.time is not None:
        found = _to_time(clients, places, chosen, chosen.time)
    else:
        found = [Move(place, place.range.next if direction is FORTH else place.range.first) for place in places]
    return [Move(move.place, direction.limit(move.place.position, move.target), move.remark) for move in found]


def _to_offset(places: list[Place], chosen: Choice, offset: int) -> Move:
    if len(places) > 1:
        message = (
            f"{chosen.said}: an offset belongs to one partition, and the connector reads {len(places)}. Give a time"
        )
        raise Problem(message)
    (place,) = places
    first, end = place.range
    if offset > end:
        message = f"{chosen.said} is beyond the end of {place.label}: it has the offsets {first} to {end - 1}"
        raise Problem(message)
    remark = f"{chosen.said} is before the oldest record kept, which has the offset {first}" if offset < first else ""
    return Move(place, max(offset, first), remark)


def _to_time(clients: Clients, places: list[Place], chosen: Choice, milliseconds: int) -> list[Move]:
    found = clients.since([place.partition for place in places], milliseconds)
    return [_at(p, *found[p.partition], chosen, milliseconds) for p in places if p.partition in found]


def _at(place: Place, offset: int, time: int, chosen: Choice, milliseconds: int) -> Move:
    if offset < 0:  # no record is as late
        return Move(place, place.range.next)
    early = offset == place.range.first and time > milliseconds
    remark = f"{chosen.said} is before the oldest record kept, which is of {choice.shown(time)}" if early else ""
    return Move(place, offset, remark)
