"""`make bench-coverage`: how much of a feed each poller captures under each plan, and what that costs.

The simulator emits events as fast as GitHub did in 2026 and keeps a truth log; time runs `--scale` times faster. The last rows are the older
template's way: the first page of 30 every 10 s. Then each poller is fed more new identities than it remembers; the command fails if one takes more memory
than ingestion/README.md states. `--real-speed MINUTES` measures all languages side by side at real speed instead, each on a feed of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
import report
import requests
from kafka_broker import ROOT, Broker
from pollers import LANGUAGES, Language, Poller, build
from simulator.process import started
from simulator.truth import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simulator.truth import Key, Truth

EVENTS_A_SECOND = 170  # GitHub's public feed in 2026
HOUR, DAY = 3600, 86400
# Three times what a poller remembers: without a bound its memory would be twice what is stated.
IDENTITIES = 1_200_000
STATED = re.compile(r"^\| .*`ingestion/(\w+).* \| (\d+) MB \|$", re.MULTILINE)
OLDER_TEMPLATE = "older template"
MB = 2**20


class Plan(NamedTuple):
    """How often a poller asks: with a token or not; `interval`: simulated seconds, `polite`, or the pages in turn."""

    name: str
    token: bool
    interval: float | str | None = None


PLANS = [
    Plan("in turn, no token", token=False),
    Plan("in turn", token=True),
    Plan("polite", token=True, interval="polite"),
    Plan("10 s", token=True, interval=10),
    Plan("fastest", token=True, interval=0.1),  # what is left of 5,000 requests an hour sets the pace
]
# Feeds for the runs at real speed: with old events served again, as GitHub does, and without.
FEEDS = {"as GitHub": "on", "nothing served again": "off"}


class Pace(NamedTuple):
    """How many real seconds a run takes, and how many simulated ones pass in each."""

    seconds: float
    scale: float


class Cost(NamedTuple):
    """CPU seconds after the first requests, and MB of memory at the end."""

    seconds: float
    rss: float


class Run(NamedTuple):
    """What one poller sent in one run, its requests, and how many of their pages it called saturated."""

    client: str
    keys: Sequence[Key]
    requests: int
    saturated: int
    cost: Cost | None
    longest_gap: float = 0  # seconds between two requests that brought something new


def settings(plan: Plan, scale: float) -> dict[str, str]:
    """Return a poller's settings for a plan in scaled time."""
    interval = f"{plan.interval / scale:.4f}" if isinstance(plan.interval, float | int) else plan.interval or ""
    return {"POLL_INTERVAL": interval, "GITHUB_TOKEN": "token" if plan.token else ""}


def poll(poller: Poller, url: str, plan: Plan, pace: Pace) -> Run:
    """Let a poller, whose topics are there, run for some real seconds."""
    poller.environ |= settings(plan, pace.scale) | {"GITHUB_API_URL": url}
    poller.start()
    assert poller.process
    process = psutil.Process(poller.process.pid)
    poller.until_logged("page 3 poll 1", 300)
    before = process.cpu_times()
    time.sleep(pace.seconds)
    now = process.cpu_times()
    cost = Cost(now.user + now.system - before.user - before.system, process.memory_info().rss / MB)
    assert poller.stop() == 0, poller.log.read_text()[-2000:]
    rows = poller.polls()
    times = [datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")) for row in rows if row["fresh"]]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    saturated = sum(row["saturated"] for row in rows)
    return Run(poller.client, poller.keys(), len(rows), saturated, cost, max(gaps, default=0))


def poll_as_before(url: str, pace: Pace) -> Run:
    """Poll as the older template did: the first page of 30 every 10 s, only its ETag remembered."""
    keys: list[Key] = []
    asked = 0
    headers = {"User-Agent": OLDER_TEMPLATE, "Authorization": "Bearer token"}
    end = time.monotonic() + pace.seconds
    while time.monotonic() < end:
        answer = requests.get(f"{url}/events?per_page=30", headers=headers, timeout=30)
        asked += 1
        if answer.ok and answer.content:
            keys += [(event["id"], event["created_at"]) for event in answer.json()]
            headers["If-None-Match"] = answer.headers["ETag"]
        time.sleep(10 / pace.scale)
    return Run(OLDER_TEMPLATE, keys, asked, 0, None)


def certain_gaps(truth: Truth, client: str) -> int:
    """Count the full answers of which no recent event was on the last good answer of the same page (CONTRACT.md, section 8)."""
    gaps = 0
    last: dict[int, set[Key]] = {}
    for answer in truth.polls:
        if answer["client"] != client or answer["status"] != requests.codes.ok or not answer["intact"]:
            continue
        day_before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(answer["at"]) - DAY))
        recent = {key for key in answer["served"] if (key[1] or "") >= day_before}
        before = last.get(answer["page"])
        full = len(answer["served"]) == 100 and len(recent) >= 50  # noqa: PLR2004 - the contract's numbers
        gaps += before is not None and full and not recent & before
        last[answer["page"]] = set(answer["served"])
    return gaps


