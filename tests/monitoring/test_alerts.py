"""Each fault turns its alert on and its repair turns it off again; a quiet stack has none."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from waiting import PATIENCE, last, until

from monitoring import alerts, check, grafana_rules
from operations.local import doctor
from operations.local.settings import ROOT
from operations.reconciler import metrics, optional, progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stack import Stack

ALERTS = {alert.name: alert for alert in alerts.read()}
MEASUREMENT = {"timestamp": "2099-01-13T09:15:00Z", "device_id": "car1", "device_type": "car", "speed": 1}
# Thresholds for the tests' two seconds between looks instead of ten; that of events_stale goes by the simulated feed's own delay.
SHORT = {
    "part_down": {"after": 8},
    "monitoring_silent": {"after": 8},
    "lag_growing": {"least": 500, "seconds": 10},
    "dead_letters": {"seconds": 10},
    "task_not_running": {"seconds": 10},
    "sink_outage": {"seconds": 10, "look": 6},
    "group_stalled": {"seconds": 15, "look": 6},
}
QUIET = 10.0  # seconds: an hour's worth of conditions is the same queries again and again
HANGING = 15.0  # seconds within which every command answers while QuestDB hangs
WITHIN = 90.0  # seconds from a repair; mostly much less, but the machine may be busy
SLACK = 20.0  # seconds that a busy machine may take longer than stated


def subjects(stack: Stack, name: str) -> str:
    """Return the subjects of an alert that is on, at the tests' thresholds."""
    rows = check.evaluate(doctor.database(stack.settings), ALERTS[name], **SHORT.get(name, {}))
    return "; ".join(row["subject"] for row in rows)


def on(stack: Stack, name: str, subject: str) -> None:
    """Wait for an alert, as long as its file says that takes."""
    until(lambda: subject in subjects(stack, name), f"{name} on: {subject}", stated(stack, name), lambda: state(stack))


def stated(stack: Stack, name: str) -> float:
    """Return the seconds of the condition's own threshold, and three looks: to see it, to write it, and to have it applied."""
    thresholds = ALERTS[name].thresholds | SHORT.get(name, {})
    own = max((thresholds[key] for key in ("after", "seconds") if key in thresholds), default=0)
    return own + 3 * stack.settings.monitoring_interval + SLACK


def off(stack: Stack, name: str) -> None:
    until(lambda: not subjects(stack, name), f"{name} off", WITHIN, lambda: state(stack))


def state(stack: Stack) -> str:
    """Return all alerts and the log of what writes the tables."""
    return "\n".join([*(f"{name}: {subjects(stack, name)}" for name in ALERTS), stack.log("telegraf")])


