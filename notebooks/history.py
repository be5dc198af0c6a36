"""Simulated history at bulk speed: `make history DAYS=14 EVENTS=20000000` fills github_events and github_polls.

Rates have a daily and a weekly season, bots that never sleep, bursts, and outages of the poller. Each UTC day comes from
its own seed, so a second run writes the same rows, which the tables' keys make harmless. Names are the simulator's; ids
have 13 digits, GitHub's and the simulator's have 11.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import stack
from simulator import population

from questdb import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY, MINUTES = 86_400, 1_440  # seconds and minutes of a day
EVENTS_A_DAY = 1_430_000  # 20 million in two weeks
MOST_A_DAY = 100_000_000  # ids leave room for so many
MOST_DAYS = 29  # github_events keeps 30
KNOWN_AGAIN = 20  # of each answer: what the one before held as well
REFRESHED_WITHIN = 600.0  # seconds
CODE_TYPES = [kind for kind, _ in population.CODE]
# In this order: each second reads the first.
VIEWS = (
    *("github_events_type_1m", "github_events_type_1h"),
    *("github_events_repo_10m", "github_events_repo_1d"),
    *("github_events_actor_10m", "github_events_actor_1d"),
)
SYMBOLS = {"type", "action", "poller", "error"}
BATCH = 200_000  # rows of one request
SAMPLE = 1_000  # rows compared with the plan before anything is written


@dataclass(frozen=True)
class Plan:
    """What to make: `events_a_day` on an average day without outage; the same `seed` gives the same events."""

    events_a_day: float = EVENTS_A_DAY
    seed: int = 1


# --- What happens, and when. Days are counted from 1970-01-01, UTC. ---


def season(day: int) -> np.ndarray:
    """Return for each minute of a day what people do, 1.0 on average over a week."""
    hours = np.arange(MINUTES) / 60
    daily = 1 + 0.45 * np.cos(2 * np.pi * (hours - 15) / 24) + 0.12 * np.cos(4 * np.pi * (hours - 10) / 24)
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    return daily * (1.16 if weekday < 5 else 0.6)  # noqa: PLR2004 - Monday to Friday


def schedules() -> np.ndarray:
    """Return for each minute what bots do, 1.0 on average: most start when the hour does."""
    return 0.8 + 2.4 * (np.arange(MINUTES) % 60 < 5)  # noqa: PLR2004 - its first five minutes


def outage(day: int) -> slice:
    """Return the minutes of a day without a poller: three hours every tenth day."""
    return slice(150, 330) if day % 10 == 4 else slice(0)  # noqa: PLR2004 - any digit will do


def counts(plan: Plan, day: int) -> pd.DataFrame:
    """Return the events of each minute of a day by source: `people`, `bots`, `burst` (one busy repository)."""
    random = np.random.default_rng((plan.seed, day))
    bots = sum(population.BOTS.values())
    mood = np.exp(random.normal(0, 0.03) + np.repeat(random.normal(0, 0.03, 24), 60))
    start, length, height = random.integers(MINUTES - 60), random.integers(15, 60), random.uniform(0.5, 2)
    burst = np.zeros(MINUTES)
    burst[start : start + length] = height * (random.random() < 0.4)  # noqa: PLR2004 - two days of five
    rates = {"people": (1 - bots) * season(day) * mood, "bots": bots * schedules(), "burst": burst}
    drawn = pd.DataFrame({name: random.poisson(plan.events_a_day / MINUTES * rate) for name, rate in rates.items()})
    drawn.iloc[outage(day)] = 0
    return drawn


def hourly(plan: Plan, days: range) -> pd.Series:
    """Return the events of each hour of `days`, missing where the poller was away."""
    totals = pd.concat([counts(plan, day).sum(axis=1).where(~_away(day)) for day in days], ignore_index=True)
    totals.index = pd.to_datetime(days.start * DAY + 60 * totals.index, unit="s", utc=True)
    return totals.resample("1h").sum(min_count=60)


def _away(day: int) -> np.ndarray:
    away = np.zeros(MINUTES, bool)
    away[outage(day)] = True
    return away


# --- Rows ---


def events(plan: Plan, day: int) -> pd.DataFrame:
    """Return a day's rows of github_events, in order of time; absent values are None."""
    random = np.random.default_rng((plan.seed, day, 1))
    minutes = counts(plan, day)
    source = np.concatenate([np.full(minutes[name].sum(), name, object) for name in minutes])
    minute = np.concatenate([np.repeat(np.arange(MINUTES), minutes[name]) for name in minutes])
    second = minute * 60 + random.integers(60, size=len(minute))
    order = np.argsort(second, kind="stable")
    kind, action = _kinds(random.random(len(order)))
    repo, org, actor = _names(random, source[order])
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(day * DAY + second[order], unit="s", utc=True),
            "id": pd.Series(day * MOST_A_DAY + np.arange(len(order))).astype(str),
            "type": kind,
            "action": action,
            "repo": repo,
            "actor": actor,
            "org": org,
        }
    )


