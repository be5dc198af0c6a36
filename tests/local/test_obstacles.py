"""Whatever the settings are: the stack starts, or a sentence says which setting to change. Never a traceback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nasty
import psutil
import pytest

from operations.local import obstacles, passwords
from operations.local.console import ended
from operations.local.env_file import SettingsError
from operations.local.settings import ROOT, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN = dict.fromkeys(obstacles.PASSWORDS, "of-my-own")
OUTSIDE = "192.0.2.1"  # an address of nobody
COMMANDS = ("up", "status", "doctor", "run")


def sentences(environment: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Return what `make up` would say before it starts anything, apart from ports that are just in use here."""
    try:
        found = obstacles.found(load({"PATH": os.environ["PATH"], **environment}, root))
    except SettingsError as error:
        found = list(error.sentences)
    return [sentence for sentence in found if "is in use" not in sentence]


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("BIND_ADDRESS", "localhost", "BIND_ADDRESS=localhost is not an IP address"),
        ("BIND_ADDRESS", "::1", "QuestDB listens on IPv4 only"),
        ("BIND_ADDRESS", OUTSIDE, f"BIND_ADDRESS={OUTSIDE} is no address of this machine"),
        ("KAFKA_PORT", "abc", r"KAFKA_PORT=abc is not a port \(1 to 65535\): change it in .env or the environment"),
        ("KAFKA_PORT", "-1", "KAFKA_PORT=-1 is not a port"),
        ("CONNECT_PORT", "70000", "CONNECT_PORT=70000 is not a port"),
        ("QUESTDB_PG_PORT", "9092", "KAFKA_PORT and QUESTDB_PG_PORT are both 9092: give each a port of its own"),
        ("CONNECT_HEAP", "lots", "CONNECT_HEAP=lots is not a size as Java writes it"),
        ("QUESTDB_HEAP", "900000g", "lower BROKER_HEAP, CONNECT_HEAP, QUESTDB_HEAP"),
        ("FEED", "gitlab", "FEED=gitlab is not github, simulator or none"),
        ("MONITORING_INTERVAL", "often", "MONITORING_INTERVAL=often is not a number of seconds"),
        ("JAVA_HOME", "/nowhere", "/nowhere/bin/java is no program: set JAVA_HOME"),
        ("STATE_DIR", "/proc/rta", "can't write to /proc/rta .*STATE_DIR="),
        ("STATE_DIR", __file__, r"can't write to .* \(.*\): choose another folder by STATE_DIR="),
        ("STATE_DIR", "/a,b", "has a comma, where Kafka ends a folder's name"),
        ("STATE_DIR", "/" + 100 * "a", "too long for a socket"),
        ("STATE_DIR", "/a\nb", "character that can't be printed"),
        ("QUESTDB_PASSWORD", "two\nlines", "QUESTDB_PASSWORD has a line break"),
        ("QUESTDB_HTTP_PASSWORD", "\udcff", "QUESTDB_HTTP_PASSWORD has .* not UTF-8"),
        ("QUESTDB_HTTP_USER", "a:b", "QUESTDB_HTTP_USER has a colon"),
        ("QUESTDB_HTTP_PASSWORD", "@{a:b}", "QUESTDB_HTTP_PASSWORD has @"),
        ("GRAFANA_PASSWORD", "$__file{/etc/passwd}", "GRAFANA_PASSWORD has .* to Grafana"),
        ("JUPYTER_TOKEN", "two words", "JUPYTER_TOKEN has a space"),
    ],
)
def test_each_mistake_is_said_with_the_setting_to_change(setting: str, value: str, sentence: str) -> None:
    (said,) = [line for line in sentences({setting: value}) if "lets others in" not in line]
    assert re.search(sentence, said), said
    if setting in {*passwords.NAMES, "QUESTDB_HTTP_USER"}:
        assert value not in said