@pytest.fixture
def calm(stack: Stack, telegraf: str, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The shared stack, what other tests did to it repaired."""
    assert telegraf
    stack.healthy()
    empty_dead_letters(stack)
    ((age,),) = stack.sql("SELECT datediff('s', max(timestamp), now()) FROM github_events WHERE timestamp <= now()")
    monkeypatch.setitem(SHORT, "events_stale", {"after": age + 15})
    database = doctor.database(stack.settings)

    def is_calm() -> bool:
        return not any(subjects(stack, name) for name in ALERTS) and not check.report(database)

    until(is_calm, "a calm stack", WITHIN, lambda: state(stack))
    return stack


def empty_dead_letters(stack: Stack) -> None:
    """Do what the remedy says: delete the topics that hold some; the reconciler makes them anew."""
    bootstrap: dict[str, str | int | float | bool] = {"bootstrap.servers": stack.settings.kafka_bootstrap_servers}
    consumer, admin = Consumer({**bootstrap, "group.id": "depth"}), AdminClient(bootstrap)
    letters = [name for name in admin.list_topics(timeout=30).topics if name.endswith("_dlq")]
    # Asked of Kafka: what the monitoring knows may be older.
    ends = {name: consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=30) for name in letters}
    consumer.close()
    full = [name for name, (first, end) in ends.items() if end > first]
    for future in (admin.delete_topics(full) if full else {}).values():
        future.result()


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_a_file_says_what_to_do_and_asks_a_question_that_can_be_answered(stack: Stack, alert: alerts.Alert) -> None:
    assert alert.title
    assert len(alert.remedy) > 40
    assert re.fullmatch(r"\d+[sm]", alert.wait)
    database = doctor.database(stack.settings)
    assert alert.query() == alert.sql
    assert all({"subject", "value"} == row.keys() and row["value"] >= 0 for row in database.run(alert.query()))


def test_grafana_has_the_same_conditions() -> None:
    assert grafana_rules.FILE.read_text(encoding="utf-8") == grafana_rules.text(), "run `make alerts`"
    (group,) = yaml.safe_load(grafana_rules.text())["groups"]
    known = alerts.read(on=optional.known())
    assert [rule["data"][0]["model"]["rawSql"].strip() for rule in group["rules"]] == [alert.sql for alert in known]
    assert [rule["execErrState"] for rule in group["rules"]].count("Alerting") == 1
    without_value = ["{{ else }}" in rule["annotations"]["summary"] for rule in group["rules"]]
    assert without_value == [rule["execErrState"] == "Alerting" for rule in group["rules"]]
    assert [path.name for path in grafana_rules.FILE.parent.iterdir()] == ["rules.yaml"], "no contact point is preset"


def test_an_unknown_threshold_is_named() -> None:
    with pytest.raises(ValueError, match=r"part_down.sql has no threshold minutes"):
        ALERTS["part_down"].query(minutes=1)


def test_quiet(calm: Stack) -> None:
    began = time.monotonic()
    database = doctor.database(calm.settings)

    def watched() -> bool:
        assert check.report(database) == []
        return time.monotonic() - began > QUIET

    until(watched, "a quiet time", QUIET + 60)
    done = calm.make("check")
    assert (done.returncode, done.stdout) == (0, "✓ nothing is wrong\n")
    began = time.monotonic()
    done = calm.make("doctor")
    assert time.monotonic() - began < 10 * PATIENCE
    assert (done.returncode, done.stdout.count("✓"), done.stdout.count("✗")) == (0, len(doctor.STAGES), 0), done.stdout


def test_parts_that_stop(calm: Stack) -> None:
    """Connect first, while the rest goes on: its lag fills."""
    calm.supervisor.stop_program("kafka-connect")
    on(calm, "lag_growing", "connect-github_events on github_events 0")
    for name in ("broker", "reconciler", "github-events"):
        calm.supervisor.stop_program(name)
    for part in ("connect", "broker", "reconciler"):
        on(calm, "part_down", part)
    done = calm.make("doctor")
    assert done.returncode != 0
    assert re.findall(r"^✗ (\w+)", done.stdout, re.MULTILINE)[:2] == ["broker", "connect"], done.stdout
    on(calm, "events_stale", "github_events")
    for name in ("broker", "kafka-connect", "reconciler", "github-events"):
        calm.supervisor.start_program(name)
    for alert in ("part_down", "lag_growing", "events_stale"):
        off(calm, alert)


def test_faults_that_need_no_stop(calm: Stack) -> None:
    """The feed shows the same events all the while, because its alert takes longest."""
    calm.simulator("PUT", "/faults", "all stale")
    fault(
        calm, "task_not_running", "github_polls task 0 is PAUSED", connector(calm, "pause"), connector(calm, "resume")
    )
    fault(calm, "wal_suspended", "iot_data", wal(calm, "SUSPEND"), wal(calm, "RESUME"))
    fault(
        calm,
        "dead_letters",
        "iot_data_dlq",
        lambda: send(calm, "iot_data", "this is not JSON"),
        lambda: empty_dead_letters(calm),
    )
    fault(calm, "monitoring_silent", "telegraf", program(calm, "stop"), program(calm, "start"))
    on(calm, "events_stale", "github_events")
    calm.simulator("PUT", "/faults")
    off(calm, "events_stale")


def fault(stack: Stack, name: str, subject: str, harm: Callable[[], None], repair: Callable[[], None]) -> None:
    """Do harm, wait for the alert, repair, wait until it is off."""
    harm()
    try:
        on(stack, name, subject)
    finally:
        repair()
    off(stack, name)


def connector(stack: Stack, action: str) -> Callable[[], None]:
    url = f"{stack.settings.connect_url}/connectors/github_polls/{action}"
    return lambda: requests.put(url, timeout=30).raise_for_status()


def wal(stack: Stack, action: str) -> Callable[[], None]:
    def alter() -> None:
        stack.sql(f"ALTER TABLE iot_data {action} WAL")

    return alter


def program(stack: Stack, action: str) -> Callable[[], None]:
    return lambda: getattr(stack.supervisor, f"{action}_program")("telegraf")


def send(stack: Stack, topic: str, message: str) -> None:
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
    producer.produce(topic, message)
    assert producer.flush(30) == 0


@pytest.fixture
def nowhere(calm: Stack) -> Iterator[str]:
    """A connector whose table does not exist, and a message for it."""
    url = f"{calm.settings.connect_url}/connectors/nowhere"
    config = json.loads((ROOT / "kafka-connect-plugins" / "connectors" / "iot_data.json").read_text(encoding="utf-8"))
    requests.put(f"{url}/config", json=config | {"table": "nowhere"}, timeout=30).raise_for_status()
    send(calm, "iot_data", json.dumps(MEASUREMENT))
    yield "nowhere"
    requests.delete(url, timeout=30).raise_for_status()
    admin = AdminClient({"bootstrap.servers": calm.settings.kafka_bootstrap_servers})
    until(lambda: not members(admin, "connect-nowhere"), "a group without members")
    for future in admin.delete_consumer_groups(["connect-nowhere"]).values():
        future.result()


def members(admin: AdminClient, group: str) -> int:
    (future,) = admin.describe_consumer_groups([group]).values()
    return len(future.result().members)


def test_a_sink_that_can_not_store_is_seen_by_everybody(calm: Stack, nowhere: str) -> None:
    """Its task is RUNNING all the while; one message waits, and no offset was ever committed."""
    on(calm, "sink_outage", nowhere)
    on(calm, "group_stalled", f"connect-{nowhere} on iot_data 0")
    assert not subjects(calm, "task_not_running")
    done = calm.make("status")
    assert done.returncode != 0
    assert re.search(rf"^✗ kafka-connect .* QuestDB takes no rows of {nowhere}\b", done.stdout, re.MULTILINE), (
        done.stdout
    )
    sentence = f"connector {nowhere}: messages wait in iot_data 0, and none was stored for 1 min"
    within = progress.STALLED_AFTER + 2 * metrics.LOOK_EVERY + SLACK
    until(
        lambda: sentence in calm.make("status").stdout, "the reconciler says so", within, lambda: calm.log("reconciler")
    )


def test_a_questdb_that_hangs_keeps_no_command_waiting(calm: Stack) -> None:
    calm.suspend("questdb")
    try:
        for command, line in COMMANDS.items():
            began = time.monotonic()
            done = calm.make(command)
            assert time.monotonic() - began < HANGING, command
            assert done.returncode != 0
            assert re.search(line, done.stdout, re.MULTILINE), done.stdout
    finally:
        calm.resume("questdb")
    off(calm, "monitoring_silent")


COMMANDS = {
    "check": r"^✗ QuestDB does not answer \(ReadTimeout\)$",
    "doctor": r"^✗ questdb +no answer from http\S+ \(ReadTimeout\)",
    "status": r"^✗ questdb .* ReadTimeout$",
}


def test_without_telegraf_the_doctor_says_that_monitoring_is_off(calm: Stack) -> None:
    settings = replace(calm.settings, telegraf=None)
    lines = [str(finding) for finding in doctor.examine(settings)]
    assert [line[0] for line in lines] == ["✓"] * (len(lines) - 2) + ["-"] * 2, lines
    assert lines[-2].startswith("- telegraf   monitoring is off: run `make telegraf`")
    assert lines[-1] == "- alerts     none of those that need no monitoring; the others are not judged"


def test_a_file_that_can_not_be_judged_is_named_and_hides_no_other(
    calm: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "-- title: T\n-- for: 0s\n-- unit: u\n-- remedy: r\n"
    (tmp_path / "a.sql").write_text("SELECT 1", encoding="utf-8")
    (tmp_path / "b.sql").write_bytes(b"-- Gr\xfc\xdfe")
    (tmp_path / "c.sql").write_text(f"{head}SELECT 1 FROM no_such_table", encoding="utf-8")
    (tmp_path / "d.sql").write_text(f"{head}SELECT 1 AS other", encoding="utf-8")
    (tmp_path / "e.sql").write_text(f"{head}SELECT 'x' AS subject, null::double AS value", encoding="utf-8")
    (tmp_path / "f.sql").write_text(f"{head}SELECT 'x' AS subject, 2 AS value", encoding="utf-8")
    (tmp_path / ".#f.sql").symlink_to("me@host.1:2")  # as Emacs makes while a file is edited
    monkeypatch.setattr(alerts, "files", partial(alerts.files, tmp_path))
    found = [str(line).partition("\n")[0] for line in check.report(doctor.database(calm.settings))]
    assert found[0] == "✗ monitoring/alerts/a.sql: its header lacks for, remedy, title, unit"
    assert found[1].startswith("✗ monitoring/alerts/b.sql can't be read: ")
    assert found[2] == "✗ T: can't be judged, table does not exist [table=no_such_table]"
    assert found[3:] == ["✗ T: can't be judged", "✗ T: can't be judged", "✗ T: x, 2 u"]


def test_without_questdb_the_check_says_so_and_no_metric_is_lost(calm: Stack) -> None:
    ((stopped,),) = calm.sql("SELECT max(timestamp) FROM stack_disks")
    calm.supervisor.stop_program("questdb")
    done = calm.make("check")
    assert done.returncode != 0
    assert done.stdout.startswith("✗ QuestDB does not answer"), done.stdout
    last(10, "an outage that spans several looks")
    calm.supervisor.start_program("questdb")
    calm.healthy("questdb")
    since = f"FROM stack_disks WHERE timestamp >= '{stopped}'"
    until(lambda: calm.sql(f"SELECT count() {since}")[0][0] > 10, "rows again", 60, lambda: calm.log("telegraf"))
    before = "lag(timestamp) OVER (ORDER BY timestamp)"
    ((gap,),) = calm.sql(f"SELECT max(gap) FROM (SELECT datediff('s', {before}, timestamp) AS gap {since})")
    assert gap <= 2 * calm.settings.monitoring_interval, "a busy machine may skip one look"
    off(calm, "monitoring_silent")
