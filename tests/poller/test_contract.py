"""Every poller against ingestion/CONTRACT.md; the numbers in the docstrings are its sections."""

import itertools
import json
import os
import re
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clock import Clock
from kafka_broker import DEADLINE, ROOT, Broker
from pollers import ODD, Poller, Simulator
from simulator.defects import FAULTS

CONTRACT = ROOT / "ingestion/contract"
KEYS = ["id", "type", "action", "repo", "actor", "org", "created_at"]
POLL_KEYS = (
    "timestamp poller poll page status error fetched fresh duplicate overlap saturated remaining interval "
    "planned_interval late duration_ms"
)
# Each good answer shows the feed a second later, whatever the clock says: runs repeat, and no fault costs an event.
STEPPED = (
    *("--step", "1", "--rate", "50", "--seed", "7", "--poll-interval", "0.1"),
    *("--token-limit", "1000000000", "--anonymous-limit", "1000000000", "--secondary-limit", "1000000000"),
)
# Seconds without Kafka.
OUTAGE = float(os.environ.get("OUTAGE_SECONDS") or 5)
# A character cut short, two wrong beginnings, one that never begins, and a quotation mark's neighbour.
NOT_UTF8 = b'[{"id":"1","type":"a\xe2\x82b\xf0\x80\xffc\xc3","created_at":"2026-11-24T04:00:00Z"}]'
TOKEN = "token-of-the-test"  # noqa: S105 (looked for in logs)
Simulate = Callable[..., Simulator]
Make = Callable[..., Poller]


def lines(name: str) -> list[str]:
    """Return the lines of a golden file; only U+000A ends one."""
    return (CONTRACT / name).read_bytes().decode().split("\n")[:-1]


def check_complete(poller: Poller, simulator: Simulator) -> None:
    """Assert that all that could be captured was, once, with the right content."""
    truth = simulator.truth()
    found = [json.loads(record.value) for record in poller.events()]
    keys = [(value["id"], value["created_at"]) for value in found]
    possible = {key for key in truth.possible(poller.client) if key[1]}
    assert set(keys) == possible
    assert max(Counter(keys).values()) == 1
    assert found == [truth.messages[key] for key in keys]
    assert all(list(value) == [key for key in KEYS if key in value] for value in found)


def test_golden_page(simulate: Simulate, poller: Make) -> None:
    """Section 6: bytes, keys, order, dead letters with reasons; an event seen before is not sent again."""
    simulator = simulate(*STEPPED)
    for page in (1, 2):
        simulator.ask("PUT", f"/simulator/pages/{page}", (CONTRACT / "page.json").read_bytes())
    simulator.ask("PUT", "/simulator/pages/3", NOT_UTF8)
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="1") == 0
    *events, last = run.events()
    assert [record.value for record in events] == lines("github_events.jsonl")
    assert last.value == '{"id":"1","type":"a\ufffdb\ufffd\ufffd\ufffdc\ufffd","created_at":"2026-11-24T04:00:00Z"}'
    repos = [json.loads(record.value).get("repo") for record in events]
    assert [record.key for record in events] == repos
    assert not any(record.headers for record in events)
    dead = run.broker.read(run.topic + "_dlq")
    expected = [json.loads(line) for line in lines("github_events_dlq.jsonl")]
    assert [json.loads(record.value) for record in dead] == [letter["value"] for letter in expected]
    assert [record.headers for record in dead] == [{"reason": letter["reason"]} for letter in expected]
    assert [row["fresh"] for row in run.polls()] == [len(events) + len(dead), 0, 1]


