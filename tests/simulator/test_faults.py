"""Each fault shows on the wire as named, where the script says, and only there."""

from __future__ import annotations

import email.utils
import itertools
import json
import time
import urllib.error
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from simulator.client import Client, failure, with_token
from simulator.defects import FAULTS
from simulator.faults import Script, Visit
from simulator.process import Running, started
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def paused() -> Iterator[Running]:
    """One run whose feed stands still."""
    with started() as running:
        running.call("POST", "/simulator/pause")
        yield running


@pytest.fixture
def client(paused: Running) -> Client:
    """A client whose requests are counted from one, and no faults but the test's own."""
    paused.call("PUT", "/simulator/faults")
    return with_token(paused.url)


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ("403-primary", 403, {"X-RateLimit-Remaining": "0", "Retry-After": None}),
        ("429-primary", 429, {"X-RateLimit-Remaining": "0", "Retry-After": None}),
        ("403-secondary", 403, {"Retry-After": "60", "X-RateLimit-Remaining": "4998"}),
        ("429-secondary retry_after=7", 429, {"Retry-After": "7"}),
        ("403-secondary retry_after=none", 403, {"Retry-After": None, "X-RateLimit-Remaining": "4998"}),
        ("401", 401, {"X-RateLimit-Remaining": None}),
        ("suspended", 403, {"X-RateLimit-Remaining": None}),
        ("400", 400, {}),
        ("410", 410, {}),
        ("status code=451", 451, {}),
        ("301 location=http://[", 301, {"Location": "http://["}),
        ("status code=202", 202, {"Content-Type": "application/json; charset=utf-8"}),
        ("status code=204", 204, {"Content-Length": None}),
        ("403-primary seconds=none", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}),
        ("header", 200, {"X-RateLimit-Remaining": "many"}),
        ("header name=x-poll-interval value=", 200, {"X-Poll-Interval": ""}),
        ("500", 500, {}),
        ("502", 502, {"Content-Type": "text/html"}),
        ("503", 503, {"Content-Type": "application/json; charset=utf-8"}),
        ("504", 504, {"Content-Type": "text/html"}),
        ("empty", 200, {"Content-Length": "0"}),
        ("object", 200, {"Content-Length": "2"}),
        ("null", 200, {"Content-Length": "4"}),
        ("html", 200, {"Content-Type": "text/html; charset=utf-8"}),
        ("poll-interval", 200, {"X-Poll-Interval": "120"}),
        ("sunset", 200, {"Sunset": "Fri, 10 Mar 2028 00:00:00 GMT"}),
    ],
)
def test_answer(paused: Running, client: Client, fault: str, status: int, headers: dict[str, str | None]) -> None:
    paused.call("PUT", "/simulator/faults", f"2 {fault}")
    assert client.page(1).status == 200
    reply = client.page(1)
    assert reply.status == status
    assert {name: reply.headers[name] for name in headers} == headers
    assert client.page(1).status == 200


@pytest.mark.parametrize(
    ("fault", "patience", "error"),
    [
        ("reset", 10, "ConnectionResetError"),
        ("reset-early", 10, "ConnectionResetError"),
        ("short", 10, "IncompleteRead"),
        ("cut-chunk", 10, "IncompleteRead"),
        ("slow-headers", 0.3, "TimeoutError"),
        ("slow-body seconds=5", 0.3, "TimeoutError"),
        ("stall", 0.3, "TimeoutError"),
    ],
)
def test_broken_delivery(paused: Running, client: Client, fault: str, patience: float, error: str) -> None:
    paused.call("PUT", "/simulator/faults", f"1 {fault}")
    assert failure(lambda: client.get("/events?per_page=100", patience)) == error
    assert len(client.page(1).json) == 100