def row(name: str, plan: str, run: Run, truth: Truth) -> list[object]:
    """Return a line of the table."""
    found = truth.coverage(run.keys, run.client)
    million = found.captured / 1e6
    return [
        *(name, plan, f"{found.emitted:,}", f"{found.possible:,}", f"{found.captured:,}", f"{100 * found.share:.2f} %"),
        *(f"{len(run.keys) - len(set(run.keys)):,}", f"{run.requests:,}"),
        f"{run.saturated} of {certain_gaps(truth, run.client)}" if run.cost else "",
        *((f"{run.cost.seconds / million:.0f}", f"{run.cost.rss:.0f}") if run.cost and million else ("", "")),
    ]


HEAD = (
    *("poller", "plan", "emitted", "possible", "captured", "of possible", "sent twice", "requests"),
    *("gaps reported of certain", "CPU s per million events", "RSS, MB"),
)


def feed(folder: Path, scale: float, ask: Callable[[str], Run], *more: str) -> tuple[Run, Truth]:
    """Run a poller on a feed of its own; return what it did and the truth about it."""
    log = folder / "truth.ndjson"
    log.unlink(missing_ok=True)
    flags = ("--rate", str(EVENTS_A_SECOND), "--time-scale", str(scale), "--truth-log", str(log), *more)
    with started(*flags) as running:
        run = ask(running.url)
    with log.open(encoding="utf-8") as lines:
        truth = read(lines)
    # The request that the end cut short may have been answered, but was not received.
    truth.polls = truth.polls[: run.requests]
    return run, truth


def cover(broker: Broker, folder: Path, cases: Iterable[tuple[Plan, Language]], pace: Pace) -> str:
    """Run each language under each plan, and the older template's way; return the table."""
    rows = []
    for plan, language in cases:
        topic = f"coverage-{language.name}-{plan.name.replace(' ', '')}"
        poller = Poller(language, folder, broker, "", topic)
        broker.create(topic, f"{topic}_dlq", f"{topic}_polls")
        run, truth = feed(folder, pace.scale, partial(poll, poller, plan=plan, pace=pace))
        rows.append(row(language.name, plan.name, run, truth))
        (folder / "poller.log").unlink()
        print(*rows[-1], sep=" | ", flush=True)
    rows.append(row(OLDER_TEMPLATE, "10 s", *feed(folder, pace.scale, partial(poll_as_before, pace=pace))))
    return report.table(HEAD, rows)


def while_polled(truth: Truth) -> set[Key]:
    """Return the events that appeared between the first and the last answer: the feed runs longer than the poller."""
    first, last = truth.polls[0]["at"], truth.polls[-1]["at"]
    starts = [min((span[0] or 0 for span in visible.values()), default=None) for _, visible in truth.stays]
    # Between others, a burst pushes some out before anybody could have seen them.
    inside = [number for number, start in enumerate(starts) if start is not None and first <= start < last]
    return {key for key, _ in truth.stays[inside[0] : inside[-1] + 1]}


def at_real_speed(broker: Broker, folder: Path, languages: Sequence[Language], minutes: float) -> str:
    """Run all languages at the fastest plan on both feeds, and the first in turn, at the same time; return the table."""
    cases = [(language, PLANS[-1], name) for name in FEEDS for language in languages]
    cases += [(languages[0], plan, "as GitHub") for plan in PLANS[:2]]
    pace = Pace(minutes * 60, 1)

    def name_of(case: tuple[Language, Plan, str]) -> str:
        return re.sub(r"\W+", "-", f"{case[0].name}-{case[1].name}-{case[2]}")

    def measure(case: tuple[Language, Plan, str]) -> list[object]:
        language, plan, feed_name = case
        name = name_of(case)
        poller = Poller(language, folder / name, broker, "", name)
        run, truth = feed(
            folder / name, 1, partial(poll, poller, plan=plan, pace=pace), "--reserving", FEEDS[feed_name]
        )
        appeared = while_polled(truth)
        emitted, captured = len(appeared), len(appeared & set(run.keys))
        shown = sum(len(answer["served"]) for answer in truth.polls)
        share = f"{100 * captured / emitted:.1f} %"
        return [
            *(language.name, plan.name, feed_name, f"{emitted:,}", f"{run.requests:,}", f"{shown:,}"),
            *(f"{captured:,}", share, f"{run.longest_gap:.1f}"),
        ]

    for name in map(name_of, cases):
        (folder / name).mkdir()
        broker.create(name, f"{name}_dlq", f"{name}_polls")
    with ThreadPoolExecutor(len(cases)) as pool:
        rows = list(pool.map(measure, cases))
    head = ["poller", "plan", "feed", "emitted", "requests", "events shown", "captured", "of emitted", "longest gap, s"]
    return report.table(head, rows)