def test_everything_once(simulate: Simulate, poller: Make) -> None:
    """Sections 3 and 6: all pages, all kinds of events, each once; requests as GitHub wants them."""
    simulator = simulate(*STEPPED, "--odd", ODD)
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="20", GITHUB_TOKEN=TOKEN) == 0
    check_complete(run, simulator)
    assert len(run.events()) > 1000
    letters = run.broker.read(run.topic + "_dlq")
    assert letters
    assert all(json.loads(record.value)["created_at"] is None for record in letters)
    assert [row["page"] for row in simulator.requests()[:3]] == [1, 2, 3]
    first = simulator.requests()[0]
    assert first["per_page"] == 100
    assert first["headers"]["accept"] == "application/vnd.github+json"
    assert first["headers"]["x-github-api-version"] == "2022-11-28"
    assert "if-none-match" not in first["headers"]
    assert TOKEN not in run.log.read_text()


def test_statistics(simulate: Simulate, poller: Make) -> None:
    """Section 8: one row a request; its counts add up to what was sent and what the answers held."""
    simulator = simulate(*STEPPED)
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="6") == 0
    rows = run.polls()
    assert len(rows) == len(simulator.requests()) == 18
    assert all(record.key == run.language.name for record in run.broker.read(run.polls_topic))
    keys = [key for key in POLL_KEYS.split() if key != "error"]
    assert all(list(row) == keys for row in rows)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["timestamp"]) for row in rows)
    assert [row["poll"] for row in run.polls(2)] == [1, 2, 3, 4, 5, 6]
    assert sum(row["fresh"] for row in rows) == len(run.events())
    assert all(row["fetched"] == row["fresh"] + row["duplicate"] == 100 for row in rows)
    assert all(row["overlap"] > 0 for row in rows if row["poll"] > 1)
    assert not any(row["saturated"] or (row["poll"] == 1 and row["overlap"]) for row in rows)
    assert all(0.05 <= row["planned_interval"] < 1 and row["duration_ms"] < 5000 for row in rows)
    assert all(row["interval"] == row["planned_interval"] or row["poll"] == 1 for row in rows)
    assert all(0 <= row["late"] < 5 and (row["late"] == 0 or row["poll"] > 1) for row in rows)


def test_saturated_pages_are_reported(simulate: Simulate, poller: Make) -> None:
    """Section 8: a full page without overlap has certainly missed something, the first one excepted."""
    simulator = simulate(*STEPPED[2:], "--step", "60")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="3") == 0
    assert [row["saturated"] for row in run.polls(1)] == [False, True, True]


def test_unchanged_pages(simulate: Simulate, poller: Make) -> None:
    """Section 4: ETags are used, and left out after ten answers 304 in a row; a 304 that names no interval changes none."""
    simulator = simulate("--poll-interval", "0.1", "--anonymous-limit", "100000", "--faults", "all bare-304 page=2")
    simulator.ask("POST", "/simulator/pause")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="13") == 0
    assert [row["status"] for row in run.polls(1)] == [200, *[304] * 10, 200, 304]
    assert [row["fetched"] for row in run.polls(1)][:2] == [100, 0]
    sent = [row["headers"].get("if-none-match") for row in simulator.requests() if row["page"] == 1]
    assert [bool(etag) for etag in sent] == [False, *[True] * 10, False, True]
    assert {row["fault"] for row in simulator.requests() if row["page"] == 2} == {"bare-304"}
    assert all(row["interval"] < 1 for row in run.polls())
    assert len(run.events()) == len(set(run.keys()))


RETRIED = {
    "500": (500, "server"),
    "502": (502, "server"),
    "status code=202": (202, "body"),
    "status code=204": (204, "body"),
    "status code=206": (206, "body"),
    "503": (503, "server"),
    "504": (504, "server"),
    "301": (301, "redirect"),
    "301 location=http://[": (301, "redirect"),
    "empty": (200, "body"),
    "object": (200, "body"),
    "null": (200, "body"),
    "html": (200, "body"),
    "truncated": (200, "body"),
    "reset": (0, "network"),
    "reset-early": (0, "network"),
    "short": (0, "network"),
    "cut-chunk": (0, "network"),
}