def test_slow_answers_come_whole_to_those_who_wait(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 slow-body seconds=0.1; 2 slow-headers seconds=0.1")
    assert client.page(1).body == client.page(1).body == client.page(1).body


def test_truncated_body_is_complete_http_but_no_json(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 truncated")
    reply = client.page(1)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json


def test_a_timed_fault_ends_on_a_stepped_feed() -> None:
    with started("--step", "2", "--faults", "t:2-6 503") as running:
        client = Client(running.url)
        pages = [client.page(1) for _ in range(5)]
    assert [page.status for page in pages] == [200, 503, 503, 200, 200]
    assert len({page.body for page in pages if page.status == 200}) == 3


def test_refused_connections_come_back(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 refuse seconds=1")
    assert failure(lambda: client.page(1)) == "ConnectionResetError"
    seen, deadline = set(), time.monotonic() + 10
    while "none" not in seen and time.monotonic() < deadline:
        seen.add(failure(lambda: client.page(1)))
    assert seen >= {"ConnectionRefusedError", "none"}


def test_an_hours_outage_passes_in_scaled_time() -> None:
    with started("--time-scale", "3600", "--rate", "0.01", "--reserving", "off") as running:
        client = with_token(running.url)
        began = client.get("/simulator").json["now"]
        running.call("PUT", "/simulator/faults", f"t:{began}-{began + 3600} 503")
        assert client.page(1).status == 503
        until(lambda: client.page(1).status == 200, "the end of the outage", 20)
        assert client.get("/simulator").json["now"] >= began + 3600


def test_retry_after_as_a_date(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 403-secondary retry_after=30 form=date")
    headers = client.page(1).headers
    until, sent = (email.utils.parsedate_to_datetime(headers[name]) for name in ("Retry-After", "Date"))
    assert 29 <= (until - sent).total_seconds() <= 32


def test_clock_skew_moves_date_and_reset(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 skew seconds=-500")
    headers = client.page(1).headers
    date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    assert -510 < date - time.time() < -490
    assert 3590 < float(headers["X-RateLimit-Reset"]) - date < 3602


def test_not_modified_without_poll_interval(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "all bare-304")
    first = client.page(1)
    assert first.headers["X-Poll-Interval"] == "60"
    again = client.page(1, If_None_Match=first.headers["ETag"])
    assert (again.status, again.headers["X-Poll-Interval"]) == (304, None)
    assert again.headers["Cache-Control"] == "private, max-age=60, s-maxage=60"


def test_moved_on_the_same_host(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "all 301")
    moved = client.page(2)
    assert moved.status == 301
    assert moved.headers["Location"].startswith(paused.url)
    assert len(client.get(moved.headers["Location"].removeprefix(paused.url)).json) == 100


def test_duplicates_on_a_page(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "1 duplicates")
    keys = client.page(2).keys
    assert keys[:10] == keys[-10:]
    assert (len(keys), len(set(keys))) == (100, 90)


def test_duplicates_across_pages(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "all duplicates-across")
    pages = [client.page(page).keys for page in (1, 2, 3)]
    assert [len(set(before) & set(after)) for before, after in itertools.pairwise(pages)] == [10, 10]
    plain = with_token(paused.url)
    paused.call("PUT", "/simulator/faults", "")
    assert pages[1][:10] == plain.page(1).keys[-10:]
    assert pages[2][:10] == plain.page(2).keys[-10:]


def test_stale_pages_keep_their_tag() -> None:
    with started("--step", "1", "--faults", "3-5 stale") as running:
        client = Client(running.url)
        bodies = [client.page(1).body for _ in range(6)]
        assert bodies[2] == bodies[3] == bodies[4]
        assert len(set(bodies)) == 4


def test_body_faults_ignore_the_condition(paused: Running, client: Client) -> None:
    paused.call("PUT", "/simulator/faults", "2 truncated")
    tag = client.page(1).headers["ETag"]
    assert client.page(1, If_None_Match=tag).status == 200
    assert client.page(1, If_None_Match=tag).status == 304


def test_a_page_of_ones_own(paused: Running, client: Client) -> None:
    body = '[{"id": "1", "payload": {"action": "é"}}]'
    paused.call("PUT", "/simulator/pages/2", body)
    reply = client.page(2)
    assert reply.raw.decode() == body
    assert client.page(2, If_None_Match=reply.headers["ETag"]).status == 304
    assert len(client.page(3).json) == 100
    paused.call("PUT", "/simulator/pages/2")
    assert len(client.page(2).json) == 100


def _struck(script: str, count: int, page: int = 1, seed: int = 1) -> list[int]:
    rules = Script(script, seed)
    visits = (Visit("one", page, number, number, float(number), 0.0) for number in range(1, count + 1))
    return [visit.number for visit in visits if rules.pick(visit)]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ("4", [4]),
        ("4-6", [4, 5, 6]),
        ("9-", [9, 10]),
        ("every:5", [5, 10]),
        ("t:2-3.5", [2, 3]),
        ("t:8-", [8, 9, 10]),
        ("all", list(range(1, 11))),
        ("p:0", []),
        ("p:1", list(range(1, 11))),
    ],
)
def test_when(when: str, struck: list[int]) -> None:
    assert _struck(f"# a comment\n{when} 502", 10) == struck


def test_page_option_limits_a_rule() -> None:
    assert _struck("2 502 page=2", 3, page=1) == []
    assert _struck("2 502 page=2", 3, page=2) == [2]


def test_first_rule_wins() -> None:
    rule = Script("1 502; 1 503", 1).pick(Visit("one", 1, 1, 1, 0.0, 0.0))
    assert rule is not None
    assert rule.name == "502"


def test_chance_is_drawn_by_the_seed() -> None:
    first = _struck("p:0.1 502", 2000)
    assert 150 < len(first) < 250
    assert first == _struck("p:0.1 502", 2000)
    assert first != _struck("p:0.1 502", 2000, seed=2)


@pytest.mark.parametrize("line", ["1 no-such-fault", "x 502", "1", "1 502 seconds", "1 502 when=now", "p:much 502"])
def test_a_line_that_cannot_be_read_is_named(paused: Running, line: str) -> None:
    with pytest.raises(ValueError, match="SIMULATOR_FAULTS.*" + line.split(maxsplit=1)[0]):
        Script(line, 1)
    with pytest.raises(urllib.error.HTTPError, match="422"):
        paused.call("PUT", "/simulator/faults", line)


def test_every_fault_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if name not in source] == []
