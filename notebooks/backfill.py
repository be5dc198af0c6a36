"""Real hours of GitHub's public events: `make backfill FROM=2026-11-20T00 HOURS=6` loads hourly archives in GH Archive's format.

An archive is a gzip file of one event a line, as the API shows it. Rows get the types and actions that the poller gives them.
They are additive: what is stored already stays one row. An hour that is complete is skipped when the command runs again, and one
that was interrupted is read again.

Rows go straight into QuestDB, not through Kafka. The table is the same either way, as its key makes every replay harmless. In the
topic, though, a few hours of archive are millions of messages. Live events would wait behind them, consumers would take them for
new, and the disk would hold them twice until the retention is over.

An hour that is complete gets rows in github_polls by a poller named `backfill`, which saw all there was. So the rate of that hour
is known, and forecasts use it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import requests
import stack
import urllib3
from history import refresh
from mix import CODE
from tqdm import tqdm

from questdb import QuestDBError, Sender

from github_poller import messages  # isort: skip - of the poller, found once `stack` is imported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Since 2026-09-06 the archives that hold most of the public feed. GH Archive's own address is https://data.gharchive.org/{date}-{hour}.json.gz
URL = "https://gharchive.open-digger.cn/{date}-{hour}.json.gz"
POLLER = "backfill"
HOUR = timedelta(hours=1)
MOST_DAYS = 29  # github_events keeps 30
BATCH = 20_000  # rows of one request
TRIES, PAUSE = 3, 2.0  # of a download that breaks off; seconds before the second
TIMEOUT = (10, 60)  # seconds to connect, and between two parts of an answer
COLUMNS = ("id", "type", "action", "repo", "actor", "org", "created_at")
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, ConnectionError, TimeoutError)


class ArchiveError(Exception):
    """An hour that can't be loaded whole, and why."""


@dataclass
class Loaded:
    """What one archive held."""

    lines: int = 0
    rows: int = 0
    fresh: Counter[str] = field(default_factory=Counter)  # by page of the feed
    unusable: Counter[str] = field(default_factory=Counter)  # by reason


class Progress:
    """A stream of bytes that moves a bar as it is read."""

    def __init__(self, stream: IO[bytes], bar: tqdm[Any]) -> None:
        self._stream, self._bar = stream, bar

    def read(self, size: int = -1) -> bytes:
        """Read at most so many bytes."""
        found = self._stream.read(size)
        self._bar.update(len(found))
        return found


# --- One archive ---


def load(sender: Sender, url: str, hour: datetime, batch: int = BATCH) -> Loaded:
    """Read one archive from its URL into github_events, in batches, so that an archive of any size needs little memory.

    Raises:
        ArchiveError: there is none, it holds nothing, or it ends in the middle; what it held before that is stored.

    """
    with requests.get(url, stream=True, timeout=TIMEOUT, headers={"User-Agent": "rta-backfill"}) as answer:
        if answer.status_code in {403, 404}:
            message = f"there is no archive at {url} ({answer.status_code})"
            raise ArchiveError(message)
        answer.raise_for_status()
        size = int(answer.headers.get("Content-Length") or 0) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=f"{hour:%Y-%m-%d %H}h", **_look()) as bar:
            return _stored(sender, Progress(answer.raw, bar), bar, batch)


def _look() -> dict[str, Any]:
    """Return how the bar looks: in a log a line each ten seconds."""
    return {"mininterval": 0.2 if sys.stderr.isatty() else 10, "leave": False}


def _events(stream: Progress, damage: list[Exception]) -> Iterator[Any]:
    """Yield what each line holds, None for a line that is no JSON; end where the archive is damaged, and note how."""
    try:
        with gzip.GzipFile(fileobj=stream) as lines:  # type: ignore[arg-type] - reading needs no more than `read`
            yield from map(_event, lines)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        damage.append(error)


def _event(line: bytes) -> Any:  # noqa: ANN401 - a line may hold anything
    try:
        return json.loads(line)
    except ValueError:
        return None