def test_a_failed_request_costs_nothing(simulate: Simulate, poller: Make) -> None:
    """Section 5: the next slot is the retry, with the old ETag, and later slots for failures in a row."""
    script = [f"{3 + 6 * index}-{5 + 6 * index} {fault} page=2" for index, fault in enumerate(RETRIED)]
    simulator = simulate(*STEPPED, "--faults", "; ".join(script))
    run = poller(simulator.url)
    run.environ |= {"MAX_POLLS": str(6 * len(RETRIED) + 1), "POLL_INTERVAL": "0.05"}
    run.start()
    assert run.wait(180) == 0
    check_complete(run, simulator)
    asked = [row for row in simulator.requests() if row["page"] == 2]
    etags = [row["headers"].get("if-none-match") for row in asked]
    for index, (fault, expected) in enumerate(RETRIED.items()):
        good = 1 + 6 * index
        before, *failed, after = run.polls(2)[good : good + 5]
        assert [(row["status"], row.get("error")) for row in failed] == [expected] * 3, fault
        assert [row["fetched"] for row in (before, *failed, after)] == [100, 0, 0, 0, 100], fault
        assert [round(row["interval"] / before["interval"]) for row in failed] == [1, 2, 4], fault
        assert len(set(etags[good + 1 : good + 5])) == 1, (fault, asked[: good + 6], run.polls(2)[: good + 6])
        assert etags[good + 4] != etags[good + 5], fault
    assert "301 redirect (GITHUB_API_URL)" in run.log.read_text()


def test_no_answer_in_time(simulate: Simulate, poller: Make) -> None:
    """Sections 3 and 5: half a page and then silence, or nobody who listens: asked for again."""
    simulator = simulate(*STEPPED, "--faults", "2 stall page=1 seconds=40; 2 refuse page=2 seconds=1")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="8") == 0
    check_complete(run, simulator)
    stalled, refused = run.polls(1)[1], run.polls(2)[1]
    assert (stalled["status"], stalled["error"]) == (0, "timeout")
    assert 14_000 < stalled["duration_ms"] < 32_000
    assert (refused["status"], refused["error"]) == (0, "network")
    assert len(simulator.requests()) < len(run.polls())
    assert all(run.polls(page)[-1]["status"] == 200 for page in (1, 2, 3))


def test_duplicates_and_slow_answers(simulate: Simulate, poller: Make) -> None:
    """Section 6: events twice on a page, or on two, are sent once; a slow page is a good one, one that announces an end too."""
    faults = (
        *("2 duplicates page=1", "3 duplicates-across", "4 slow-body seconds=1 page=2"),
        *("5 slow-headers seconds=1 page=1", "6 stale", "7 sunset"),
    )
    simulator = simulate(*STEPPED, "--faults", "; ".join(faults))
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="8") == 0
    check_complete(run, simulator)
    assert not any("error" in row for row in run.polls())


# What is said, and how long that is at least and at most.
LIMITS = {
    "403-primary seconds=1": ("limit", 403, 1, 3.5),
    "429-primary seconds=1": ("limit", 429, 1, 3.5),
    "403-secondary retry_after=1": ("secondary", 403, 1, 1.1),
    "429-secondary retry_after=1": ("secondary", 429, 1, 1.1),
    "429-secondary retry_after=2 form=date": ("secondary", 429, 1, 3.1),
}


def test_one_wait_for_all_pages(simulate: Simulate, poller: Make) -> None:
    """Section 5: a limit stops all pages for as long as GitHub says."""
    script = [f"{5 + 5 * index} {fault}" for index, fault in enumerate(LIMITS)]
    simulator = simulate(*STEPPED, "--faults", "; ".join(script))
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="10") == 0
    check_complete(run, simulator)
    times, rows = [row["at"] for row in simulator.requests()], run.polls()
    for index, (fault, (error, status, least, most)) in enumerate(LIMITS.items()):
        last = 4 + 5 * index
        assert (rows[last].get("error"), rows[last]["status"]) == (error, status), fault
        interval, took = rows[last]["interval"], rows[last]["duration_ms"] / 1000
        assert least <= interval <= most + took, fault  # counted from the request, but the wait begins with the answer
        assert least <= times[last + 1] - times[last], fault


