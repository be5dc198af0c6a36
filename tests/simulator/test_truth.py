"""The truth log tells what was emitted, what answers held and what could have been had; runs repeat by seed."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from simulator.client import Client, failure, with_token
from simulator.feed import Feed
from simulator.oddities import KINDS
from simulator.process import Running, started
from simulator.settings import Settings
from simulator.truth import Truth, TruthLog, read

if TYPE_CHECKING:
    from pathlib import Path

START = 1_790_000_000.0
REPEATED = ("--start", "2026-11-24T00:00:00Z", "--step", "1")
_FAULTS = "p:0.1 reset; p:0.1 truncated; p:0.1 502; p:0.1 duplicates; p:0.1 short; p:0.1 null"


def _logged(path: Path, seconds: float, **settings: object) -> Truth:
    """Run a feed without a server, to its end."""
    log = TruthLog(path)
    feed = Feed(Settings(start=START, **settings), log)  # type: ignore[arg-type]
    feed.advance(seconds)
    feed.finish()
    log.close()
    return read(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("shape", ["partitioned", "newest-first"])
@pytest.mark.parametrize("period", [0, 0.7])
def test_stays_agree_with_the_pages_shown(tmp_path: Path, shape: str, period: float) -> None:
    settings = Settings(start=START, step=1, shape=shape, cache_period=period)
    log = TruthLog(tmp_path / "log")
    feed = Feed(settings, log)
    times = [0.35 + 1.4 * count for count in range(20)]
    windows = {at: feed.window(at) for at in times}
    feed.finish()
    log.close()
    truth = read((tmp_path / "log").read_text(encoding="utf-8").splitlines())
    for at, page in itertools.product(times, (1, 2, 3)):
        shown = {(event.id, event.created_at) for event in windows[at][(page - 1) * 100 : page * 100]}
        assert len(shown) == 100
        assert truth.reachable([(feed.wall(at), page)]) == shown


@pytest.mark.parametrize("reserving", [True, False])
def test_rate_is_that_of_new_events(reserving: bool) -> None:  # noqa: FBT001 - a case
    feed, emitted = Feed(Settings(rate=100.0, reserving=reserving), TruthLog(None)), []
    for seconds in (50, 150):
        feed.advance(seconds)
        emitted.append(feed.emitted)
    assert emitted[1] - emitted[0] == pytest.approx(10_000, rel=0.02)


def test_types_actors_and_delays_are_as_measured(tmp_path: Path) -> None:
    truth = _logged(tmp_path / "log", 100, rate=200.0, reserving=False)
    total = len(truth.messages)
    types = Counter(message["type"] for message in truth.messages.values())
    for name, share in {"PushEvent": 0.54, "PullRequestEvent": 0.17, "IssueCommentEvent": 0.073}.items():
        assert types[name] / total == pytest.approx(share, abs=0.02)
    actors = Counter(message["actor"] for message in truth.messages.values())
    assert actors.most_common(1)[0][0] == "simulated-actions[bot]"
    assert actors["simulated-actions[bot]"] / total == pytest.approx(0.056, abs=0.01)
    late = [START + 100 - _unix(created) for _, created in truth.messages]
    assert sum(delay < 1800 for delay in late) / total == pytest.approx(0.41, abs=0.02)
    assert sum(delay > 9100 for delay in late) / total == pytest.approx(0.19, abs=0.02)


def test_a_third_of_a_page_is_old_and_mostly_seen_before(tmp_path: Path) -> None:
    truth = _logged(tmp_path / "log", 300, rate=100.0)
    old = [key for key, _ in truth.stays if START - _unix(key[1]) > 86_400 - 300]
    assert len(old) / len(truth.stays) == pytest.approx(0.33, abs=0.03)
    assert 1 - len(set(old)) / len(old) == pytest.approx(0.9, abs=0.05)


def test_lateness_can_be_switched_off(tmp_path: Path) -> None:
    truth = _logged(tmp_path / "log", 10, rate=100.0, reserving=False, lateness=False)
    assert all(START - 10 <= _unix(created) <= START + 10 for _, created in truth.messages)


def _unix(created: str | None) -> float:
    return dt.datetime.fromisoformat((created or "").replace("Z", "+00:00")).timestamp()


def _poll(client: Client, rounds: int) -> set[tuple[str, str | None]]:
    """Poll as a client would that keeps whatever it can parse."""
    captured: set[tuple[str, str | None]] = set()
    for _, page in itertools.product(range(rounds), (1, 2, 3)):
        failure(lambda page=page: captured.update(_readable(client, page)))  # type: ignore[misc]
    return captured


def _readable(client: Client, page: int) -> list[tuple[str, str | None]]:
    reply = client.page(page)
    try:
        return reply.keys if reply.status == 200 and reply.json else []
    except json.JSONDecodeError:
        return []


def test_possible_is_what_a_client_could_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with started("--step", "0.5", "--truth-log", str(path), "--faults", _FAULTS) as running:
        client, other = (Client(running.url, name, Authorization="Bearer x") for name in ("client", "other"))
        captured = _poll(client, 20)
        running.call("PUT", "/simulator/faults")
        other.page(1)
        live = running.truth()
        faults = json.loads(running.call("GET", "/simulator"))["faults"]
    assert set(faults) == {"reset", "truncated", "502", "duplicates", "short", "null"}
    after = read(path.read_text(encoding="utf-8").splitlines())
    for truth in (live, after):
        coverage = truth.coverage(captured, client.name)
        assert (coverage.missed, coverage.unexpected, coverage.share) == (frozenset(), frozenset(), 1.0)
        assert truth.possible(other.name) < truth.possible()
        assert coverage.possible == len(captured) > 500


def test_coverage_counts_what_was_missed_and_what_nobody_emitted(tmp_path: Path) -> None:
    with started("--truth-log", str(tmp_path / "log")) as running:
        keys = Client(running.url).page(1).keys
        coverage = running.truth().coverage([*keys[10:], ("0", None)])
    assert (coverage.possible, coverage.captured, coverage.share) == (100, 90, 0.9)
    assert coverage.missed == set(keys[:10])
    assert coverage.unexpected == {("0", None)}


def test_two_runs_in_one_log_are_kept_apart(tmp_path: Path) -> None:
    path, keys = tmp_path / "log", set()
    for seed in ("1", "2"):
        with started("--truth-log", str(path), "--seed", seed) as running:
            keys |= set(Client(running.url).page(2).keys)
    assert read(path.read_text(encoding="utf-8").splitlines()).possible() == keys


def test_messages_are_those_of_the_events(tmp_path: Path) -> None:
    with started("--truth-log", str(tmp_path / "log"), "--odd", "unicode=0.2,no-actor=0.2") as running:
        events = Client(running.url).page(2).json
        messages = running.truth().messages
    for event in events:
        expected = {
            "id": event["id"],
            "type": event["type"],
            "action": event["payload"].get("action"),
            "repo": event["repo"]["name"],
            "actor": event.get("actor", {}).get("login"),
            "org": event.get("org", {}).get("login"),
            "created_at": event["created_at"],
        }
        assert messages[event["id"], event["created_at"]] == {k: v for k, v in expected.items() if v is not None}


def test_sigterm_ends_well_with_the_log_complete(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with started("--truth-log", str(path)) as running:
        keys = Client(running.url).page(1).keys
        running.process.terminate()
        assert running.process.wait(10) == 0
    assert read(path.read_text(encoding="utf-8").splitlines()).possible() == set(keys)


def test_requests_can_be_looked_up(tmp_path: Path) -> None:
    with started("--truth-log", str(tmp_path / "log"), "--faults", "2 502") as running:
        client = with_token(running.url)
        client.page(2, If_None_Match='"x"')
        client.page(3)
        entries = json.loads(running.call("GET", "/simulator/requests"))
        assert [(entry["page"], entry["status"], entry["fault"]) for entry in entries] == [
            (2, 200, None),
            (3, 502, "502"),
        ]
        assert entries[0]["headers"]["if-none-match"] == '"x"'
        assert "token-" not in running.call("GET", "/simulator/truth")


def test_pause_holds_the_feed_still_and_resume_moves_it() -> None:
    with started("--rate", "5000", "--cache-period", "0") as running:
        client = with_token(running.url)
        running.call("POST", "/simulator/pause")
        still = [client.page(1).body for _ in range(3)]
        assert len(set(still)) == 1
        running.call("POST", "/simulator/resume")
        assert any(client.page(1).body != still[0] for _ in range(50))


def _bodies(running: Running, pages: tuple[int, ...]) -> dict[int, list[bytes]]:
    client, found = with_token(running.url), dict[int, list[bytes]]()
    for page in pages:
        failure(lambda page=page: found.setdefault(page, []).append(client.page(page).body))  # type: ignore[misc]
    return found


def test_same_seed_same_bytes_whatever_the_order_and_the_failures() -> None:
    with started(*REPEATED) as one, started(*REPEATED, "--faults", "2 reset; 3 short") as two:
        in_turn = _bodies(one, (1, 2, 3, 1, 2, 3))
        otherwise = _bodies(two, (3, 3, 3, 3, 1, 1, 2, 2))
    assert {page: bodies[:2] for page, bodies in otherwise.items()} == in_turn
    assert in_turn[1][0] != in_turn[1][1]


def test_another_seed_other_events() -> None:
    with started(*REPEATED) as one, started(*REPEATED, "--seed", "2") as two:
        assert _bodies(one, (1,)) != _bodies(two, (1,))


@pytest.mark.parametrize("kind", KINDS)
def test_odd_events(kind: str) -> None:
    with started("--odd", f"{kind}=1") as running:
        event = Client(running.url).page(2).json[0]
    odd = {
        "unicode": "😀" in event.get("repo", {}).get("name", ""),
        "unknown-type": event["type"] == "SimulatedEvent",
        "null-type": event["type"] is None,
        "null-created": event["created_at"] is None,
        "private": event["public"] is False,
        "empty-payload": event["payload"] == {},
        "no-actor": "actor" not in event,
        "no-repo": "repo" not in event,
        "same-id": event["id"] == "21000000000",
    }
    assert {name for name, found in odd.items() if found} == {kind}


def test_log_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"run": 0, "start": 0, "settings": {}}\n', encoding="utf-8")
    with started("--truth-log", str(path)):
        pass
    assert path.read_text(encoding="utf-8").count('"run"') == 2


def test_a_log_cut_off_is_no_truth(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with started("--truth-log", str(path)) as running:
        Client(running.url).page(1)
    lines = path.read_text(encoding="utf-8").splitlines()
    with pytest.raises(ValueError, match="no line for event"):
        read(lines[: 1 + next(place for place, line in enumerate(lines) if '"poll"' in line)])


def test_truth_without_a_log_says_how_to_get_one() -> None:
    with started() as running:
        reply = Client(running.url).get("/simulator/truth")
    assert reply.status == 404
    assert "SIMULATOR_TRUTH_LOG" in reply.json["message"]
