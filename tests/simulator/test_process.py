"""How the simulator starts, is set up, is scaled in time, and refuses what it cannot do."""

from __future__ import annotations

import dataclasses
import email.utils
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from simulator.client import Client, failure
from simulator.defects import FAULTS
from simulator.limits import Bucket
from simulator.oddities import KINDS
from simulator.process import started
from simulator.settings import Settings, load
from waiting import until

INGESTION = Path(__file__).parents[2] / "ingestion"


def _run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(INGESTION / "simulator"), *arguments]
    env = {**os.environ, **environ}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)


def test_runs_as_a_module_without_site_packages() -> None:
    command = [sys.executable, "-S", "-m", "simulator", "--port", "0"]
    with subprocess.Popen(command, cwd=INGESTION, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            assert Client(url).get("/healthz").json == {"status": "ok"}
        finally:
            process.terminate()
    assert process.returncode == 0


def test_help_names_every_setting() -> None:
    text = _run("--help").stdout
    for field in dataclasses.fields(Settings):
        assert f"--{field.name.replace('_', '-')}" in text
        assert f"${field.metadata['env']}" in text


def test_flags_win_over_environment_and_empty_is_unset() -> None:
    settings = load(["--rate", "7"], {"SIMULATOR_RATE": "8", "SIMULATOR_SEED": "9", "SIMULATOR_PORT": ""})
    assert (settings.rate, settings.seed, settings.port) == (7.0, 9, 8090)


def test_a_profile_sets_what_is_not_set_otherwise() -> None:
    github, lively = (
        load(["--profile", "github"], {}),
        load(["--token-limit", "7"], {"SIMULATOR_PROFILE": "lively", "SIMULATOR_RATE": "9"}),
    )
    assert (github.rate, github.poll_interval, github.anonymous_limit, github.token_limit) == (170, 60, 60, 5000)
    assert (lively.rate, lively.poll_interval, lively.anonymous_limit, lively.token_limit) == (9, 4, 100_000, 7)


@pytest.mark.parametrize(
    ("flag", "variable", "value"),
    [
        ("--profile", "SIMULATOR_PROFILE", "quick"),
        ("--rate", "SIMULATOR_RATE", "0"),
        ("--port", "SIMULATOR_PORT", "http"),
        ("--shape", "SIMULATOR_SHAPE", "round"),
        ("--lateness", "SIMULATOR_LATENESS", "perhaps"),
        ("--start", "SIMULATOR_START", "noon"),
        ("--cache-period", "SIMULATOR_CACHE_PERIOD", "-1"),
        ("--odd", "SIMULATOR_ODD", "unicorn=1"),
        ("--faults", "SIMULATOR_FAULTS", "1 nothing"),
        ("--faults", "SIMULATOR_FAULTS", "no-such-file"),
        ("--truth-log", "SIMULATOR_TRUTH_LOG", "/dev/null/log"),
    ],
)
def test_a_bad_setting_is_named(flag: str, variable: str, value: str) -> None:
    for found in (_run(flag, value), _run(**{variable: value})):
        assert found.returncode != 0
        assert variable in found.stderr
        assert value.rsplit(maxsplit=1)[-1].partition("=")[0] in found.stderr
        assert "Traceback" not in found.stderr


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = _run("--port", port)
    assert found.returncode != 0
    assert f"SIMULATOR_PORT {port} on 127.0.0.1" in found.stderr
    assert "Traceback" not in found.stderr


def test_scaled_time_divides_intervals_and_limits() -> None:
    with started("--time-scale", "1800", "--rate", "10") as running:
        headers = Client(running.url).page(1).headers
    assert headers["X-Poll-Interval"] == "0.033"
    left = float(headers["X-RateLimit-Reset"]) - email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    assert 0 < left <= 2


def test_a_budget_is_whole_again_when_its_period_is_over() -> None:
    bucket = Bucket(limit=2, period=10)
    assert [bucket.take(now) for now in (100, 109, 109.9, 110, 111, 112)] == [True, True, False, True, True, False]
    assert (bucket.remaining, bucket.reset) == (0, 120)


def test_scaled_time_multiplies_the_rate() -> None:
    with started("--time-scale", "1000", "--rate", "10", "--reserving", "off") as running:
        begin, states = time.monotonic(), [Client(running.url).get("/simulator").json]
        while states[-1]["now"] < states[0]["now"] + 500 and time.monotonic() < begin + 10:
            states.append(Client(running.url).get("/simulator").json)
        taken = time.monotonic() - begin
    simulated = states[-1]["now"] - states[0]["now"]
    assert 500 <= simulated < 1000 * taken
    assert states[-1]["emitted"] - states[0]["emitted"] == pytest.approx(10 * simulated, abs=2)


def test_faults_can_come_from_a_file(tmp_path: Path) -> None:
    script = tmp_path / "faults"
    script.write_text("1 503  # the first\n", encoding="utf-8")
    with started("--faults", str(script)) as running:
        client = Client(running.url)
        assert [client.page(1).status, client.page(1).status] == [503, 200]


def test_ends_quietly_in_the_middle_of_an_answer() -> None:
    command = [sys.executable, str(INGESTION / "simulator"), "--port", "0", "--faults", "all stall"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        client = Client(process.stdout.readline().split()[-1])
        assert failure(lambda: client.get("/events", timeout=0.2)) == "TimeoutError"
        process.terminate()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_client_that_goes_away_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    faults = ["stall seconds=0.3", "slow-body seconds=0.3", "slow-headers seconds=0.3"]
    with started("--faults", "; ".join(f"{number} {fault}" for number, fault in enumerate(faults, 1))) as running:
        for _ in faults:
            _go_away(running.url)
        client = Client(running.url)
        noted = until(lambda: _requests(client, len(faults)), "a note of each request", 10)
    assert [row["intact"] for row in noted if row["fault"] != "slow-headers"] == [False, False]
    assert capfd.readouterr().err == ""


def _go_away(url: str) -> None:
    """Close the connection with most of the answer unread, which resets it."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as line:
        line.sendall(b"GET /events?per_page=100&page=2 HTTP/1.1\r\nUser-Agent: gone\r\n\r\n")
        line.recv(1)


def _requests(client: Client, least: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/simulator/requests").json
    return found if len(found) >= least else []


def test_one_connection_serves_many_requests_and_head() -> None:
    with started() as running:
        connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=10)
        for method, length in (("GET", 16), ("HEAD", 0), ("GET", 16)):
            connection.request(method, "/healthz")
            answer = connection.getresponse()
            assert (answer.status, len(answer.read())) == (200, length)
        connection.close()


def test_what_is_no_http_gets_400() -> None:
    with started() as running:
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as line:
            line.sendall(b"hello\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_readme_names_every_fault_and_oddity() -> None:
    text = (INGESTION / "simulator" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9-]+)", text))
    assert [name for name in [*FAULTS, *KINDS] if name not in named] == []