@pytest.mark.parametrize(
    "fault", ["403-secondary retry_after=none", "429-secondary retry_after=0", "403-primary seconds=none"]
)
def test_a_limit_that_does_not_say_how_long(simulate: Simulate, poller: Make, fault: str) -> None:
    """Section 5: a minute; a signal ends the wait at once."""
    simulator = simulate(*STEPPED, "--faults", f"2- {fault}")
    run = poller(simulator.url)
    run.start()
    row = run.until(lambda: [row for row in run.polls() if "error" in row], "a limit in the statistics")[0]
    assert row["error"] == ("limit" if "primary" in fault else "secondary")
    assert 60 <= row["interval"] < 61
    assert run.stop() == 0
    assert len(simulator.requests()) == 2


@pytest.mark.parametrize("fault", ["401", "suspended", "410", "400"])
def test_refusals_end_the_poller(simulate: Simulate, poller: Make, fault: str) -> None:
    """Section 5: exit code 3 and GitHub's own words, after what was fetched has been delivered."""
    simulator = simulate(*STEPPED, "--faults", f"5 {fault}")
    run = poller(simulator.url)
    assert run.run(GITHUB_TOKEN=TOKEN) == 3
    check_complete(run, simulator)
    status = {"suspended": 403}.get(fault) or int(fault)
    setting = r" \(GITHUB_TOKEN\)" if fault == "401" else r"[^(]*"
    assert re.search(rf"ERROR GitHub refuses: {status} \w[^(]*{setting}$", run.log.read_text(), re.MULTILINE)
    assert re.search(r"INFO stopped after 5 requests, .*\n.* ERROR GitHub refuses: ", run.log.read_text())
    assert TOKEN not in run.log.read_text()
    assert len(simulator.requests()) == 5
    assert run.polls()[4]["status"] == status


def test_polite(simulate: Simulate, poller: Make) -> None:
    """Sections 4 and 5: X-Poll-Interval is obeyed, but for 0; the first rows don't wait for it. A page too many is left alone."""
    faults = "1 poll-interval seconds=0; 2 poll-interval seconds=120; 3 status code=422"
    simulator = simulate("--token-limit", "5000", "--faults", faults)
    run = poller(simulator.url)
    run.environ |= {"GITHUB_TOKEN": TOKEN, "POLL_INTERVAL": "polite"}
    run.start()
    run.until(lambda: len(run.polls()) == 3, "three polls")
    assert [row["interval"] for row in run.polls()] == [pytest.approx(wait, abs=0.01) for wait in (60, 120, 3600)]
    assert run.polls(3)[0]["error"] == "unprocessable"
    assert run.stop() == 0
    assert len(run.events()) > 150


# Values of headers that are no numbers, or none that a header of GitHub's holds.
UNREADABLE = ("many", "-", "", "-1", "1e3", "½", "9" * 400)
HEADERS = ("X-RateLimit-Remaining", "X-RateLimit-Limit", "X-RateLimit-Reset", "Date", "Retry-After")