@pytest.mark.parametrize("name", passwords.NAMES)
def test_any_other_password_is_accepted(name: str) -> None:
    password = nasty.PASSWORD if name != "JUPYTER_TOKEN" else "".join(map(chr, range(0x21, 0x7F)))
    assert sentences({**OWN, name: password}) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("no equals sign", "line 3: is not NAME=value"),
        ("QUESTDB_PASSWORD='not closed", "line 3: is not NAME=value; a value in quotes must end with the same quote"),
        ("QUESTDB_PASSWORD=S3CRET$word", "line 3: QUESTDB_PASSWORD has a dollar sign.*single quotes"),
        ('QUESTDB_PASSWORD="S3CRET\\x"', "line 3: QUESTDB_PASSWORD has a backslash in double quotes"),
        ("QUESTDB_PASSWORD= # none", "line 3: QUESTDB_PASSWORD is empty and a comment follows"),
        ("FEED=gitlab", "FEED=gitlab is not"),
    ],
)
def test_each_broken_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    shutil.copy(ROOT / ".env", tmp_path)
    (tmp_path / ".env.secrets").write_text(f"# mine\n\n{line}\n", encoding="utf-8")
    (said,) = sentences({}, tmp_path)
    assert re.search(sentence, said), said
    assert "S3CRET" not in said


def _unreadable(path: Path) -> None:
    path.mkdir()


def _latin_1(path: Path) -> None:
    path.write_bytes("QUESTDB_PASSWORD=Grüße".encode("latin-1"))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [(_unreadable, r"\.env\.secrets can't be read: Is a directory"), (_latin_1, r"\.env\.secrets is not UTF-8")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, make: Callable[[Path], None], sentence: str) -> None:
    shutil.copy(ROOT / ".env", tmp_path)
    make(tmp_path / ".env.secrets")
    (said,) = sentences({}, tmp_path)
    assert re.search(sentence, said), said


def test_a_setting_that_is_gone_is_named(tmp_path: Path) -> None:
    text = (ROOT / ".env").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(re.sub("^BIND_ADDRESS=.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert sentences({}, tmp_path) == [
        "BIND_ADDRESS is not set: put its line back into .env (`git diff .env` shows it)"
    ]


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = psutil.disk_usage("/")._replace(free=3 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    (said,) = sentences({})
    assert re.match(r"3 MB are free in .*, \d+ MB needed: make room, or set STATE_DIR=", said)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_ends_in_a_traceback(command: str) -> None:
    variables = os.environ | {"KAFKA_PORT": "abc", "STATE_DIR": "/proc/rta"}
    arguments = [sys.executable, "-m", "operations.local", command]
    done = subprocess.run(
        arguments, cwd=ROOT, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 1
    assert re.match("✗ (KAFKA_PORT=abc is not a port|run what)", done.stdout), done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/a/file"), "✗ /a/file: Permission denied"),
        (OSError(28, "No space left on device"), "✗ OSError: No space left on device"),
        (subprocess.CalledProcessError(3, ["java", "Tool", "-x"], "", "why"), "✗ java … Tool ended with 3: why"),
        (KeyboardInterrupt(), "interrupted; `make status` tells what runs"),
        (KeyError("x"), "please report it together with the file"),
    ],
)
def test_whatever_happens_becomes_a_sentence(
    error: BaseException, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise error

    assert ended(command) in {1, 130}
    said = capsys.readouterr().out
    assert sentence in said
    for report in re.findall(r"the file (\S+)", said):
        assert "KeyError" in Path(report).read_text(encoding="utf-8")
        Path(report).unlink()


@pytest.mark.parametrize(
    ("environment", "outside", "parts"),
    [
        ({}, "localhost", "127.0.0.1"),
        ({"BIND_ADDRESS": "0.0.0.0"}, "localhost", "127.0.0.1"),  # noqa: S104 - not bound
        ({"BIND_ADDRESS": "127.0.0.2"}, "127.0.0.2", "127.0.0.2"),
        ({"BIND_ADDRESS": OUTSIDE}, OUTSIDE, OUTSIDE),
        ({"BIND_ADDRESS": OUTSIDE, "KAFKA_PUBLIC_HOST": "db.example"}, "db.example", OUTSIDE),
        ({"KAFKA_PUBLIC_HOST": "db.example"}, "db.example", "127.0.0.1"),
    ],
)
def test_kafka_has_the_name_that_programs_outside_can_use(
    environment: dict[str, str], outside: str, parts: str
) -> None:
    settings: Settings = load(environment)
    assert settings.kafka_public_host == outside
    assert settings.kafka_bootstrap_servers == f"{parts}:9092"
    assert settings.kafka_inside == "127.0.0.1:29092"  # never leaves this machine
