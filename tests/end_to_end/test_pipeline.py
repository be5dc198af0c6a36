"""From the feed to the tables: the stack of `make up` does what the README says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from expectations import DATASETS, OTHER_DASHBOARDS, OTHER_TABLES, Dataset
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from stack import Pipeline

every_dataset = pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)


def test_each_dataset_has_all_of_its_files_and_no_file_is_unexpected() -> None:
    names = {dataset.name for dataset in DATASETS}
    folders = {
        "questdb/schema": (".sql", names | OTHER_TABLES.keys()),
        "kafka-connect-plugins/connectors": (".json", names),
        "kafka/topics": (".properties", names | {name + "_dlq" for name in names}),
        "dashboard/grafana/dashboards": (
            ".json",
            {dataset.name for dataset in DATASETS if dataset.dashboard} | OTHER_DASHBOARDS.keys(),
        ),
    }
    for folder, (suffix, expected) in folders.items():
        assert {path.name for path in (ROOT / folder).glob("*" + suffix)} == {name + suffix for name in expected}, (
            folder
        )


@every_dataset
def test_dashboard_has_the_uid_that_links_name(dataset: Dataset) -> None:
    if dataset.dashboard:
        path = ROOT / "dashboard" / "grafana" / "dashboards" / f"{dataset.name}.json"
        assert json.loads(path.read_text(encoding="utf-8"))["uid"] == dataset.dashboard


@every_dataset
def test_topics_exist(stack: Pipeline, dataset: Dataset) -> None:
    topics = AdminClient(stack.settings.kafka).list_topics(timeout=10).topics
    assert {dataset.name, f"{dataset.name}_dlq"} <= topics.keys()


@every_dataset
def test_table_and_views_exist_and_are_valid(stack: Pipeline, dataset: Dataset) -> None:
    tables = {row[0] for row in stack.sql("SELECT table_name FROM tables()")}
    assert {dataset.name, *dataset.views} <= tables

    def valid() -> bool:
        states = dict(stack.sql("SELECT view_name, view_status FROM materialized_views()"))
        return {states.get(view) for view in dataset.views} <= {"valid", "refreshing"}

    # QuestDB leaves a view out of that list while it writes its state.
    until(valid, "all views valid", 10)


@every_dataset
def test_connector_runs_with_its_tasks(stack: Pipeline, dataset: Dataset) -> None:
    status = stack.connector(dataset.name)
    assert status["connector"]["state"] == "RUNNING"
    assert [task["state"] for task in status["tasks"]] == ["RUNNING"]


@pytest.mark.parametrize("dataset", [dataset for dataset in DATASETS if dataset.fed], ids=lambda dataset: dataset.name)
def test_rows_arrive(stack: Pipeline, dataset: Dataset) -> None:
    before = stack.count(dataset.name)
    until(lambda: stack.count(dataset.name) > before, "new rows", 10, lambda: stack.log("github-events"))


def test_every_event_shown_is_stored_once_at_its_own_time(stack: Pipeline) -> None:
    until(lambda: stack.count("github_events") > 500, "500 rows", 60, lambda: stack.log("kafka-connect"))
    stack.nothing_lost_nothing_double()


def test_the_query_users_know_works_verbatim(stack: Pipeline) -> None:
    assert stack.sql("SELECT timestamp, repo, COUNT() FROM github_events SAMPLE BY 5m;")
    assert stack.sql("SELECT timestamp as time, type, count(*) as total FROM github_events sample by 15s;")


def test_simulated_repositories_are_recognisable(stack: Pipeline) -> None:
    assert stack.sql("SELECT count() FROM github_events WHERE repo NOT LIKE 'simulated%'") == [[0]]


def test_polls_are_counted(stack: Pipeline) -> None:
    rows = stack.sql(
        "SELECT page, count(), sum(fetched), sum(fresh), sum(duplicate) FROM github_polls WHERE status = 200 GROUP BY page"
    )
    assert {row[0] for row in rows} == {1, 2, 3}
    for _, polls, fetched, fresh, duplicate in rows:
        assert fetched == 100 * polls
        assert fresh + duplicate == fetched


def test_a_bad_record_goes_to_the_dead_letters_and_its_neighbours_are_stored(stack: Pipeline) -> None:
    good = {"device_id": "d1", "device_type": "red", "duration_ms": 1, "measure1": 2, "measure2": 3, "speed": 4}
    values = [
        json.dumps(good | {"timestamp": "2026-01-01T00:00:00.000Z", "lat": 1.5, "lon": 2.5}),
        "this is not JSON",
        json.dumps(good | {"timestamp": "not a time"}),
        json.dumps(good | {"timestamp": "2026-01-01T00:00:01.000Z", "speed": "fast"}),
        json.dumps(good | {"timestamp": "2026-01-01T00:00:02.000Z"}),
    ]
    before = stack.count("iot_data")
    producer = Producer(stack.settings.kafka)
    for value in values:
        producer.produce("iot_data", value.encode())
    assert producer.flush(30) == 0
    until(lambda: stack.count("iot_data") == before + 2, "the two good rows", 30, lambda: stack.log("kafka-connect"))
    assert len(dead_letters(stack, "iot_data_dlq", 3)) == 3
    assert [task["state"] for task in stack.connector("iot_data")["tasks"]] == ["RUNNING"]


def dead_letters(stack: Pipeline, topic: str, count: int) -> list[bytes]:
    """Return the first `count` values of a dead-letter topic; each must have its reason with it."""
    from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415 - only here

    consumer = Consumer({**stack.settings.kafka, "group.id": "test"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes] = []

    def read() -> bool:
        message = consumer.poll(1)
        if message is not None and not message.error():
            headers = dict(message.headers() or [])
            assert headers["__connect.errors.exception.message"]
            found.append(message.value() or b"")
        return len(found) >= count

    try:
        until(read, f"{count} dead letters", 30, lambda: stack.log("kafka-connect"))
    finally:
        consumer.close()
    return found