def test_unreadable_headers(simulate: Simulate, poller: Make) -> None:
    """Section 3: they count as absent, and nothing else changes."""
    odd = list(itertools.product(HEADERS, UNREADABLE))
    script = [f"{number} header name={name} value={value}" for number, (name, value) in enumerate(odd, 1)]
    simulator = simulate(*STEPPED, "--faults", "; ".join(script))
    run = poller(simulator.url)
    assert run.run(MAX_POLLS=str(len(odd) // 3 + 1), POLL_INTERVAL="0.02") == 0
    check_complete(run, simulator)
    rows = run.polls()
    assert {row["fault"] for row in simulator.requests()} == {"header", None}
    assert all(row["status"] == 200 and "error" not in row and row["interval"] < 1 for row in rows)
    assert ["remaining" in row for row in rows[: len(odd)]] == [name != HEADERS[0] for name, _ in odd]


def test_odd_poll_intervals(simulate: Simulate, poller: Make) -> None:
    """Section 4: one that can't be read counts as absent, one of years is an hour; both lead to a wait."""
    faults = (f"1 header name=X-Poll-Interval value={'9' * 400}", "2 header name=X-Poll-Interval value=-5")
    simulator = simulate("--token-limit", "5000", "--faults", "; ".join([*faults, "3 poll-interval seconds=1e12"]))
    run = poller(simulator.url)
    run.environ |= {"GITHUB_TOKEN": TOKEN, "POLL_INTERVAL": "polite"}
    run.start()
    run.until(lambda: len(run.polls()) == 3, "three polls")
    assert [row["interval"] for row in run.polls()] == [pytest.approx(wait, abs=0.01) for wait in (60, 60, 3600)]
    assert run.stop() == 0
    assert len(simulator.requests()) == 3


# Time runs 30 times as fast: an hour is two minutes, and what GitHub asks for is two seconds. Faster, a busy machine's delays would
# be a part of the plan.
PLANS = {"with a token": (TOKEN, 1.0), "without a token": ("", 3 * 120 / 54)}


@pytest.mark.parametrize("plan", PLANS)
def test_pages_in_turn(simulate: Simulate, poller: Make, plan: str) -> None:
    """Section 4: the default. One request after the other, evenly spread; without a token five of the hour's are kept."""
    token, interval = PLANS[plan]
    simulator = simulate("--time-scale", "30", "--rate", "10")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="3", GITHUB_TOKEN=token) == 0
    assert [row["page"] for row in run.polls()] == [1, 2, 3] * 3
    assert [row["planned_interval"] for row in run.polls()] == [pytest.approx(interval, rel=0.05)] * 9
    times = [row["at"] for row in simulator.requests()]
    # From the second on, and not each gap: on a busy machine one request's way to the simulator takes longer than the next one's.
    assert times[-1] - times[1] > 0.95 * interval / 3 * (len(times) - 2)
    assert statistics.median(after - before for before, after in itertools.pairwise(times)) > 0.8 * interval / 3


def test_a_page_that_fails_keeps_no_other_waiting(simulate: Simulate, poller: Make) -> None:
    """Sections 4 and 5: its retry comes by itself, while the others go on in turn."""
    simulator = simulate(*STEPPED, "--faults", "2-4 503 page=2")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="8") == 0
    check_complete(run, simulator)
    failed = [row["interval"] for row in run.polls(2)[1:4]]
    assert failed == [pytest.approx(wait, rel=0.1) for wait in (0.05, 0.1, 0.2)]
    assert all(row["interval"] < 0.2 for page in (1, 3) for row in run.polls(page))


def test_scarce_budget_goes_to_pages_that_move(simulate: Simulate, poller: Make) -> None:
    """Section 4: page 1 is all new each time, pages 2 and 3 are not, so they are asked less often; both of them."""
    simulator = simulate(*STEPPED, "--step", "2.4", "--token-limit", "36000")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="6", POLL_INTERVAL="0.01", GITHUB_TOKEN=TOKEN) == 0
    first, second, third = (run.polls(page)[-1]["planned_interval"] for page in (1, 2, 3))
    assert second > 1.5 * first
    assert third > 1.5 * first


def test_budget_without_token(simulate: Simulate, poller: Make) -> None:
    """Section 4: 60 requests an hour are spread over the three pages, even if more is wished for or clocks differ."""
    simulator = simulate("--anonymous-limit", "60", "--faults", "all skew seconds=-600")
    run = poller(simulator.url)
    run.environ["POLL_INTERVAL"] = "5"
    run.start()
    run.until(lambda: len(run.polls()) == 3, "three polls")
    run.stop()
    reset = [3 * 3600 / (60 - asked) for asked in (1, 2, 3)]
    assert [row["interval"] for row in run.polls()] == [pytest.approx(wait, rel=0.03) for wait in reset]
    assert [row["remaining"] for row in run.polls()] == [59, 58, 57]