def _stored(sender: Sender, stream: Progress, bar: tqdm[Any], size: int) -> Loaded:
    """Store all events; return what they were."""
    loaded, seen, damage = Loaded(), messages.Seen(), list[Exception]()
    events = _events(stream, damage)
    while batch := list(islice(events, size)):
        loaded.lines += len(batch)
        rows = _rows(batch, loaded, seen)
        if len(rows):
            sender.dataframe(rows, table_name="github_events", symbols=["type", "action"], at="timestamp")
            sender.flush()
        loaded.rows += len(rows)
        bar.set_postfix_str(f"{loaded.rows:,} events")
    if damage:
        message = f"the archive is damaged after {loaded.rows:,} events, which are stored ({damage[0]})"
        raise ArchiveError(message)
    if not loaded.rows:
        message = "the archive holds no event"
        raise ArchiveError(message)
    return loaded


def _rows(events: list[Any], loaded: Loaded, seen: messages.Seen) -> pd.DataFrame:
    """Return rows of github_events, and count in `loaded` what was new and what could not be a row."""
    found = messages.messages(events)
    loaded.unusable.update(message.reason for message in found if message.reason)
    fields = [json.loads(message.value) for message in found if not message.reason]
    rows = pd.DataFrame(fields, columns=list(COLUMNS), dtype=object)
    rows["timestamp"] = pd.to_datetime(rows.pop("created_at"), utc=True, errors="coerce", format="ISO8601")
    loaded.unusable.update(["created_at is not a time"] * int(rows["timestamp"].isna().sum()))
    new = [seen.add(message.identity) for message in found if not message.reason]
    loaded.fresh.update(map(_page, rows.loc[new, "type"]))
    return rows.dropna(subset="timestamp").astype(dict.fromkeys(COLUMNS[:-1], "str"))


def _page(kind: object) -> str:
    return "code" if kind in CODE else "other"


# --- Which hours are complete ---


def complete(hours: Iterable[datetime]) -> set[datetime]:
    """Return those of the hours that were loaded before."""
    first, *_, last = [*sorted(hours)] * 2
    rows = stack.execute(
        f"SELECT timestamp FROM github_polls WHERE poller = '{POLLER}' AND poll = 2 AND page = 1 "
        f"AND timestamp >= '{first:%Y-%m-%dT%H}:00:00Z' AND timestamp <= '{last:%Y-%m-%dT%H}:59:59.999999Z'"
    )
    return {datetime.fromisoformat(at).replace(minute=0, second=0, microsecond=0) for (at,) in rows}