class Fresh(BaseHTTPRequestHandler):
    """Answers each request with a page of a thousand identities never seen before, as many bytes as a page of GitHub's."""

    numbers = itertools.count(21_190_576_879)

    def handle(self) -> None:
        """Answer; a poller that is stopped in mid-answer is no error."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """Send a page."""
        event = '{{"id":"{}","created_at":"2026-11-24T04:00:00Z"}}'
        body = f"[{','.join(event.format(next(self.numbers)) for _ in range(1000))}]".encode()
        self.send_response(requests.codes.ok)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def most_memory(broker: Broker, folder: Path, language: Language, identities: int) -> float:
    """Return the most MB a poller is seen to take while so many new identities pass through it."""
    server = HTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    topic = f"full-{language.name}"
    broker.create(topic, topic + "_dlq", topic + "_polls")
    poller = Poller(language, folder, broker, f"http://127.0.0.1:{server.server_port}", topic)
    poller.environ["POLL_INTERVAL"] = "0.01"
    poller.start()
    assert poller.process
    process, last = psutil.Process(poller.process.pid), f"page 3 poll {identities // 3000}:"
    poller.until_logged("page 1 poll 1:")  # before that it may still be what builds it
    sizes: list[float] = []

    def through() -> bool:
        sizes.append(process.memory_info().rss / MB)
        return last in poller.log.read_text()

    poller.until(through, last, 1800)
    poller.stop()
    server.shutdown()
    (folder / "poller.log").unlink()
    return max(sizes)


def stated() -> dict[str, int]:
    """Return the MB that the README states as each language's bound."""
    text = (ROOT / "ingestion/README.md").read_text(encoding="utf-8")
    return {name: int(megabytes) for name, megabytes in STATED.findall(text)}


def fill(broker: Broker, folder: Path, languages: Iterable[Language], identities: int) -> tuple[str, list[str]]:
    """Return the table of each language's memory beside its bound, and the languages beyond theirs."""
    most = {language.name: most_memory(broker, folder, language, identities) for language in languages}
    bounds = stated()
    rows = [[name, f"{size:.0f}", bounds[name]] for name, size in most.items()]
    head = ["poller", f"RSS while {identities:,} identities pass, MB, at most", "stated bound, MB"]
    return report.table(head, rows), [name for name, size in most.items() if size > bounds[name]]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--languages", type=lambda text: text.split(","), help="some of them, with commas")
    parser.add_argument("--plans", type=lambda text: text.split(","), help=", ".join(plan.name for plan in PLANS))
    parser.add_argument("--hours", type=float, default=1, help="simulated hours of each run")
    parser.add_argument("--scale", type=float, default=40, help="simulated seconds in a real one")
    parser.add_argument("--identities", type=int, default=IDENTITIES, help="how many new ones fill a poller's memory")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="leave the second table out")
    parser.add_argument(
        "--real-speed", type=float, metavar="MINUTES", help="measure side by side at real speed instead"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the tables only")
    return parser.parse_args()


def real_speed(chosen: argparse.Namespace, languages: Sequence[Language]) -> None:
    """Measure at real speed and write the tables."""
    with tempfile.TemporaryDirectory() as name:
        broker = Broker(Path(name))
        broker.start()
        try:
            table = at_real_speed(broker, Path(name), languages, chosen.real_speed)
        finally:
            broker.stop()
    head = f"{chosen.real_speed:g} minutes, {EVENTS_A_SECOND} events/s, all at the same time. {report.machine()}."
    text = f"{head}\n\n{table}"
    if not chosen.dry_run:
        report.write("coverage-real-speed", text)
    print(text)


def main() -> int:
    """Run the benchmark; return the exit code."""
    chosen = options()
    languages = [each for each in LANGUAGES if each.name in (chosen.languages or each.name) and build(each)]
    if chosen.real_speed:
        real_speed(chosen, languages)
        return 0
    plans = [plan for plan in PLANS if not chosen.plans or plan.name in chosen.plans]
    cases, pace = itertools.product(plans, languages), Pace(chosen.hours * HOUR / chosen.scale, chosen.scale)
    beyond: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(folder)
        broker.start()
        try:
            head = f"{chosen.hours:g} simulated hours a run, {EVENTS_A_SECOND} events/s, time {chosen.scale:g} times as fast. {report.machine()}."
            text = f"{head}\n\n{cover(broker, folder, cases, pace)}"
            if chosen.memory:
                table, beyond = fill(broker, folder, languages, chosen.identities)
                text += f"\n\n{table}"
        finally:
            broker.stop()
    if not chosen.dry_run:
        report.write("coverage", text)
    print(text)
    if beyond:
        print(f"more memory than ingestion/README.md states: {', '.join(beyond)}", file=sys.stderr)
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