def test_explicit_interval(simulate: Simulate, poller: Make) -> None:
    """Section 4: POLL_INTERVAL below GitHub's wish is obeyed, while the budget lasts."""
    simulator = simulate("--token-limit", "1000000")
    run = poller(simulator.url)
    assert run.run(POLL_INTERVAL="0.5", MAX_POLLS="4", GITHUB_TOKEN=TOKEN) == 0
    assert all(0.5 <= row["interval"] < 0.52 for row in run.polls())


def test_broker_away(simulate: Simulate, poller: Make, broker: Broker) -> None:
    """Section 7: polling goes on while Kafka is away, and all of it arrives afterwards, once."""
    simulator = simulate("--rate", "20", "--seed", "3", "--anonymous-limit", "100000")
    run = poller(simulator.url)
    run.environ["POLL_INTERVAL"] = "0.3"
    run.start()
    run.until(lambda: len(run.polls()) >= 6, "six polls")
    broker.stop(signal.SIGKILL)
    try:
        run.until_logged("messages wait for Kafka")
        beaten = run.heartbeat.read_text()
        back = time.monotonic() + OUTAGE
        run.until(lambda: time.monotonic() > back, "the end of the outage", OUTAGE + DEADLINE)
        assert run.heartbeat.read_text() == beaten
        assert len(simulator.requests()) > 20
    finally:
        broker.start()
    # From here on no answer can be lost by giving a request up.
    simulator.ask("PUT", "/simulator/faults", "1- 503")
    run.until_logged("503 server")
    run.until(lambda: run.heartbeat.read_text() > beaten, "a heartbeat")
    assert run.stop() == 0
    check_complete(run, simulator)
    assert not any(row["saturated"] for row in run.polls())


@pytest.mark.thorough
def test_a_clock_that_jumps(simulate: Simulate, poller: Make, broker: Broker, tmp_path: Path) -> None:
    """Sections 4 and 7: back and forth by hours. What waits for Kafka meanwhile has times far ahead of the broker's."""
    run = poller((simulator := simulate(*STEPPED)).url)
    if run.language.name == "go":
        pytest.skip("Go asks the kernel for the time itself: no library can make its clock jump")
    clock = Clock(tmp_path)
    run.environ |= clock.environment
    run.start()
    for hours in (5, -3, 26, 0):
        asked_again(run, simulator)
        clock.jump(hours)
    broker.stop(signal.SIGKILL)
    try:
        clock.jump(5)
        asked_again(run, simulator)
    finally:
        broker.start()
    before = len(run.events())
    run.until(lambda: len(run.events()) > before, "events after the outage")
    # Not while Kafka is away: librdkafka and the Java client then wait with the next attempt until the clock has caught up.
    clock.jump(0)
    asked_again(run, simulator)
    simulator.ask("PUT", "/simulator/faults", "1- 503")
    run.until_logged("503 server")
    assert run.stop() == 0
    check_complete(run, simulator)


def asked_again(run: Poller, simulator: Simulator) -> None:
    """Wait until some more requests were answered."""
    before = len(simulator.requests())
    run.until(lambda: len(simulator.requests()) > before + 3, "more requests")


def test_kafka_or_topics_not_there_yet(simulate: Simulate, poller: Make) -> None:
    """Section 7: nothing is asked of GitHub before Kafka can take it; what is missing is named."""
    simulator = simulate(*STEPPED)
    run = poller(simulator.url, create=False)
    run.environ["MAX_POLLS"] = "1"
    run.start()
    run.until_logged(f"{run.topic}_dlq")
    assert simulator.requests() == []
    run.broker.create(run.topic, run.topic + "_dlq", run.polls_topic)
    assert run.wait() == 0
    assert len(run.events()) > 250


