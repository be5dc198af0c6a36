"""What the API server lets in, and what it refuses: pods that are restricted, and manifests without mistakes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml
from manifests import of_kind, strimzi_templates
from waiting import until

if TYPE_CHECKING:
    from control_plane import ControlPlane
    from manifests import Object, Objects

TRY = ("create", "--dry-run=server", "--namespace", "rta", "--filename", "-")


def test_pods_are_made(applied: ControlPlane) -> None:
    wanted = {"github-events", "grafana", "questdb", "reconciler"}

    def made() -> bool:
        pods = applied.objects("pods", "--namespace", "rta")
        return {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == wanted

    until(made, "a pod of each", show=lambda: applied.said("describe", "replicaset,statefulset", "--namespace", "rta"))


def as_pod(spec: Object) -> str:
    """Return a pod of this specification."""
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried"}, "spec": spec})


@pytest.mark.parametrize("whose", [0, 1], ids=["broker", "worker"])
def test_pod_of_strimzi_would_be_let_in(applied: ControlPlane, rendered: dict[str, Objects], whose: int) -> None:
    pod, container = strimzi_templates(rendered["github"])[whose]
    assert "pod/tried created" in applied.said(
        *TRY, given=as_pod(pod | {"containers": [container | {"name": "kafka", "image": "kafka:1"}]})
    )


# What a pod must not do, as a change of Grafana's.
VIOLATIONS = {
    "root": ("securityContext", {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}, "runAsNonRoot != true"),
    "any system call": ("securityContext", {"runAsNonRoot": True}, "seccompProfile"),
    "a folder of the node": ("volumes", [{"name": "data", "hostPath": {"path": "/"}}], "hostPath"),
    "the node's network": ("hostNetwork", True, "host namespaces"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_pod_with_more_rights_is_refused_and_its_deployment_warned_of(
    applied: ControlPlane, rendered: dict[str, Objects], name: str
) -> None:
    field, value, reason = VIOLATIONS[name]
    deployment = copy.deepcopy(of_kind(rendered["github"], "Deployment")["grafana"])
    deployment["metadata"]["name"] = "tried"
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    pod[field] = value
    pod["containers"][0].pop("volumeMounts")
    refused = applied.kubectl(*TRY, given=as_pod(pod))
    assert refused.returncode != 0
    assert 'violates PodSecurity "restricted' in refused.stderr
    assert reason in refused.stderr
    warned = applied.kubectl(*TRY, given=yaml.safe_dump(deployment))
    assert warned.stderr.startswith("Warning: would violate PodSecurity")
    assert reason in warned.stderr


class Mistake(NamedTuple):
    """What a manifest says wrongly: kind, the place in its first object, the value there, and a word of the answer."""

    kind: str
    place: tuple[str | int, ...]
    value: object
    answer: str


MISTAKES = [
    Mistake("Kafka", ("spec", "kafka", "listener"), [], "listener"),
    Mistake("KafkaNodePool", ("spec", "roles"), ["brokers"], "Unsupported value"),
    Mistake("KafkaConnect", ("spec", "template", "pod", "volumes", 0, "image", "pull"), "Always", "pull"),
    Mistake("StatefulSet", ("spec", "template", "spec", "containers", 0, "resource"), {}, "resource"),
    Mistake("NetworkPolicy", ("spec", "policyTypes"), ["Out"], "Unsupported value"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.kind for mistake in MISTAKES])
def test_mistake_is_refused(applied: ControlPlane, rendered: dict[str, Objects], mistake: Mistake) -> None:
    found = copy.deepcopy(next(iter(of_kind(rendered["github"], mistake.kind).values())))
    part: Any = found
    for key in mistake.place[:-1]:
        part = part[key]
    part[mistake.place[-1]] = mistake.value
    refused = applied.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", given=yaml.safe_dump(found))
    assert refused.returncode != 0
    assert mistake.answer in refused.stderr
