"""`make check ARGS=--notify`: a real HTTP receiver and a real mail server get each alert when it begins and when it ends, once."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from stack import free_ports
from waiting import until

from monitoring.check import Finding
from monitoring.notify import Mail, Webhook, channels, notify
from operations.local.env_file import SettingsError
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session
    from stack import Stack

    from monitoring.notify import Channel

SECRET = "s3cret-of-the-test"  # noqa: S105 (looked for in what is printed)
DEAD = "iot_data_dlq"


class Receiver:
    """Takes JSON by POST and keeps it; answers with `status`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.bodies.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/{SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def changes(self) -> list[tuple[str, str, str]]:
        """Return status, alert and subject of all that came, and forget it."""
        found = [(a["status"], a["alert"], a["subject"]) for body in self.bodies for a in body["alerts"]]
        self.bodies.clear()
        return found


class MailServer:
    """Keeps the mails that come."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        self.answer = "250 OK"
        (port,) = free_ports(1)
        self.host = f"127.0.0.1:{port}"
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.controller.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name in aiosmtpd
        """Take a mail."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = message.get_body()
        if self.answer.startswith("250"):
            self.mails.append((message["To"], message["Subject"], body.get_content() if body else ""))
        return self.answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running one."""
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A running one."""
    server = MailServer()
    yield server
    server.controller.stop()


def finding(alert: str, subject: str, text: str = "it is wrong") -> Finding:
    return Finding(alert, subject, text, "Mend it.")


LAG, DISK = finding("lag_growing", "a 0"), finding("disk_full", "/")


def test_each_alert_is_told_when_it_begins_and_when_it_ends(
    receiver: Receiver, mail_server: MailServer, tmp_path: Path
) -> None:
    to: list[Channel] = [
        Webhook(receiver.url),
        Mail(mail_server.host, "", "", "stack@example.com", "a@example.com, b@example.com"),
    ]
    told = []
    for found in ([], [LAG], [finding("lag_growing", "a 0", "it is worse"), DISK], [DISK], [], []):
        assert notify(found, to, tmp_path / "alerts.json") == []
        told.append(receiver.changes())
    on, off = ("firing", "lag_growing", "a 0"), ("resolved", "lag_growing", "a 0")
    disk_on, disk_off = ("firing", "disk_full", "/"), ("resolved", "disk_full", "/")
    assert told == [[], [on], [disk_on], [off], [disk_off], []]
    assert [(to, subject) for to, subject, _ in mail_server.mails] == [
        ("a@example.com, b@example.com", f"Analytics stack: 1 alert {what}")
        for what in ("began", "began", "ended", "ended")
    ]
    assert mail_server.mails[0][2].splitlines() == ["✗ it is wrong", "  Mend it."]


def test_what_cannot_be_judged_has_not_ended(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    to: list[Channel] = [Webhook(receiver.url)]
    notify([LAG, DISK], to, file)
    receiver.changes()
    notify([DISK, finding("lag_growing", "")], to, file)
    assert receiver.changes() == [("firing", "lag_growing", "")]
    notify([finding("", "", "QuestDB does not answer")], to, file)
    assert sorted(receiver.changes()) == [("firing", "", ""), ("resolved", "lag_growing", "")]
    notify([LAG], to, file)
    assert sorted(receiver.changes()) == [("resolved", "", ""), ("resolved", "disk_full", "/")]


def test_a_channel_that_fails_is_tried_again_alone(receiver: Receiver, mail_server: MailServer, tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    to: list[Channel] = [Webhook(receiver.url), Mail(mail_server.host, "", "", "stack@example.com", "a@example.com")]
    receiver.status, mail_server.answer = 500, "451 later"
    said = notify([LAG], to, file)
    assert said == ["ALERT_WEBHOOK refuses the message: HTTP 500", "SMTP_HOST refuses the mail: 451"]
    mail_server.answer = "250 OK"
    assert notify([LAG], to, file) == said[:1]
    receiver.status = 200
    assert notify([LAG], to, file) == []
    assert (len(mail_server.mails), receiver.changes()) == (1, [("firing", "lag_growing", "a 0")])
    file.write_text('{"webhook": [')  # by a full disk
    assert notify([], to, file) == []


def test_nobody_there_is_a_sentence_without_the_address(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    to: list[Channel] = [
        Webhook(f"http://127.0.0.1:{port}/{SECRET}"),
        Webhook(f"no address {SECRET}"),
        Mail(f"127.0.0.1:{port}", "me", SECRET, "a@example.com", "b@example.com"),
        Mail("127.0.0.1:99999", "", "", "a@example.com", "b@example.com"),
        Mail(f"127.0.0.1:{port}", "", "", "a@example.com", "b@example.com\nBcc: c@example.com"),
    ]
    said = notify([LAG], to, tmp_path / "alerts.json")
    assert said[0] == "ALERT_WEBHOOK can't be reached (ConnectionError)"
    assert said[2] == "SMTP_HOST can't be used (ConnectionRefusedError)"
    assert said[3].startswith("SMTP_HOST can't be used (")
    assert said[4] == "ALERT_EMAIL or SMTP_FROM holds no address of a mail"
    assert SECRET not in str(said)


def test_a_password_is_not_sent_in_the_clear(
    mail_server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.notify.LOOPBACK", set())
    to: list[Channel] = [Mail(mail_server.host, "me", SECRET, "a@example.com", "b@example.com")]
    said = notify([LAG], to, tmp_path / "alerts.json")
    assert said == ["SMTP_HOST offers no encryption, so SMTP_PASSWORD is not sent to it"]
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "ALERT_WEBHOOK and ALERT_EMAIL are both empty"),
        ({"ALERT_EMAIL": "a@example.com"}, "ALERT_EMAIL needs SMTP_HOST=HOST:PORT"),
        ({"ALERT_EMAIL": "a@example.com", "SMTP_HOST": "mail"}, "ALERT_EMAIL needs SMTP_HOST=HOST:PORT"),
    ],
)
def test_half_a_channel_is_refused(chosen: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        channels(chosen)


def recipes() -> list[str]:
    """Return the command of each timer in docs/monitoring.md."""
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    cron = re.findall(r"```cron\n\* \* \* \* \* cd ~/analytics && (.*?) >", text)
    units = configparser.ConfigParser(interpolation=None)
    for block in re.findall(r"```ini\n(.*?)```", text, re.DOTALL):
        units.read_string(block)
    return [*cron, units["Service"]["ExecStart"]]


def test_timers_of_the_docs_tell_of_a_dead_letter_and_of_its_end(
    stack: Stack, receiver: Receiver, mail_server: MailServer
) -> None:
    told = {"ALERT_WEBHOOK": receiver.url, "ALERT_EMAIL": "a@example.com", "SMTP_HOST": mail_server.host}

    def run(recipe: str) -> list[tuple[str, str, str]]:
        make, target, *settings = shlex.split(recipe)
        assert (make, target) == ("make", "check")
        done = stack.make(target, **told, **dict(word.split("=", 1) for word in settings))
        assert SECRET not in done.stdout
        return [change for change in receiver.changes() if change[1] == "dead_letters"]

    cron, systemd = recipes()
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
    producer.produce(DEAD, b"a dead letter")
    assert producer.flush(30) == 0
    begun = until(lambda: run(cron), "told of the dead letter", 60)
    assert [change[0] for change in begun] == ["firing"]
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
    (removed,) = admin.delete_records([TopicPartition(DEAD, 0, -1)]).values()
    removed.result()
    ended = until(lambda: run(systemd), "told of its end", 60)
    assert [change[0] for change in ended] == ["resolved"]
    assert ended[0][2] == begun[0][2]
    assert sum("dead letter" in text.lower() for _, _, text in mail_server.mails) == 2