def test_no_kafka(poller: Make) -> None:
    """Section 7: an address where nobody answers is named, and a signal still ends the poller."""
    run = poller("http://127.0.0.1:9", create=False)
    run.environ["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:9"
    run.start()
    run.until_logged("127.0.0.1:9 (KAFKA_BOOTSTRAP_SERVERS)")
    assert run.stop() == 0


def test_refused_message(simulate: Simulate, poller: Make) -> None:
    """Sections 7 and 10: a topic that was deleted under way ends the poller with 1 and its name."""
    simulator = simulate(*STEPPED)
    run = poller(simulator.url)
    run.environ["POLL_INTERVAL"] = "0.5"
    run.start()
    run.until(lambda: len(run.polls()) >= 3, "three polls")
    run.broker.delete(run.topic)
    assert run.wait(90) == 1
    assert re.search(rf"INFO stopped after .*\n.* ERROR .*{run.topic}", run.log.read_text())


def test_restart(simulate: Simulate, poller: Make) -> None:
    """A poller killed without warning loses nothing that GitHub still shows; repeats have the same identity."""
    simulator = simulate(*STEPPED)
    run = poller(simulator.url)
    run.environ["POLL_INTERVAL"] = "0.2"
    run.start()
    run.until(lambda: len(run.polls()) >= 9, "nine polls")
    run.stop(signal.SIGKILL)
    assert run.run(MAX_POLLS="5") == 0
    assert set(run.keys()) == simulator.truth().possible(run.client)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_in_mid_page(simulate: Simulate, poller: Make, number: int) -> None:
    """Section 10: a request under way is given up; everything fetched before has arrived."""
    simulator = simulate(*STEPPED, "--faults", "4 slow-body seconds=14")
    run = poller(simulator.url)
    run.start()
    run.until(lambda: len(run.polls()) >= 3, "three polls")
    time.sleep(0.5)  # into the fourth answer, which drips for 14 s
    began = time.monotonic()
    assert run.stop(number) == 0
    assert time.monotonic() - began < 5
    assert {row["status"] for row in run.polls()} == {200}
    check_complete(run, simulator)
    assert "INFO stopped after 3 requests" in run.log.read_text()


def test_heartbeat(simulate: Simulate, poller: Make) -> None:
    """Section 9: healthy until a minute after the next request; a failing GitHub does not renew it."""
    simulator = simulate("--anonymous-limit", "100000", "--faults", "7- 503")
    run = poller(simulator.url)
    assert run.run(POLL_INTERVAL="0.2", MAX_POLLS="4") == 0
    times = [row["at"] for row in simulator.requests()]
    assert float(run.heartbeat.read_text()) == pytest.approx(times[5] + 60.2, abs=1.5)


def test_unwritable_heartbeat(simulate: Simulate, poller: Make, tmp_path: Path) -> None:
    """Section 9: said once; the polling goes on."""
    run = poller(simulate(*STEPPED).url)
    assert run.run(MAX_POLLS="3", POLL_INTERVAL="0.1", HEARTBEAT_FILE=str(tmp_path)) == 0
    assert len(re.findall(rf" WARNING HEARTBEAT_FILE {tmp_path}: \w", run.log.read_text())) == 1
    assert len(run.polls()) == 9


def test_bad_settings_are_named(poller: Make) -> None:
    """Section 2: all at once, exit code 2, and nothing secret."""
    bad = {
        "FEED": "twitter",
        "GITHUB_API_URL": "api.github.com",
        "GITHUB_TOKEN_FILE": "/no/such/file",
        "POLL_INTERVAL": "soon",
        "MAX_POLLS": "0",
        "KAFKA_BOOTSTRAP_SERVERS": "localhost",
        "KAFKA_SECURITY_PROTOCOL": "TLS",
        "KAFKA_SASL_MECHANISM": "CRAM-MD5",
        "KAFKA_SSL_CA_LOCATION": "/no/such/authority",
        "KAFKA_TOPIC": "my topic",
        "KAFKA_POLLS_TOPIC": "a/b",
    }
    run = poller("http://127.0.0.1:9", create=False)
    assert run.run(GITHUB_TOKEN=TOKEN, **bad) == 2
    found = run.log.read_text()
    assert all(f"ERROR {name}='{value}': " in found for name, value in bad.items())
    assert "ERROR GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one" in found
    assert TOKEN not in found


@pytest.mark.parametrize("missing", ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"])
def test_half_a_login_is_refused(poller: Make, missing: str) -> None:
    """Section 2: a protocol with SASL needs all three; the password is not shown."""
    login = {"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": TOKEN}
    run = poller("http://127.0.0.1:9", create=False)
    assert run.run(**login | {missing: "", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}) == 2
    found = run.log.read_text()
    assert f"ERROR KAFKA_SECURITY_PROTOCOL with SASL_ needs {', '.join(login)}" in found
    assert TOKEN not in found


BAD_NUMBERS = {
    "POLL_INTERVAL": ("0", "-1", "inf", "1e10", "86400.1", "2592000", "9" * 400),
    "MAX_POLLS": ("1.5", "1000000000", "-3"),
}


def test_bad_numbers(poller: Make) -> None:
    """Section 2: numbers above 0 only, and none that no clock can hold."""
    run = poller("http://127.0.0.1:9", create=False)
    for name, value in ((name, value) for name, values in BAD_NUMBERS.items() for value in values):
        run.environ.pop("POLL_INTERVAL", None)
        assert run.run(**{name: value}) == 2, (name, value)
        assert f"ERROR {name}='{value}': " in run.log.read_text()


def test_help(poller: Make) -> None:
    """Section 2: --help prints every variable and its default, an unknown argument is an error."""
    run = poller("http://127.0.0.1:9", create=False)
    arguments = run.command
    run.command = [*arguments, "--help"]
    assert run.run(FEED="simulator", SIMULATOR_PORT="4321", GITHUB_API_URL="") == 0
    section = Path(ROOT / "ingestion/CONTRACT.md").read_text().partition("## 2.")[2].partition("## 3.")[0]
    assert all(name in run.log.read_text() for name in re.findall(r"^\| `([A-Z_]+)`", section, re.MULTILINE))
    assert "http://127.0.0.1:4321" in run.log.read_text()
    run.command = [*arguments, f"--token={TOKEN}"]
    assert run.run() == 2
    assert "ERROR no arguments are taken" in run.log.read_text()
    assert TOKEN not in run.log.read_text()


def logged(row: dict[str, Any]) -> str:
    """Return the line of the log that belongs to a row of statistics."""
    counts = ", ".join(f"{row[key]} {key}" for key in ("fetched", "fresh", "duplicate", "overlap"))
    found = f"{row['status']} {row['error']}" if "error" in row else f"{row['status']}, {counts}"
    return f"page {row['page']} poll {row['poll']}: {found}, next in "


def test_log(simulate: Simulate, poller: Make) -> None:
    """Section 9: one line a request, as the statistics say, and the first and last line."""
    simulator = simulate(*STEPPED, "--faults", "4 502")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="2") == 0
    found = run.log.read_text().splitlines()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(rf"{stamp} INFO polling {simulator.url} without a token into {run.topic} at .*", found[0])
    assert re.fullmatch(rf"{stamp} INFO stopped after 6 requests, {len(run.events())} messages sent", found[-1])
    assert [
        (logged(row), line) for row, line in zip(run.polls(), found[1:-1], strict=True) if logged(row) not in line
    ] == []
    assert " WARNING page 1 poll 2: 502 server, next in" in found[4]


def test_every_fault_is_run() -> None:
    """Whatever the simulator can do to an answer, all languages meet it here."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if not re.search(rf"(?<![\w-]){name}(?![\w-])", source)] == []