def _kinds(uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share = population.CODE_SHARE
    mixes = [(population.CODE, share), (population.SOCIAL, 1 - share)]
    keys = [key for mix, _ in mixes for key in mix]
    weights = [part * weight / sum(mix.values()) for mix, part in mixes for weight in mix.values()]
    place = np.minimum(np.searchsorted(np.cumsum(weights), uniform, side="right"), len(keys) - 1)
    return tuple(np.array(column, object)[place] for column in zip(*keys, strict=True))


def _names(random: np.random.Generator, source: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return repository, organisation and actor of each event; a burst stays with one repository."""
    repos, orgs, logins = _population()
    place, account = _ranks(random.random(len(source))), _ranks(random.random(len(source)))
    place = np.where(source == "burst", random.integers(1_000), place)
    bots = np.array(list(population.BOTS), object)
    weights = np.array(list(population.BOTS.values()))
    bot = bots[random.choice(len(bots), len(source), p=weights / weights.sum())]
    return repos[place], orgs[place], np.where(source == "bots", bot, logins[account])


def _ranks(uniform: np.ndarray) -> np.ndarray:
    """The same law as population.rank, for many at once."""
    scale = 1 + population.POPULATION / population.SHIFT
    return (population.SHIFT * (scale**uniform - 1)).astype(int)


@cache
def _population() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places = range(population.POPULATION)
    repos, orgs = zip(*map(population.repository_at, places), strict=True)
    return np.array(repos, object), np.array(orgs, object), np.array([*map(population.login, places)], object)


def polls(rows: pd.DataFrame, day: int) -> pd.DataFrame:
    """Return rows of github_polls that fit a day's events: a request a page and minute, which missed nothing or failed."""
    minute = ((rows["timestamp"] - pd.Timestamp(day * DAY, unit="s", tz="UTC")) // pd.Timedelta("1min")).to_numpy()
    page = np.where(rows["type"].isin(CODE_TYPES), 0, 1 + np.arange(len(rows)) % 2)
    fresh = np.zeros((MINUTES, 3), int)
    np.add.at(fresh, (minute, page), 1)
    return pd.concat([_page(fresh[:, number], number + 1, day) for number in range(3)]).sort_values("timestamp")


def _page(fresh: np.ndarray, page: int, day: int) -> pd.DataFrame:
    failed = _away(day)
    late = np.append(False, failed[:-1]) & ~failed  # the first answer after an outage: much came and went unseen
    known = np.where(failed | late, 0, KNOWN_AGAIN)
    # A request brings what happened in the minute before it.
    sent = day * DAY + 60 * np.arange(1, MINUTES + 1)
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(sent, unit="s", utc=True),
            "poller": "history",
            "poll": sent // 60,
            "page": page,
            "status": np.where(failed, 0, 200),
            "error": np.where(failed, "network", None),
            "fetched": fresh + known,
            "fresh": fresh,
            "duplicate": known,
            "overlap": known,
            "saturated": late,
            "interval": 60.0,
            "planned_interval": 60.0,
            "late": 0.0,
            "duration_ms": 100,
        }
    )


# --- Into QuestDB ---


def until() -> pd.Timestamp:
    """Return where history ends: now, or when the first poller began."""
    rows = stack.execute("SELECT timestamp FROM github_polls WHERE poller <> 'history' ORDER BY timestamp LIMIT 1")
    first = pd.Timestamp(rows[0][0]) if rows else pd.Timestamp.now("UTC")
    return first.floor("1min")


def load(plan: Plan, days: range, end: pd.Timestamp) -> Iterator[tuple[int, int]]:
    """Write the rows of `days` before `end`; yield each day and its number of events."""
    with Sender.from_conf(f"{stack.questdb_client()}auto_flush_rows={BATCH};auto_flush_bytes=off;") as sender:
        for day in days:
            rows = events(plan, day)
            asked = polls(rows, day)
            rows, asked = rows[rows["timestamp"] < end], asked[asked["timestamp"] <= end]
            _send(sender, "github_events", rows)
            _send(sender, "github_polls", asked)
            yield day, len(rows)


def _send(sender: Sender, table: str, rows: pd.DataFrame) -> None:
    rows = rows.dropna(axis="columns", how="all")  # nothing but None has no type
    sender.dataframe(rows, table_name=table, symbols=[*SYMBOLS.intersection(rows)], at="timestamp")


def refresh() -> None:
    """Bring the views up to date with what is written now; more may arrive meanwhile."""
    deadline = time.monotonic() + REFRESHED_WITHIN
    _catch_up("SELECT sequencerTxn, writerTxn, name FROM wal_tables() WHERE name = 'github_events'", deadline)
    for view in VIEWS:
        stack.execute(f"REFRESH MATERIALIZED VIEW {view} INCREMENTAL")
        progress = "base_table_txn, refresh_base_table_txn, view_status"
        _catch_up(f"SELECT {progress} FROM materialized_views() WHERE view_name = '{view}'", deadline)


def _catch_up(query: str, deadline: float) -> None:
    """Wait until the second column of a row reaches what the first is now; end the program if that can't be."""
    target = None
    while True:
        # While QuestDB writes a view's state, it leaves the view out of its list.
        wanted, done, state = next(iter(stack.execute(query)), (None, None, "not listed"))
        target = wanted if target is None else target
        if target is not None and (done or 0) >= target:
            return
        if time.monotonic() > deadline or state == "invalid":
            sys.exit(f"QuestDB is not done: {done} of {target}, {state}: {query}")
        time.sleep(0.2)


# --- The command ---


def refuse_mixture(plan: Plan, days: range) -> None:
    """End the program where the rows would mix with real events, or with a history of another rate or seed."""
    real = stack.execute("SELECT repo FROM github_events WHERE repo NOT LIKE 'simulated-%' LIMIT 1")
    if real and os.environ.get("YES") != "1":
        sys.exit(
            f"github_events holds real events ({real[0][0]}): YES=1 mixes simulated ones in, `make clean` starts anew"
        )
    if any(_differs(plan, day) for day in (days[0], days[-2])):
        sys.exit("github_events holds a history of another EVENTS, DAYS or SEED: `make clean` starts anew")


def _differs(plan: Plan, day: int) -> bool:
    """Tell whether some rows of a day are not those that the plan makes."""
    date = f"{pd.Timestamp(day * DAY, unit='s'):%Y-%m-%d}"
    ours = f"timestamp IN '{date}' AND length(id) = 13"
    found = stack.execute(f"SELECT id, timestamp FROM github_events WHERE {ours} LIMIT {SAMPLE}")
    if not found:
        return False
    planned = events(plan, day).set_index("id")["timestamp"]
    ids, times = zip(*found, strict=True)
    return not planned.reindex(ids).eq(pd.to_datetime(list(times))).all()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make history", description=__doc__)
    environment = os.environ.get
    parser.add_argument("--days", type=int, default=int(environment("DAYS") or 14), help="DAYS: how many, up to now")
    parser.add_argument("--events", type=int, default=int(environment("EVENTS") or 0), help="EVENTS: about how many")
    parser.add_argument(
        "--seed", type=int, default=int(environment("SEED") or 1), help="SEED: another one, other events"
    )
    arguments = parser.parse_args()
    if not 2 <= arguments.days <= MOST_DAYS:  # noqa: PLR2004 - a day before today's part
        parser.error(f"DAYS: 2 to {MOST_DAYS}, as github_events keeps 30")
    if not 0 <= arguments.events <= arguments.days * MOST_A_DAY // 10:
        parser.error(f"EVENTS: at most {MOST_A_DAY // 10:,} a day")
    return arguments


def main() -> None:
    """Load, refresh the views, say what was done."""
    arguments = _arguments()
    try:
        _load_all(arguments)
    except stack.StackError as error:
        sys.exit(str(error))


def _load_all(arguments: argparse.Namespace) -> None:
    plan = Plan(arguments.events / arguments.days or EVENTS_A_DAY, arguments.seed)
    end = until()
    days = range(int(end.timestamp()) // DAY - arguments.days, int(end.timestamp()) // DAY + 1)
    refuse_mixture(plan, days)
    started, total = time.monotonic(), 0
    for day, number in load(plan, days, end):
        total += number
        print(f"{pd.Timestamp(day * DAY, unit='s'):%a %d %b}  {number:>12,} events")
    refresh()
    seconds = time.monotonic() - started
    print(
        f"{total:,} events until {end:%Y-%m-%d %H:%M} UTC in {seconds:.1f} s, {total / seconds:,.0f}/s, views up to date"
    )


if __name__ == "__main__":
    main()
