"""What every part on Kubernetes owes its users: the rules of docker-compose.yml, and its versions, limits and settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml
from dotenv import dotenv_values
from manifests import MANIFESTS, containers, of_kind, pods, strimzi_templates, values

from operations.local.passwords import NAMES
from operations.local.settings import ROOT
from operations.outdated.pins import number

if TYPE_CHECKING:
    from manifests import Object, Objects

ENV = {name: value or "" for name, value in dotenv_values(ROOT / ".env", interpolate=False).items()}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
TELEGRAF = "".join(
    (ROOT / "monitoring" / "telegraf" / name).read_text(encoding="utf-8")
    for name in ("telegraf.conf", "telegraf-output.conf")
)
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
# Brokers and worker, whose pods Strimzi makes, and the parts whose pods are ours: named as the services of Compose.
PARTS = {"questdb", "telegraf", "reconciler", "github-events", "grafana"}
KINDS = {"ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Service", "StatefulSet"}
STRIMZIS = {"Kafka", "KafkaConnect", "KafkaNodePool"}
# Who may speak to what: port, and the pods that are let in.
REACHABLE = {
    8083: {"kafka-connect", "questdb", "reconciler"},
    8090: {"github-events"},
    8778: {"questdb"},
    8779: {"questdb"},
    8780: {"questdb"},
    8812: {"grafana"},
    9000: {"kafka-connect", "reconciler"},
    9092: {"github-events", "kafka", "kafka-connect", "reconciler"},
}
# Variables that say where something is, or what Compose gives by a file of its own.
ADDRESSES = r".*(_URL|_SERVERS|_ADDRESS|_HOST)|FEED"


def compose(text: object) -> str:
    """Return a value of docker-compose.yml with the variables of .env filled in."""
    return re.sub(r"\$\{(\w+)\}", lambda match: ENV[match[1]], str(text))


def compose_environment(service: str) -> dict[str, str]:
    """Return the variables that Compose gives a service; null means as in .env."""
    given = COMPOSE[service].get("environment", {})
    return {
        name: ENV.get(name, "") if value is None else compose(value).replace("$$", "$") for name, value in given.items()
    }


def memory(size: str) -> str:
    """Return a size of .env, 640m, as Kubernetes writes it: 640Mi."""
    return f"{size[:-1]}{size[-1].upper()}i"


def properties(file: str) -> dict[str, str]:
    # A backslash at the end continues a line.
    lines = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def as_properties(config: Object) -> dict[str, str]:
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in config.items()}


def test_parts_are_the_ones_described_here(rendered: dict[str, Objects]) -> None:
    assert set(containers(rendered["github"])) == PARTS
    assert set(containers(rendered["simulator"])) == PARTS | {"simulator"}


def test_nothing_is_open_to_the_outside(objects: Objects) -> None:
    assert {each["kind"] for each in objects} == KINDS | STRIMZIS
    assert {service["spec"].get("type") for service in of_kind(objects, "Service").values()} == {None}


def test_everything_is_in_one_namespace_that_refuses_what_is_not_restricted(objects: Objects) -> None:
    (name,) = of_kind(objects, "Namespace")
    assert {each["metadata"].get("namespace", name) for each in objects} == {name}
    assert set(values(objects, "pod-security.kubernetes.io/enforce")) == {"restricted"}


def test_images_are_those_of_compose(objects: Objects) -> None:
    images = {name: container["image"] for name, container in containers(objects).items()}
    expected = {name: at_home(compose(COMPOSE[name]["image"])) for name in images}
    assert {name: at_home(image) for name, image in images.items()} == expected


def at_home(image: str) -> str:
    """Return an image as it is, one of ours less the registry and the tag, which users change."""
    return re.sub(r"^(?:.*/)?(rta/[a-z-]+):[^:]+$", r"\1", image)


def test_every_image_is_pinned_and_names_no_registry_of_its_own(objects: Objects) -> None:
    images = [*(c["image"] for c in containers(objects).values()), *values(objects, "reference")]
    assert all(re.search(r":(?!latest)[\w.-]+$", image) for image in images), images
    assert all(re.fullmatch(r"([a-z]+/)?[a-z-]+(:[\w.-]+)?", at_home(image)) for image in images), images


def test_every_image_that_is_mounted_can_be_built(objects: Objects) -> None:
    dockerfile = (ROOT / "kafka-connect-plugins" / "Dockerfile").read_text(encoding="utf-8")
    mounted = {at_home(image) for image in values(objects, "reference")}
    assert mounted == {f"rta/{stage}" for stage in re.findall(r"^FROM scratch AS (.+)$", dockerfile, re.MULTILINE)}


def test_container_has_the_limits_of_compose(objects: Objects) -> None:
    for name, container in containers(objects).items():
        limit = memory(compose(COMPOSE[name]["mem_limit"]))
        assert container["resources"]["limits"] == {"memory": limit}, name
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name


def test_container_has_few_rights(objects: Objects) -> None:
    for name, container in containers(objects).items():
        assert container["securityContext"] == RESTRICTED | {"readOnlyRootFilesystem": True}, name
    for name, pod in pods(objects).items():
        assert not restricted(pod), name
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["automountServiceAccountToken"] is False, name


def restricted(pod: Object) -> set[str]:
    """Return what a pod lacks. Variables that Kubernetes makes of Services would overwrite ours, such as RECONCILER_PORT."""
    wanted = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    lacking = {key for key, value in wanted.items() if pod["securityContext"].get(key) != value}
    return lacking | ({"enableServiceLinks"} if pod["enableServiceLinks"] is not False else set())


def test_pods_of_strimzi_have_few_rights(objects: Objects) -> None:
    for pod, container in strimzi_templates(objects):
        assert not restricted(pod)
        assert container["securityContext"] == RESTRICTED


def test_health_is_checked(objects: Objects) -> None:
    checked = {name for name, container in containers(objects).items() if "readinessProbe" in container}
    assert set(containers(objects)) - checked == {"telegraf"}, "which would take QuestDB out of its Service"


def test_one_pod_of_each_and_never_two_at_once(objects: Objects) -> None:
    for name, found in of_kind(objects, "Deployment", "StatefulSet").items():
        assert found["spec"]["replicas"] == 1, name
    rolling = {name for name, found in of_kind(objects, "Deployment").items() if "strategy" not in found["spec"]}
    assert rolling <= {"simulator"}


def test_settings_are_those_of_compose(objects: Objects) -> None:
    for name, container in containers(objects).items():
        known = compose_environment(name)
        told = {variable["name"]: variable.get("value") for variable in container["env"]}
        elsewhere = set(re.findall(r"\$\{(\w+)", TELEGRAF)) if name == "telegraf" else {"GITHUB_API_URL"}
        assert told.keys() - known.keys() <= elsewhere, name
        # The optional datasets are not on Kubernetes.
        other = rf"{ADDRESSES}|OPTIONAL_DASHBOARDS|QUESTDB_PG_SSLMODE"
        plain = {key: value for key, value in told.items() if value and not re.fullmatch(other, key)}
        assert plain == {key: known[key] for key in plain}, name


def test_passwords_come_from_secrets_that_are_not_here(objects: Objects) -> None:
    assert not of_kind(objects, "Secret")
    used = {(reference["name"], reference["key"]) for reference in values(objects, "secretKeyRef")}
    assert {secret for secret, _ in used} == {"passwords", "github"}
    assert {key for secret, key in used if secret == "passwords"} == {*NAMES, "QUESTDB_HTTP_USER"} - {"JUPYTER_TOKEN"}  # noqa: S105 - a name
    literal = [
        v["name"]
        for env in values(objects, "env")
        for v in env
        if not (v.get("value", "") or "$__env{").startswith("$__env{")
    ]
    assert [name for name in literal if re.search("PASSWORD|_TOKEN$|SECRET", name)] == []


def test_strimzi_runs_the_versions_and_limits_of_dot_env(objects: Objects) -> None:
    (pool,) = of_kind(objects, "KafkaNodePool").values()
    (worker,) = of_kind(objects, "KafkaConnect").values()
    for name, spec in (("BROKER", pool["spec"]), ("CONNECT", worker["spec"])):
        assert spec["resources"]["limits"] == {"memory": memory(ENV[f"{name}_MEMORY"])}
        assert spec["jvmOptions"]["-Xmx"] == ENV[f"{name}_HEAP"]
    # Strimzi brings Kafka's images, and so may be a version behind .env; a worker must not be newer than the brokers.
    (version,) = set(values(objects, "version"))
    assert number(version) <= number(ENV["KAFKA_VERSION"])


def test_three_brokers_keep_three_copies_and_write_two(objects: Objects) -> None:
    (pool,) = of_kind(objects, "KafkaNodePool").values()
    assert pool["spec"]["replicas"] == 3
    ours = as_properties(of_kind(objects, "Kafka")["rta"]["spec"]["kafka"]["config"])
    file = properties("kafka/server.properties")
    strimzis = r"(config\.providers|process|node|controller|log\.dirs|listener|advertised|inter\.broker|sasl|authorizer|super).*"
    assert ours.keys() == {key for key in file if not re.fullmatch(strimzis, key)}
    copies = {key: "3" for key in ours if key.endswith("replication.factor")}
    written = {key: "2" for key in ours if key.endswith(("min.isr", "min.insync.replicas"))}
    assert ours == {key: file[key] for key in ours} | copies | written


def test_worker_has_the_settings_of_its_file(objects: Objects) -> None:
    spec = of_kind(objects, "KafkaConnect")["rta"]["spec"]
    file = properties("kafka-connect-plugins/worker.properties")
    fields = {"bootstrap.servers": "", "group.id": "groupId"} | {
        f"{what}.storage.topic": f"{what}StorageTopic" for what in ("config", "offset", "status")
    }
    assert all(spec[field] == file[key] for key, field in fields.items() if field)
    ours = as_properties(spec["config"])
    strimzis = {"listeners", "rest.advertised.host.name", "plugin.path", *fields}
    # Kafka has no login there: what SECURITY=on needs is of the other ways of running.
    logins = {key for key in file if re.search(r"(security\.protocol|sasl\..*|rest\.extension\.classes)$", key)}
    assert ours.keys() == file.keys() - strimzis - logins
    assert ours == {key: file[key] for key in ours}


def test_operator_leaves_topics_and_connectors_to_the_reconciler(objects: Objects) -> None:
    assert "entityOperator" not in of_kind(objects, "Kafka")["rta"]["spec"]
    assert list(values(objects, "strimzi.io/use-connector-resources")) == []


def test_pods_start_out_unreachable(objects: Objects) -> None:
    spec = of_kind(objects, "NetworkPolicy")["all-pods"]["spec"]
    assert (spec["podSelector"], spec["policyTypes"]) == ({}, ["Ingress", "Egress"])
    assert "ingress" not in spec


def test_network_lets_in_who_needs_it(rendered: dict[str, Objects]) -> None:
    found = rendered["simulator"]
    policies = of_kind(found, "NetworkPolicy").values()
    rules = [(rule["ports"], rule["from"]) for p in policies for rule in p["spec"].get("ingress", [])]
    listeners = of_kind(found, "Kafka")["rta"]["spec"]["kafka"]["listeners"]
    rules += [([each], each["networkPolicyPeers"]) for each in listeners]
    assert {port["port"]: senders(peers) for ports, peers in rules for port in ports} == REACHABLE


def senders(peers: list[Object]) -> set[str]:
    """Return the names of the pods that these peers select."""
    label = "app.kubernetes.io/name"
    selectors = [peer["podSelector"] for peer in peers]
    by_label = {s["matchLabels"][label] for s in selectors if "matchLabels" in s}
    return by_label | {name for s in selectors for e in s.get("matchExpressions", []) for name in e["values"]}


@pytest.mark.parametrize("feed", ["github", "simulator"])
def test_only_the_poller_of_git_hub_gets_out(rendered: dict[str, Objects], feed: str) -> None:
    policies = of_kind(rendered[feed], "NetworkPolicy")
    anywhere = {n for n, p in policies.items() for rule in p["spec"].get("egress", []) if "to" not in rule}
    assert anywhere == {"all-pods", "brokers"} | ({"github-events"} if feed == "github" else set())


def test_folder_stays_readable() -> None:
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in MANIFESTS.rglob("*.*")]
    assert sum(lines) <= 750
    assert max(lines) <= 120
