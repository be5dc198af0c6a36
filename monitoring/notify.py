"""Sends a message when an alert begins and when it ends, each once: `make check ARGS=--notify`.

What was sent is kept for each channel in a file, so that a channel that fails is tried again the next time, alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import smtplib
import ssl
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Protocol

import requests

from monitoring.check import Finding
from operations.local.env_file import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

TIMEOUT = 10.0  # seconds
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
NO_CHANNEL = "--notify: ALERT_WEBHOOK and ALERT_EMAIL are both empty: set one of them"


class NotSent(Exception):  # noqa: N818 - says what happened
    """A message was not taken; the text names the setting, and never an address or a password."""


@dataclass(frozen=True)
class Changes:
    """What has begun and what has ended since the last message."""

    begun: Sequence[Finding]
    ended: Sequence[Finding]

    @property
    def title(self) -> str:
        """Return one line."""
        counts = ((len(self.begun), "began"), (len(self.ended), "ended"))
        return "Analytics stack: " + ", ".join(
            f"{count} {'alert' if count == 1 else 'alerts'} {what}" for count, what in counts if count
        )

    @property
    def text(self) -> str:
        """Return a line for each change, and the remedy of what began."""
        begun = [str(finding) for finding in self.begun]
        return "\n".join([*begun, *(f"✓ ended: {finding.text}" for finding in self.ended)])


class Channel(Protocol):
    """A way to reach somebody."""

    @property
    def name(self) -> str:
        """Return its name in the file."""

    def send(self, changes: Changes) -> None:
        """Send a message; NotSent if nobody took it."""


@dataclass(frozen=True)
class Webhook:
    """An address that takes JSON; chat programs show `text`."""

    url: str
    name: str = "webhook"

    def send(self, changes: Changes) -> None:
        """Post it."""
        listed = [(finding, "firing") for finding in changes.begun] + [
            (finding, "resolved") for finding in changes.ended
        ]
        body = {
            "title": changes.title,
            "text": f"{changes.title}\n{changes.text}",
            "alerts": [{"status": status, **asdict(finding)} for finding, status in listed],
        }
        try:
            answer = requests.post(self.url, json=body, timeout=TIMEOUT)
        except (requests.RequestException, ValueError) as error:
            sentence = f"ALERT_WEBHOOK can't be reached ({type(error).__name__})"
            raise NotSent(sentence) from None
        if not answer.ok:
            sentence = f"ALERT_WEBHOOK refuses the message: HTTP {answer.status_code}"
            raise NotSent(sentence)


@dataclass(frozen=True)
class Mail:
    """A mail server, `host` with its port, and who gets the mail."""

    host: str
    user: str
    password: str
    sender: str
    recipients: str
    name: str = "email"

    def send(self, changes: Changes) -> None:
        """Hand it to the server. Where that offers no encryption, a password is sent to this machine only."""
        message = EmailMessage()
        try:
            message["Subject"], message["From"], message["To"] = changes.title, self.sender, self.recipients
            message.set_content(changes.text)
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            sentence = f"SMTP_HOST refuses the mail: {error.smtp_code}"
            raise NotSent(sentence) from None
        except (smtplib.SMTPException, OSError, OverflowError) as error:
            sentence = f"SMTP_HOST can't be used ({type(error).__name__})"
            raise NotSent(sentence) from None
        except ValueError:
            sentence = "ALERT_EMAIL or SMTP_FROM holds no address of a mail"
            raise NotSent(sentence) from None

    def _connected(self) -> smtplib.SMTP:
        host, _, port = self.host.rpartition(":")
        if int(port) == smtplib.SMTP_SSL_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, timeout=TIMEOUT, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(host, int(port), timeout=TIMEOUT)
            self._encrypt(server, host)
        if self.user:
            server.login(self.user, self.password)
        return server

    def _encrypt(self, server: smtplib.SMTP, host: str) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        elif self.user and host not in LOOPBACK:
            server.close()
            sentence = "SMTP_HOST offers no encryption, so SMTP_PASSWORD is not sent to it"
            raise NotSent(sentence)


def channels(chosen: Mapping[str, str]) -> list[Channel]:
    """Return the channels that the settings name; SettingsError if there is none, or half of one."""
    found: list[Channel] = []
    if url := chosen.get("ALERT_WEBHOOK", ""):
        found.append(Webhook(url))
    if recipients := chosen.get("ALERT_EMAIL", ""):
        host = chosen.get("SMTP_HOST", "")
        if not host.rpartition(":")[2].isdigit() or not host.rpartition(":")[0]:
            sentence = "ALERT_EMAIL needs SMTP_HOST=HOST:PORT, as smtp.example.com:587"
            raise SettingsError(sentence)
        sender = chosen.get("SMTP_FROM") or recipients.partition(",")[0].strip()
        found.append(Mail(host, chosen.get("SMTP_USER", ""), chosen.get("SMTP_PASSWORD", ""), sender, recipients))
    if not found:
        raise SettingsError(NO_CHANNEL)
    return found


def notify(found: Sequence[Finding], to: Sequence[Channel], file: Path) -> list[str]:
    """Tell each channel what changed since its last message; return a sentence for each one that took none."""
    failures = []
    with _kept(file) as (sent, keep):
        for channel in to:
            before = [Finding(**finding) for finding in sent.get(channel.name, [])]
            now = still(before, found)
            changes = changed(before, now)
            try:
                if changes.begun or changes.ended:
                    channel.send(changes)
            except NotSent as error:
                failures.append(str(error))
            else:
                sent[channel.name] = [asdict(finding) for finding in now]
                keep()
    return failures


def still(before: Sequence[Finding], found: Sequence[Finding]) -> list[Finding]:
    """Return what is on: what was found, and of what was on before that which can't be judged now."""
    unjudged = {finding.alert for finding in found if not finding.subject}
    known = {_key(finding) for finding in found}
    silent = [f for f in before if _key(f) not in known and f.subject and ("" in unjudged or f.alert in unjudged)]
    return [*found, *silent]


def changed(before: Sequence[Finding], now: Sequence[Finding]) -> Changes:
    """Compare by alert and subject: a value that changes is no news."""
    old, new = {_key(finding) for finding in before}, {_key(finding) for finding in now}
    return Changes([f for f in now if _key(f) not in old], [f for f in before if _key(f) not in new])


def _key(finding: Finding) -> tuple[str, str]:
    return finding.alert, finding.subject


@contextlib.contextmanager
def _kept(file: Path) -> Iterator[tuple[dict[str, list[dict[str, str]]], Callable[[], None]]]:
    """Give what the file holds and what saves it; two that run at once take turns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.seek(0)
        try:
            sent = json.loads(opened.read() or "{}")
        except ValueError:  # a full disk cut it off: everything that is on is news again
            sent = {}

        def keep() -> None:
            opened.seek(0)
            opened.truncate()
            json.dump(sent, opened)
            opened.flush()

        yield sent, keep
