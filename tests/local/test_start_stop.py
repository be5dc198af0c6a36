"""`make up` and its kin, as a newcomer meets them."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import copies
import made_dashboards
import nasty
import psutil
import psycopg
import pytest
import requests
from stack import Stack, free_ports
from waiting import until

from operations.local import passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

# One of this machine's own addresses, if it has more than one of them.
ADDRESS = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
MARK = "SoBeIt"  # in every password, first and last, and nowhere else
LOGINS = {
    "QUESTDB_HTTP_USER": "a user; ü",
    **{name: f"{MARK} {name} {nasty.PASSWORD} {MARK}" for name in passwords.NAMES if name != "JUPYTER_TOKEN"},
}


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home of a stand-in, which says what it was given: Grafana can't be had from the package registries the tests use."""
    home = tmp_path_factory.mktemp("grafana")
    for name in ("bin", "conf"):
        (home / name).mkdir()
    (home / "conf" / "defaults.ini").touch()
    program = home / "bin" / "grafana"
    program.write_text(GRAFANA_STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    return home


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """This checkout with all that was built, again in a folder with an odd name."""
    with copies.copy(nasty.FOLDER) as folder:
        yield folder


@pytest.fixture(scope="module")
def own(grafana: Path, checkout: Path) -> Iterator[Stack]:
    """A stack with odd folders and passwords, on an address of its own, with Grafana on the path and GitHub out of reach."""
    grafana_port, nobody = map(str, free_ports(2))
    path = f"{grafana / 'bin'}{os.pathsep}{os.environ['PATH']}"
    github = f"http://127.0.0.1:{nobody}"
    settings = {"FEED": "github", "GITHUB_API_URL": github, "PATH": path, "GRAFANA_PORT": grafana_port}
    with Stack(checkout, **settings, **LOGINS, BIND_ADDRESS=ADDRESS, STATE_DIR=str(checkout / ".local")) as chosen:
        yield chosen


@pytest.fixture(scope="module")
def said(own: Stack) -> str:
    """What the stack's first two `make up` said, started at the same time."""
    both = [own.making("up") for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    return "".join(outputs)


@pytest.fixture
def up(own: Stack, said: str) -> Stack:
    """The stack after its first `make up`."""
    assert said
    return own


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that has not been started."""
    with Stack() as chosen:
        yield chosen


def test_unreachable_github_is_said_and_the_simulator_takes_over(said: str) -> None:
    assert "can't be reached" in said
    assert "✓ simulator" in said


def test_grafana_joins_when_it_is_on_the_path(up: Stack, said: str, grafana: Path) -> None:
    assert "✓ grafana" in said
    given = requests.get(f"http://{ADDRESS}:{up.environment['GRAFANA_PORT']}/api/health", timeout=5).json()
    assert given["arguments"] == ["server", "--homepath", str(grafana)]
    assert Path(given["provisioning"], "datasources", "questdb.yaml").exists()
    assert Path(given["dashboards"], "github_events.json").exists()
    # Grafana itself fills in the second, once.
    assert (given["password"], given["setting"]) == (LOGINS["GRAFANA_PASSWORD"], "$__env{GRAFANA_PASSWORD}")


def test_known_ports_answer_on_this_machine(up: Stack) -> None:
    ports = up.settings.ports
    for port in (ports.broker_jmx, ports.broker_jolokia, ports.connect, ports.questdb_ilp):
        socket.create_connection(("127.0.0.1", port), timeout=10).close()


def test_second_up_does_nothing(up: Stack) -> None:
    before = [process.pid for process in up.supervisor.processes()]
    up.up()
    assert [process.pid for process in up.supervisor.processes()] == before


def test_status_says_that_all_is_well(up: Stack) -> None:
    done = up.make("status")
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


NINE = datetime(2026, 1, 13, 9, tzinfo=timezone.utc)
RIDES = "pickup;Ride ID;kind;fare\n" + "".join(
    f"13.01.2026 09:{i % 60:02};{i};{'abc'[i % 3]};{i},25\n" for i in range(1_000)
)


def test_a_sample_becomes_a_dataset_goes_again_and_is_gone(up: Stack, tmp_path: Path) -> None:
    sample = tmp_path / "rides.csv"
    sample.write_text(RIDES, encoding="utf-8")
    before = copies.files_of_datasets(up.root)
    made = up.make("new-dataset", NAME="rides", SAMPLE=str(sample))
    assert made.returncode == 0, made.stdout
    assert "1000 rows stored, 0 dead letters" in made.stdout
    assert up.sql("SELECT count(), sum(fare), min(timestamp) FROM rides") == [
        [1_000, sum(i + 0.25 for i in range(1_000)), "2026-01-13T09:00:00.000000Z"]
    ]
    assert "is taken" in up.make("new-dataset", NAME="rides", SAMPLE=str(sample)).stdout
    made_dashboards.answers(up, "rides", NINE, NINE + timedelta(hours=1))
    status = up.make("status")
    assert status.returncode == 0, status.stdout
    again = up.make("replay-dataset", NAME="rides", RATE="100000", NOW="1")
    assert again.returncode == 0, again.stdout
    assert up.count("rides") == 2_000
    gone = up.make("drop-dataset", NAME="rides", YES="1")
    assert gone.returncode == 0, gone.stdout
    assert copies.files_of_datasets(up.root) == before
    assert not up.sql("SELECT table_name FROM tables() WHERE table_name LIKE 'rides%'")
    assert "rides" not in up.make("kafka-topics").stdout


def test_status_names_the_part_that_does_not_run(up: Stack) -> None:
    up.supervisor.stop_program("simulator")
    done = up.make("status")
    up.supervisor.start_program("simulator")
    assert done.returncode != 0
    assert "✗ simulator" in done.stdout


def test_a_reader_who_leaves_stops_nothing(up: Stack) -> None:
    process = up.making("up")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0


def test_logins_are_those_of_the_settings(up: Stack) -> None:
    settings = up.settings
    url = settings.questdb_http_url + "/exec?query=SELECT%201"
    assert requests.get(url, auth=settings.questdb_login, timeout=30).status_code == HTTPStatus.OK
    assert requests.get(url, timeout=30).status_code == HTTPStatus.UNAUTHORIZED
    for role in ("", "READONLY_"):
        user, password = (settings.chosen[f"QUESTDB_{role}{what}"] for what in ("USER", "PASSWORD"))
        address = f"host={settings.host} port={settings.ports.questdb_pg} dbname=qdb"
        with psycopg.connect(address, user=user, password=password) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(address, user=user, password=password.strip(MARK))
    until(lambda: up.count("github_events"), "events that the sink stored", 60, lambda: up.log("kafka-connect"))


def test_no_part_of_a_password_is_shown(up: Stack, said: str) -> None:
    url = up.settings.connect_url + "/connectors?expand=info&expand=status"
    shown = {
        "make up": said,
        "make status": up.make("status").stdout,
        "Connect": requests.get(url, timeout=30).text,
        "command lines": "\n".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])),
        **{path.name: path.read_text(encoding="utf-8", errors="replace") for path in up.settings.logs.iterdir()},
        **{path.name: path.read_text(encoding="utf-8") for path in up.settings.run.glob("*.[cj]*")},
    }
    assert {"broker.log", "kafka-connect.log", "questdb.log", "supervisord.conf", "reconciler.json"} <= shown.keys()
    assert [where for where, text in shown.items() if MARK in text] == []


def test_a_part_that_is_killed_again_and_again_comes_back_by_itself(up: Stack) -> None:
    for _ in range(2):
        up.killed_and_back("simulator")
    up.healthy("simulator")


def test_a_part_that_keeps_ending_waits_longer_each_time_and_says_why(up: Stack, grafana: Path) -> None:
    program, starts = grafana / "bin" / "grafana", grafana / "starts"
    program.write_text(f"#!/bin/sh\ndate +%s.%N >> {starts}\necho no licence found\nexit 1\n", encoding="utf-8")
    up.kill("grafana")
    until(lambda: starts.exists() and len(starts.read_text().split()) >= 3, "three attempts", 60)
    first, second, third = map(float, starts.read_text().split()[:3])
    assert third - second > second - first
    sentence = "✗ grafana .* ends soon after each start. Its log ends with: no licence found"

    def said() -> bool:
        done = up.make("status")
        return done.returncode != 0 and re.search(sentence, done.stdout) is not None

    # Not while it is being started once more.
    until(said, sentence, 60, lambda: up.make("status").stdout)
    program.write_text(GRAFANA_STAND_IN, encoding="utf-8")
    assert up.make("up").returncode == 0, "it is tried again at once"


def test_what_is_installed_later_joins_with_another_up(up: Stack, grafana: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "jupyter-lab"
    program.parent.mkdir()
    stand_in = shlex.quote(str(grafana / "bin" / "grafana"))
    program.write_text(f"#!/bin/sh\nGF_SERVER_HTTP_PORT=$JUPYTER_PORT exec {stand_in}\n", encoding="utf-8")
    program.chmod(0o755)
    done = up.make("up", NOTEBOOKS_VENV=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "✓ jupyter" in done.stdout


def test_settings_that_cannot_be_read_are_said_by_a_running_stack_too(up: Stack) -> None:
    secrets = up.root / ".env.secrets"
    secrets.write_text("QUESTDB_PASSWORD='not closed\n", encoding="utf-8")
    done = up.make("status")
    secrets.unlink()
    assert done.returncode != 0
    assert "✗ .env.secrets, line 1: is not NAME=value" in done.stdout
    assert "Traceback" not in done.stdout


def test_kafka_tools_work_without_docker(up: Stack) -> None:
    assert "github_events\n" in up.make("kafka-topics").stdout
    assert up.make("consume", ARGS="--from-beginning --max-messages 1").stdout.count('{"id":"') == 1


def test_down_leaves_no_process_and_up_finds_the_data_again(up: Stack) -> None:
    pids = [process.pid for process in up.supervisor.processes()]
    assert all(map(psutil.pid_exists, pids))
    assert up.make("clean", YES="1").returncode != 0, "clean must not pull the data from under a running stack"
    assert up.make("down").returncode == 0
    left = [
        p.pid for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("STATE_DIR") == str(up.state)
    ]
    assert left == []
    up.up()
    assert up.count("github_events") > 0


def test_clean_asks_before_it_removes_anything(idle: Stack) -> None:
    (idle.state / "data").mkdir()
    assert idle.make("clean").returncode != 0
    assert (idle.state / "data").exists()
    assert idle.make("clean", YES="1").returncode == 0
    assert not (idle.state / "data").exists()


def test_port_in_use_is_said_before_anything_starts(idle: Stack) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(idle.environment["CONNECT_PORT"])))
        other.listen()
        done = idle.make("up")
    assert done.returncode != 0
    assert f"port {idle.environment['CONNECT_PORT']} is in use: choose another by CONNECT_PORT=" in done.stdout
    assert not idle.supervisor.running()


def test_too_little_memory_is_said_before_anything_starts(idle: Stack) -> None:
    done = idle.make("up", QUESTDB_HEAP="900g")
    assert done.returncode != 0
    assert "lower BROKER_HEAP, CONNECT_HEAP, QUESTDB_HEAP" in done.stdout
    assert not idle.supervisor.running()


def test_missing_jdk_is_said_before_anything_starts(idle: Stack) -> None:
    done = idle.make("up", JAVA_HOME="/nowhere")
    assert done.returncode != 0
    assert "java is not in JAVA_HOME=/nowhere: install a JDK 17 or newer" in done.stdout


def test_default_passwords_are_refused_on_other_addresses(idle: Stack) -> None:
    done = idle.make("up", BIND_ADDRESS="0.0.0.0")  # noqa: S104 - must be refused
    assert done.returncode != 0
    assert "set QUESTDB_PASSWORD, QUESTDB_READONLY_PASSWORD" in done.stdout
    assert not idle.supervisor.running()


GRAFANA_STAND_IN = f"""#!{sys.executable}
import http.server, json, os, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        given = {{"provisioning": os.environ["GF_PATHS_PROVISIONING"], "dashboards": os.environ["DASHBOARDS"],
                 "password": os.environ["GRAFANA_PASSWORD"], "setting": os.environ["GF_SECURITY_ADMIN_PASSWORD"]}}
        self.wfile.write(json.dumps({{**given, "arguments": sys.argv[1:]}}).encode())

http.server.HTTPServer((os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])), Health).serve_forever()
"""


def test_help_lists_the_targets(idle: Stack) -> None:
    for target in ("up", "down", "status", "logs", "clean", "test"):
        assert f"make {target} " in idle.make("help").stdout