def mark(sender: Sender, hour: datetime, loaded: Loaded) -> None:
    """Write that the hour is complete: two answers a page, at its begin and its end; the second brought all there was.

    The first counts from 1, as after a restart, so it says nothing about the hour before.
    """
    end = hour + HOUR - timedelta(microseconds=1)
    other = loaded.fresh["other"]
    fresh = {1: loaded.fresh["code"], 2: other - other // 2, 3: other // 2}
    rows = [
        {"timestamp": at, "page": page, "poll": poll, "status": status, "fresh": new, "interval": seconds}
        for page, count in fresh.items()
        for at, poll, status, new, seconds in ((hour, 1, 304, 0, 0.0), (end, 2, 200, count, 3600.0))
    ]
    frame = pd.DataFrame(rows).assign(poller=POLLER, duplicate=0, overlap=0, saturated=False, duration_ms=0)
    frame["fetched"], frame["timestamp"] = frame["fresh"], pd.to_datetime(frame["timestamp"], utc=True)
    sender.dataframe(frame, table_name="github_polls", symbols=["poller"], at="timestamp")
    sender.flush()


# --- The command ---


def run(template: str, hours: list[datetime], batch: int, *, again: bool) -> int:
    """Load the hours, say what was done; return the exit code: 1 if an hour is not complete."""
    known = set() if again else complete(hours)
    if known:
        print(f"{len(known)} of {len(hours)} hours are loaded already: skipped (AGAIN=1 loads them once more)")
    started, total, failed = time.monotonic(), 0, []
    with Sender.from_conf(stack.questdb_client() + "auto_flush=off;") as sender:
        for hour in hours:
            if hour in known:
                continue
            try:
                total += _hour(sender, template, hour, batch).rows
            except ArchiveError as error:
                failed.append(hour)
                print(f"{hour:%Y-%m-%d %H}h  {error}")
    refresh()
    seconds = time.monotonic() - started
    print(f"{total:,} events in {seconds:.1f} s, {total / seconds:,.0f} a second, views up to date")
    if failed:
        print(f"{len(failed)} of {len(hours)} hours are not complete. Run the same command again to try only those.")
    return 1 if failed else 0


def _hour(sender: Sender, template: str, hour: datetime, batch: int) -> Loaded:
    """Load one hour, mark it, say what it held; a download that breaks off is tried again."""
    url = template.format(date=f"{hour:%Y-%m-%d}", hour=hour.hour)
    for number in range(1, TRIES + 1):
        try:
            loaded = load(sender, url, hour, batch)
            break
        except BROKEN as error:
            if number == TRIES:
                message = f"{url} can't be read to its end: {error}"
                raise ArchiveError(message) from None
            time.sleep(PAUSE * number)
    mark(sender, hour, loaded)
    unusable = ", ".join(f"{count} lines left out: {reason}" for reason, count in loaded.unusable.most_common(3))
    print(f"{hour:%Y-%m-%d %H}h  {loaded.rows:>10,} events  {unusable}".rstrip())
    return loaded


def _arguments() -> argparse.Namespace:
    """Read the command line, whose defaults are environment variables; a bad one is named."""
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="make backfill", description=__doc__)
    parser.add_argument(
        "--from", dest="first", default=environment("FROM"), help="FROM: the first hour, UTC, as 2026-11-20T00"
    )
    parser.add_argument("--hours", default=environment("HOURS") or "1", help="HOURS: how many")
    parser.add_argument(
        "--url", default=environment("BACKFILL_URL") or URL, help="BACKFILL_URL: with {date} and {hour} (or {hour:02})"
    )
    parser.add_argument(
        "--again", action="store_true", default=environment("AGAIN") == "1", help="AGAIN=1: complete hours, too"
    )
    parser.add_argument("--batch", type=int, default=BATCH, help="rows of one request")
    arguments = parser.parse_args()
    arguments.hours = _hours(parser, arguments.first, arguments.hours)
    try:
        arguments.url.format(date="2026-11-20", hour=0)
    except (KeyError, IndexError, ValueError):
        parser.error("BACKFILL_URL: a URL with {date} and {hour} in it, no other braces")
    return arguments


def _hours(parser: argparse.ArgumentParser, first: str | None, count: str) -> list[datetime]:
    try:
        start = datetime.strptime(first or "", "%Y-%m-%dT%H").replace(tzinfo=timezone.utc)
    except ValueError:
        parser.error(f"FROM: the first hour, UTC, as 2026-11-20T00, not {first!r}")
    if not count.isdecimal() or not 1 <= int(count) <= MOST_DAYS * 24:
        parser.error(f"HOURS: a number from 1 to {MOST_DAYS * 24}, not {count!r}")
    hours = [start + number * HOUR for number in range(int(count))]
    now = datetime.now(timezone.utc)
    if hours[0] < now - timedelta(days=MOST_DAYS):
        parser.error(f"FROM: github_events keeps 30 days, so at most {MOST_DAYS} days ago")
    if hours[-1] + HOUR > now:
        parser.error(f"HOURS: {hours[-1]:%Y-%m-%dT%H} is not over yet")
    return hours


def main() -> None:
    """Load the hours that were asked for; end with a sentence if that can't be."""
    arguments = _arguments()
    try:
        sys.exit(run(arguments.url, arguments.hours, arguments.batch, again=arguments.again))
    except stack.StackError as error:
        sys.exit(str(error))
    except QuestDBError as error:
        sys.exit(f"QuestDB does not take rows at {stack.QUESTDB}: {error}. {stack.REMEDY}")
    except KeyboardInterrupt:
        sys.exit("interrupted: run the same command again, it goes on with the hours that are not complete")


if __name__ == "__main__":
    main()
