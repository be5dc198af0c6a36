"""What `kubectl apply` makes of deploy/kubernetes: first, again, after an edit, with each feed, and when all is removed."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from manifests import TO_ALL, TO_GITHUB, TO_LARGER_DISK, TO_NOTHING, TO_SECRETS, TO_SIMULATOR
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from control_plane import ControlPlane
    from manifests import Object, Objects

MANIFESTS = "deploy/kubernetes"
Versions = dict[str, str]


def apply(cluster: ControlPlane, checkout: Path) -> None:
    """Apply the copy, without a word of warning."""
    cluster.said("apply", "--server-side", "-k", checkout / MANIFESTS)


def versions(cluster: ControlPlane, checkout: Path) -> Versions:
    """Return what changes with what is wanted of each object of the copy, by kind and name."""
    found = cluster.objects("-k", str(checkout / MANIFESTS))
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["uid"] + wanted(each) for each in found}


def wanted(found: Object) -> str:
    """Return its generation; where the server counts none, what it holds apart from what controllers note in it."""
    held = {name: value for name, value in found.items() if name not in {"metadata", "status"}}
    return str(found["metadata"].get("generation", json.dumps(held, sort_keys=True)))


def test_every_object_is_there(applied: ControlPlane, checkout: Path, rendered: dict[str, Objects]) -> None:
    expected = {f"{each['kind']}/{each['metadata']['name']}" for each in rendered["github"]}
    assert versions(applied, checkout).keys() == expected


def test_applied_again_nothing_changes(applied: ControlPlane, checkout: Path) -> None:
    before = versions(applied, checkout)
    apply(applied, checkout)
    assert versions(applied, checkout) == before


class Edit(NamedTuple):
    """A change of one file, and the objects that then differ, ConfigMaps aside."""

    file: str
    old: str
    new: str
    changed: set[str]


EDITS = {
    "a dashboard": Edit("dashboard/grafana/dashboards/stack.json", "{", "{ ", {"Deployment/grafana"}),
    "a setting of Grafana": Edit(
        "dashboard/grafana/server.env", "GF_LOG_LEVEL=warn", "GF_LOG_LEVEL=debug", {"Deployment/grafana"}
    ),
    "a topic": Edit("kafka/topics/iot_data.properties", "partitions=", "partitions=1", {"Deployment/reconciler"}),
    "the monitoring": Edit("monitoring/telegraf/telegraf.conf", "#", "##", {"StatefulSet/questdb"}),
    "JMX": Edit("monitoring/kafka-agent/jolokia-access.xml", ">", " >", {"Kafka/rta", "KafkaConnect/rta"}),
    "the brokers' disks": Edit(f"{MANIFESTS}/kafka.yaml", "size: 10Gi", "size: 20Gi", {"KafkaNodePool/broker"}),
    "retention": Edit(f"{MANIFESTS}/kafka.yaml", "retention.hours: 24", "retention.hours: 48", {"Kafka/rta"}),
    "a limit": Edit(f"{MANIFESTS}/grafana.yaml", "{memory: 640Mi}", "{memory: 1Gi}", {"Deployment/grafana"}),
    "the registry": Edit(
        f"{MANIFESTS}/kustomization.yaml",
        "newName: rta/",
        "newName: registry.example/me/rta/",
        {"Deployment/github-events", "Deployment/reconciler", "Kafka/rta", "KafkaConnect/rta"},
    ),
}


@contextlib.contextmanager
def edited(checkout: Path, edit: Edit) -> Iterator[None]:
    """Change the file, and change it back."""
    path = checkout / edit.file
    before = path.read_text(encoding="utf-8")
    assert edit.old in before
    path.write_text(before.replace(edit.old, edit.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.mark.parametrize("name", EDITS)
def test_edit_changes_what_reads_the_file(applied: ControlPlane, checkout: Path, name: str) -> None:
    before = versions(applied, checkout)
    with edited(checkout, EDITS[name]):
        apply(applied, checkout)
        after = versions(applied, checkout)
    changed = {key for key in after if after[key] != before.get(key) and not key.startswith("ConfigMap/")}
    apply(applied, checkout)
    assert changed == EDITS[name].changed
    assert versions(applied, checkout).keys() == before.keys()


def test_disk_of_questdb_grows_as_the_page_says(applied: ControlPlane, checkout: Path) -> None:
    size = Edit(f"{MANIFESTS}/questdb.yaml", "storage: 20Gi", "storage: 30Gi", set())
    with edited(checkout, size):
        refused = applied.kubectl("apply", "--server-side", "-k", checkout / MANIFESTS)
        assert "updates to statefulset spec for fields other than" in refused.stderr
        applied.run(TO_LARGER_DISK, checkout)
        (questdb,) = applied.objects("statefulset", "--namespace", "rta")
        (claim,) = questdb["spec"]["volumeClaimTemplates"]
        assert claim["spec"]["resources"]["requests"] == {"storage": "30Gi"}
    applied.run(TO_LARGER_DISK, checkout)


def feed(cluster: ControlPlane) -> tuple[dict[str, str], bool]:
    """Return the poller's feed and address of GitHub, and whether it may leave the cluster."""
    (poller,) = cluster.objects("deployment", "--namespace", "rta", "--field-selector", "metadata.name=github-events")
    (container,) = poller["spec"]["template"]["spec"]["containers"]
    policies = cluster.objects("networkpolicy", "--namespace", "rta", "--field-selector=metadata.name=github-events")
    told = {each["name"]: each.get("value", "") for each in container["env"]}
    return {name: told[name] for name in ("FEED", "GITHUB_API_URL") if name in told}, any(
        policy["spec"].get("egress") for policy in policies
    )


def test_feed_is_changed_and_changed_back_as_the_page_says(applied: ControlPlane, checkout: Path) -> None:
    real = ({"FEED": "github"}, True)
    assert feed(applied) == real
    applied.run(TO_SIMULATOR, checkout)
    assert feed(applied) == ({"FEED": "simulator", "GITHUB_API_URL": "http://simulator:8090"}, False)
    applied.run(TO_GITHUB, checkout)
    assert feed(applied) == real
    assert applied.said("get", "deployment,service,networkpolicy", "--namespace", "rta").count("simulator") == 0


def test_all_is_removed_as_the_page_says(applied: ControlPlane, checkout: Path) -> None:
    applied.run(TO_NOTHING, checkout)
    until(lambda: "rta" not in applied.said("get", "namespaces"), "a cluster without the namespace")
    (checkout / ".env.secrets").unlink()
    for commands in (TO_SECRETS, TO_ALL):
        applied.run(commands, checkout)
