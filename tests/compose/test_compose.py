"""What every service of docker-compose.yml owes its users, checked on the configuration as Compose itself reads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nasty
import pytest
from dotenv import dotenv_values

from operations.local import certificates, env_file, passwords, programs
from operations.local.settings import load
from operations.reconciler import optional

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
CLUSTER_FILE = ROOT / "docker-compose.ha.yml"
TEXT = FILE.read_text(encoding="utf-8")
ENV = {name: value or "" for name, value in dotenv_values(ROOT / ".env", interpolate=False).items()}

ONE_SHOT = {"preflight"}
# Service, container, ports on the host: what users of this kind of template know.
KNOWN = {
    "broker": ("rta_kafka_broker", {9092, 9101, 8778}),
    "kafka-connect": ("rta_kafka_connect", {8083}),
    "questdb": ("rta_questdb", {9000, 8812, 9009, 9003}),
    "grafana": ("rta_grafana", {3000}),
    "jupyter-notebook": ("rta_jupyter", {8888}),
    "telegraf": ("rta_telegraf", set()),
    "github-events": ("rta_github_events", set()),
}
SERVICES = {*KNOWN, *ONE_SHOT, "reconciler", "schema-registry", "simulator"}
CLUSTER = {"broker-2", "broker-3", "kafka-connect-2"}
LINES = [
    "plain",
    "",
    "two words # a comment",
    "hash#inside",
    "'pa;ss$HOME ${KNOWN} # % \\x \\\\y'",
    "'it\\'s' # it's",
    '"a \\"b\\" c"',
    '"one\\ntwo\\\\"',
    "${KNOWN}-$KNOWN-$$KNOWN-${NO_SUCH:-default}",
    '"${KNOWN}"',
    "${NAME_0}",
    "${KNOWN:+instead}-${NO_SUCH:+instead}",
    "ü ☃",
    "a=b;c",
    "  spaces  ",
]
BYTES = {"m": 2**20, "g": 2**30}

Service = dict[str, Any]
# What a network may need, from the shell.
NETWORK = {
    "HTTP_PROXY": "http://proxy:3128",
    "HTTPS_PROXY": "http://proxy:3128",
    "NO_PROXY": "corp",
    "EXTRA_CA": "-----BEGIN",
}


def resolve(compose: list[str], *files: Path, **settings: str) -> dict[str, Any]:
    """Return the configuration that `compose` makes of docker-compose.yml and `files` with `settings` in the shell."""
    clean = {name: value for name, value in os.environ.items() if name not in {*ENV, *NETWORK, "GITHUB_TOKEN"}}
    chosen = [word for file in (FILE, *files) for word in ("--file", str(file))]
    profiles = ("--profile", "simulator", "--profile", "trades", "--profile", "questdb")
    command = [*compose, *chosen, *profiles, "config", "--format", "json"]
    answer = subprocess.run(command, env=clean | settings, capture_output=True, text=True, check=True)
    parsed: dict[str, Any] = json.loads(answer.stdout)
    return parsed


@pytest.fixture(scope="module")
def services(compose: list[str]) -> dict[str, Service]:
    """All services with the settings of .env, by name."""
    found: dict[str, Service] = resolve(compose)["services"]
    return found


@pytest.fixture(scope="module")
def cluster(compose: list[str]) -> dict[str, Service]:
    """All services with docker-compose.ha.yml on top."""
    found: dict[str, Service] = resolve(compose, CLUSTER_FILE)["services"]
    return found


@pytest.fixture(params=sorted(SERVICES | CLUSTER))
def service(request: pytest.FixtureRequest, services: dict[str, Service], cluster: dict[str, Service]) -> Service:
    """Each service in turn."""
    found: Service = (cluster if request.param in CLUSTER else services)[request.param]
    return found | {"name": request.param}


def ports(service: Service) -> list[dict[str, Any]]:
    published: list[dict[str, Any]] = service.get("ports", [])
    return published


def bind_mounts(service: Service) -> list[dict[str, Any]]:
    return [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]


def test_compose_accepts_the_file(compose: list[str]) -> None:
    answer = subprocess.run(
        [*compose, "--file", str(FILE), "config", "--quiet"], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_services_are_the_ones_described_here(services: dict[str, Service]) -> None:
    assert set(services) == SERVICES


def test_a_cluster_has_three_brokers_and_two_workers_that_know_each_other(cluster: dict[str, Service]) -> None:
    assert set(cluster) == SERVICES | CLUSTER
    names = [service["container_name"] for service in cluster.values()]
    published = [port["published"] for service in cluster.values() for port in ports(service)]
    for each in (names, published):
        assert len(each) == len(set(each))
    brokers = ["broker", "broker-2", "broker-3"]
    servers = ",".join(f"{name}:{ENV['KAFKA_INTERNAL_PORT']}" for name in brokers)
    asked = {
        service["environment"].get("KAFKA_BOOTSTRAP_SERVERS")
        for service in cluster.values()
        if "environment" in service
    }
    assert asked == {servers, None}
    assert {cluster[name]["environment"].get("KAFKA_NODE_ID", "1") for name in brokers} == {"1", "2", "3"}
    assert {cluster[name]["environment"]["BROKER_HOST"] for name in brokers} == set(brokers)


def test_the_file_stays_readable() -> None:
    assert len(TEXT.splitlines()) <= 295
    assert "host.docker.internal" not in TEXT


@pytest.mark.parametrize("name", KNOWN)
def test_names_and_ports_are_the_known_ones(services: dict[str, Service], name: str) -> None:
    container, known = KNOWN[name]
    assert services[name]["container_name"] == container
    assert {int(port["published"]) for port in ports(services[name])} == known


def test_containers_are_named(service: Service) -> None:
    assert service["container_name"].startswith("rta_")


def test_image_is_pinned(service: Service) -> None:
    name, _, tag = service["image"].partition(":")
    assert tag not in {"", "latest"}
    assert "." in tag or "build" in service, f"{name}:{tag} is pulled and may change under us"
    assert "/" in name or name in {"python", "telegraf"}
    assert "." not in name.split("/")[0], "a registry's host name"


def test_health_is_checked(service: Service) -> None:
    if service["name"] not in ONE_SHOT:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["healthcheck"]["retries"] > 1


def test_memory_is_limited(service: Service) -> None:
    assert 0 < int(service["mem_limit"]) <= BYTES["g"]


def test_heap_leaves_room_in_its_container() -> None:
    for jvm in ("BROKER", "CONNECT", "QUESTDB"):
        heap, limit = (int(ENV[f"{jvm}_{what}"][:-1]) * BYTES[ENV[f"{jvm}_{what}"][-1]] for what in ("HEAP", "MEMORY"))
        assert heap * 2 <= limit, jvm


def test_connect_has_the_heap_of_make_up() -> None:
    inside = TEXT.partition("JDK_JAVA_OPTIONS")[2].partition("volumes:")[0]
    outside = " ".join(programs.connect(load()))
    assert {option for option in outside.split() if option.startswith(("-Xms", "-Xmn", "-XX:+"))} <= set(inside.split())


def test_grafana_fetches_nothing_and_stays_below_its_limit(services: dict[str, Service]) -> None:
    told = services["grafana"]["environment"]
    assert {told["GF_PLUGINS_PREINSTALL_DISABLED"], told["GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES"]} == {"true", "false"}
    assert told["GF_SERVER_ENABLE_GZIP"] == "false"
    # A quarter is left for what Go does not count: stacks, code, what plugins' processes take.
    assert int(told["GOMEMLIMIT"].removesuffix("MiB")) <= 0.75 * int(ENV["GRAFANA_MEMORY"].removesuffix("m"))


def test_log_is_capped(service: Service) -> None:
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


def test_comes_back_by_itself(service: Service) -> None:
    assert service["restart"] == ("no" if service["name"] in ONE_SHOT else "unless-stopped")


def test_has_few_rights(service: Service) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.get("privileged")
    assert set(service.get("cap_add", [])) <= {"CHOWN", "SETGID", "SETUID"}


def test_state_is_in_named_volumes_only(service: Service) -> None:
    writable = [mount["source"] for mount in bind_mounts(service) if not mount.get("read_only")]
    assert writable == ([str(ROOT / "notebooks")] if service["name"] == "jupyter-notebook" else [])


def test_mounted_files_exist(service: Service) -> None:
    # Docker would make a folder of each name that is missing.
    assert [mount["source"] for mount in bind_mounts(service) if not Path(mount["source"]).exists()] == []


def test_built_images_have_their_dockerfile(service: Service) -> None:
    if build := service.get("build"):
        assert Path(build["context"], build["dockerfile"]).is_file()


def test_ports_are_closed_to_other_machines(service: Service) -> None:
    assert {port["host_ip"] for port in ports(service)} <= {"127.0.0.1"}


def test_what_has_no_login_or_looks_inside_a_process_is_never_open_to_other_machines(compose: list[str]) -> None:
    opened = resolve(compose, BIND_ADDRESS="192.0.2.1")["services"]
    names = ("BROKER_JMX", "BROKER_JOLOKIA", "CONNECT", "QUESTDB_ILP", "SCHEMA_REGISTRY")
    inside = {ENV[f"{name}_PORT"] for name in names}
    addresses = {port["published"]: port["host_ip"] for service in opened.values() for port in ports(service)}
    assert {port for port, address in addresses.items() if address != "192.0.2.1"} == inside


def test_nothing_starts_before_the_passwords_were_checked(service: Service) -> None:
    if service["name"] not in ONE_SHOT:
        assert service["depends_on"]["preflight"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("feed", ["github", "simulator"])
def test_the_feed_decides_what_is_polled(compose: list[str], feed: str) -> None:
    address = {"github": "https://api.github.com", "simulator": "http://simulator:8090"}[feed]
    for given, expected in (("", address), ("http://elsewhere:1", "http://elsewhere:1")):
        chosen = resolve(compose, FEED=feed, GITHUB_API_URL=given)["services"]["github-events"]["environment"]
        assert chosen["GITHUB_API_URL"] == expected
        assert chosen["FEED"] == feed


def test_without_a_feed_no_poller_starts(services: dict[str, Service]) -> None:
    assert ENV["COMPOSE_PROFILES"].split(",")[0] == "${FEED}"
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "github-events": ["github", "simulator"],
        "questdb": ["questdb"],
        "schema-registry": [name for name in optional.known() if optional.need_registry([name])],
        "simulator": ["simulator"],
    }


def test_token_of_the_shell_reaches_what_asks_github_and_nothing_else(compose: list[str]) -> None:
    found = resolve(compose, GITHUB_TOKEN="secret-of-the-shell")["services"]  # noqa: S106 - not one
    told = {name for name, service in found.items() if "secret-of-the-shell" in json.dumps(service)}
    assert told == {"github-events", "jupyter-notebook"}


def test_token_in_a_file_is_mounted_where_github_is_asked_and_shown_nowhere(compose: list[str], tmp_path: Path) -> None:
    (file := tmp_path / "token").write_text("secret-of-the-file", encoding="utf-8")
    plain, found = resolve(compose), resolve(compose, GITHUB_TOKEN_FILE=str(file))
    assert not re.search('secret-of-the-file|"GITHUB_TOKEN": "', json.dumps(found))
    sources = [config.pop("secrets")["github-token"]["file"] for config in (plain, found)]
    assert sources == [os.devnull, str(file)]
    told = [
        name
        for name, service in found["services"].items()
        if "github-token" in {secret["source"] for secret in service.get("secrets", [])}
    ]
    assert told == ["github-events", "jupyter-notebook"]
    for name in told:
        environments = [config["services"][name]["environment"] for config in (plain, found)]
        assert [each.pop("GITHUB_TOKEN_FILE") for each in environments] == ["", "/run/secrets/github-token"]
    assert found["services"] == plain["services"]


def test_a_proxy_reaches_what_is_built_and_what_asks_github(compose: list[str]) -> None:
    found = resolve(compose, CLUSTER_FILE, **NETWORK)["services"]
    for name, service in found.items():
        if "build" in service:
            given = service["build"]["args"]
            assert {variable: given.get(variable) for variable in NETWORK} == NETWORK, name
    told = {name for name, service in found.items() if service.get("environment", {}).get("HTTPS_PROXY")}
    assert told == {"github-events", "jupyter-notebook"}
    for name in told:
        direct = set(found[name]["environment"]["NO_PROXY"].split(","))
        assert {"corp", "localhost", "127.0.0.1", "connect", *found} == direct


def test_without_a_proxy_none_is_set(services: dict[str, Service]) -> None:
    for service in services.values():
        given = {**service.get("environment", {}), **service.get("build", {}).get("args", {})}
        assert not any(given.get(name) for name in NETWORK if name != "NO_PROXY")


def test_images_of_ones_own_registry_are_taken_instead_of_built(compose: list[str]) -> None:
    own = resolve(compose, IMAGES="registry.example/me/stack", IMAGES_TAG="main")["services"]
    taken = {name: service["image"] for name, service in own.items() if service.get("pull_policy") == "missing"}
    assert taken == {
        "preflight": "registry.example/me/stack/kafka-connect:main",
        "kafka-connect": "registry.example/me/stack/kafka-connect:main",
        "jupyter-notebook": "registry.example/me/stack/jupyter:main",
    }


def test_what_is_built_is_not_looked_for_in_a_registry(service: Service) -> None:
    assert service.get("pull_policy") == ("never" if "build" in service else None)


def test_the_registry_starts_with_the_datasets_that_need_it(compose: list[str]) -> None:
    need = {name for name in optional.known() if optional.need_registry([name])}
    assert set(resolve(compose)["services"]["schema-registry"]["profiles"]) == need
    for chosen, started in (("", False), *((name, name in need) for name in optional.known())):
        command = [*compose, "--file", str(FILE), "config", "--services"]
        answer = subprocess.run(
            command, env=os.environ | {"DATASETS": chosen}, capture_output=True, text=True, check=True
        )
        assert ("schema-registry" in answer.stdout.split()) is started, chosen


@pytest.mark.parametrize(
    ("chosen", "linked"), [("", []), ("trades,transactions", ["trades.json", "transactions.json"])]
)
def test_grafana_gets_the_dashboards_of_the_datasets_that_are_on(
    tmp_path: Path, chosen: str, linked: list[str]
) -> None:
    answer = preflight(tmp_path, DATASETS=chosen)
    assert answer.returncode == 0, answer.stderr
    assert sorted(path.name for path in (tmp_path / "chosen").iterdir()) == linked


def test_a_dataset_that_does_not_exist_is_named(tmp_path: Path) -> None:
    answer = preflight(tmp_path, DATASETS="trades,trade")
    assert answer.returncode == 1
    assert "there is no dataset trade. Choose of flights,plant,smart_meters,trades,transactions" in answer.stderr


ELSEWHERE = {
    "QUESTDB_URL": "https://db.example.com:9000",
    "QUESTDB_PG_HOST": "pg.example.com",
    "QUESTDB_PG_SSLMODE": "verify-full",
}


def test_a_questdb_elsewhere_is_used_and_none_is_started(compose: list[str]) -> None:
    command = [*compose, "--file", str(FILE), "config", "--format", "json"]
    more = {"QUESTDB_CA": str(FILE), "QUESTDB_HTTP_TOKEN": "secret", "QUESTDB_EXTERNAL_PG_PORT": "5432"}
    answer = subprocess.run(command, env=os.environ | ELSEWHERE | more, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)["services"]
    assert "questdb" not in found
    asking = ("kafka-connect", "reconciler", "jupyter-notebook", "telegraf")
    assert {found[name]["environment"]["QUESTDB_HTTP_URL"] for name in asking} == {ELSEWHERE["QUESTDB_URL"]}
    assert {found[name]["environment"]["QUESTDB_HTTP_TOKEN"] for name in asking} == {"secret"}
    for name in ("grafana", "jupyter-notebook"):
        told = found[name]["environment"]
        assert [told[f"QUESTDB_PG_{what}"] for what in ("HOST", "PORT", "SSLMODE")] == [
            "pg.example.com",
            "5432",
            "verify-full",
        ]
    for name in (*asking, "grafana"):
        assert found[name]["environment"]["QUESTDB_CA"] == "/run/secrets/questdb-ca"
        assert "questdb-ca" in {secret["source"] for secret in found[name]["secrets"]}
    assert found["telegraf"]["command"][-1] == "/etc/telegraf/telegraf-output-token.conf"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"QUESTDB_URL": "db.example.com"}, "QUESTDB_URL=db.example.com is not an address with its port"),
        ({"QUESTDB_PG_HOST": ""}, "also needs QUESTDB_PG_HOST"),
        ({"QUESTDB_PG_SSLMODE": ""}, "QUESTDB_PG_SSLMODE, verify-full or disable"),
        ({"QUESTDB_HTTP_USER": "admin"}, "QUESTDB_HTTP_TOKEN and QUESTDB_HTTP_USER are both set"),
        ({}, ""),
    ],
)
def test_a_questdb_elsewhere_needs_two_addresses_and_one_login(
    tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    token = {"QUESTDB_HTTP_TOKEN": "secret", "QUESTDB_HTTP_USER": ""}
    answer = preflight(tmp_path, DATASETS="", **ELSEWHERE | token | wrong)
    assert answer.returncode == int(bool(sentence))
    assert sentence in answer.stderr


def preflight(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the service as in its container, whose files are in `folder`."""
    script = (
        (ROOT / "operations" / "docker" / "preflight.sh").read_text(encoding="utf-8").replace("/opt/rta", str(folder))
    )
    for name in ("agent", "chosen"):
        (folder / name).mkdir()
    (folder / "jolokia.jar").touch()
    (folder / "optional").symlink_to(ROOT / "dashboard" / "grafana" / "optional")
    variables = {**os.environ, **ENV, **settings}
    return subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=False)


def test_any_password_reaches_every_service_as_it_is(compose: list[str]) -> None:
    names = ("QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD", "QUESTDB_PASSWORD", "QUESTDB_READONLY_PASSWORD")
    shell = {name: f"{name}: {nasty.PASSWORD}" for name in (*names, "GRAFANA_PASSWORD")}
    found = resolve(compose, **shell)["services"]
    told = {
        name: found[name]["environment"] for name in ("kafka-connect", "questdb", "reconciler", "telegraf", "grafana")
    }
    # Compose writes a dollar sign of the result twice.
    expected = {name: value.replace("$", "$$") for name, value in shell.items()}
    for service in ("kafka-connect", "reconciler", "telegraf"):
        assert {name: told[service][name] for name in names[:2]} == {name: expected[name] for name in names[:2]}, (
            service
        )
    assert {name: told["questdb"]["QDB_" + name.removeprefix("QUESTDB_")] for name in names[:2]} == {
        name: expected[name] for name in names[:2]
    }
    assert told["questdb"]["QDB_PG_PASSWORD"] == expected["QUESTDB_PASSWORD"]
    assert told["grafana"]["QUESTDB_READONLY_PASSWORD"] == expected["QUESTDB_READONLY_PASSWORD"]
    assert told["grafana"]["GRAFANA_PASSWORD"] == expected["GRAFANA_PASSWORD"]
    assert told["grafana"]["GF_SECURITY_ADMIN_PASSWORD"] == "$$__env{GRAFANA_PASSWORD}"  # noqa: S105 - a name
    for file in (ROOT / "kafka-connect-plugins" / "connectors").glob("*.json"):
        client = json.loads(file.read_text(encoding="utf-8"))["client.conf.string"]
        assert "username=${QUESTDB_HTTP_USER};password=${QUESTDB_HTTP_PASSWORD};" in client


# Which secrets of SECURITY=on each service is told, by the settings that have them. Those of all are looked at before the start.
TOLD = {
    "broker": {*passwords.SECURED, *certificates.NAMES} - {"CONNECT_HTTP_PASSWORD"},
    "kafka-connect": {"KAFKA_CONNECT_PASSWORD", "CONNECT_HTTP_PASSWORD"},
    "reconciler": {*passwords.SECURED} - {"KAFKA_BROKER_PASSWORD"},
    "github-events": {"KAFKA_POLLER_PASSWORD"},
    "jupyter-notebook": {"KAFKA_TOOLS_PASSWORD", "CONNECT_HTTP_PASSWORD"},
    "telegraf": {"CONNECT_HTTP_PASSWORD"},
    "preflight": {*passwords.SECURED, *certificates.NAMES},
}


def test_with_the_switch_on_each_service_is_told_its_own_secrets_only(compose: list[str]) -> None:
    secrets = passwords.made([])
    found = resolve(compose, SECURITY="on", **secrets)["services"]
    names = {secrets[name]: name for name in (*passwords.SECURED, *certificates.NAMES)}
    told = {
        service: {names[value] for value in (body.get("environment") or {}).values() if value in names}
        for service, body in found.items()
    }
    assert {service: of_it for service, of_it in told.items() if of_it} == TOLD
    assert found["broker"]["environment"]["BROKER_HOST_PROTOCOL"] == "SASL_SSL"
    assert found["github-events"]["environment"]["KAFKA_SASL_USERNAME"] == "poller"
    assert found["questdb"]["environment"]["QDB_LINE_TCP_ENABLED"] == "false"


def test_with_the_switch_off_nobody_logs_in(compose: list[str]) -> None:
    found = resolve(compose)["services"]
    assert found["broker"]["environment"]["BROKER_HOST_PROTOCOL"] == "PLAINTEXT"
    assert not found["broker"]["environment"]["BROKER_AUTHORIZER"]
    assert "KAFKA_SASL_USERNAME" not in found["github-events"]["environment"]


def test_make_reads_dot_env_as_compose_does(compose: list[str], tmp_path: Path) -> None:
    file = tmp_path / "lines.env"
    file.write_text("\n".join(f"NAME_{number}={line}" for number, line in enumerate(LINES)), encoding="utf-8")
    (tmp_path / "compose.yml").write_text(
        "services:\n  it:\n    image: none\n    environment:\n"
        + "".join(f"      NAME_{number}:\n" for number in range(len(LINES))),
        encoding="utf-8",
    )
    command = [*compose, "--env-file", str(file), "--file", str(tmp_path / "compose.yml"), "config", "--format", "json"]
    answer = subprocess.run(command, env={**os.environ, "KNOWN": "x"}, capture_output=True, text=True, check=True)
    theirs = json.loads(answer.stdout)["services"]["it"]["environment"]
    ours = env_file.read(file, {"KNOWN": "x"}, {})
    assert {name: value.replace("$", "$$") for name, value in ours.items()} == theirs


def test_a_variable_of_the_shell_that_is_set_to_nothing_counts(compose: list[str]) -> None:
    theirs = resolve(compose, QUESTDB_HTTP_USER="")["services"]["kafka-connect"]["environment"]["QUESTDB_HTTP_USER"]
    assert load({"QUESTDB_HTTP_USER": ""}).chosen["QUESTDB_HTTP_USER"] == theirs == ""


def used_variables() -> set[str]:
    """Return the variables that the Compose file takes from .env or the shell."""
    interpolated = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT + CLUSTER_FILE.read_text(encoding="utf-8")))
    passed = set(re.findall(r"^ +([A-Z][A-Z_]+):$", TEXT, re.MULTILINE))
    listed = {name for line in re.findall(r"(?:environment|args): \[([A-Z_, ]+)\]", TEXT) for name in line.split(", ")}
    files = [*(ROOT / "operations" / "docker").glob("*.env"), *(ROOT / "operations" / "security").rglob("*.env")]
    feeds = "".join(path.read_text(encoding="utf-8") for path in files)
    return interpolated | passed | listed | set(re.findall(r"\$\{(\w+)", feeds))


def test_every_variable_of_the_file_is_in_dot_env() -> None:
    # The token has no default: an empty one in .env would hide a pasted one. The network's variables are the machine's own.
    assert used_variables() - set(ENV) == {"GITHUB_TOKEN", *NETWORK}


def test_every_variable_of_dot_env_is_used() -> None:
    jars = {"JOLOKIA_VERSION"}  # comes with the jars; operations/local/pom.xml has the number
    compose_itself = {"COMPOSE_PROFILES"}
    inside = {"RECONCILER_PORT", "TELEGRAF_PORT"}  # not published, so each container keeps the default
    # `make check ARGS=--notify` reads them on this machine, whichever way the stack was started.
    alerts = {"ALERT_WEBHOOK", "ALERT_EMAIL", "SMTP_HOST", "SMTP_USER", "SMTP_PASSWORD", "SMTP_FROM"}
    assert set(ENV) - used_variables() == jars | compose_itself | inside | alerts


@pytest.mark.parametrize(
    ("address", "refused"),
    [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("192.0.2.1", True)],  # noqa: S104 - not bound
)
def test_default_passwords_are_refused_where_others_could_use_them(tmp_path: Path, address: str, refused: bool) -> None:  # noqa: FBT001 - a parameter
    script = (
        (ROOT / "operations" / "docker" / "preflight.sh").read_text(encoding="utf-8").replace("/opt/rta", str(tmp_path))
    )
    for name in ("agent", "chosen"):
        (tmp_path / name).mkdir()
    (tmp_path / "jolokia.jar").touch()
    answer = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, **ENV, "BIND_ADDRESS": address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == int(refused)
    if refused:
        weak = "QUESTDB_PASSWORD QUESTDB_READONLY_PASSWORD QUESTDB_HTTP_PASSWORD GRAFANA_PASSWORD JUPYTER_TOKEN"
        assert answer.stderr.strip().endswith(weak)
        assert ENV["GRAFANA_PASSWORD"] not in answer.stderr.split()


@pytest.mark.parametrize(
    ("own", "weak"),
    [
        ({}, "QUESTDB_PASSWORD QUESTDB_READONLY_PASSWORD"),
        (dict.fromkeys(passwords.NAMES, "of-my-own"), "CONNECT_HTTP_USER CONNECT_HTTP_PASSWORD KAFKA_BROKER_PASSWORD"),
        (passwords.made([]), ""),
    ],
    ids=["nothing", "only what an open address needs", "all"],
)
def test_the_switch_needs_secrets(tmp_path: Path, own: dict[str, str], weak: str) -> None:
    script = (ROOT / "operations/docker/preflight.sh").read_text(encoding="utf-8").replace("/opt/rta", str(tmp_path))
    (tmp_path / "agent").mkdir()
    (tmp_path / "jolokia.jar").touch()
    variables = {**os.environ, **ENV, "SECURITY": "on", **own}
    answer = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert answer.returncode == int(bool(weak))
    assert "SECURITY=on asks everybody for a login, so these need values of your own" in answer.stderr or not weak
    assert weak in answer.stderr


def test_a_name_of_kafka_that_nobody_can_use_is_refused(tmp_path: Path) -> None:
    script = (
        (ROOT / "operations" / "docker" / "preflight.sh").read_text(encoding="utf-8").replace("/opt/rta", str(tmp_path))
    )
    own = {name: "of-my-own" for name in ENV if name.endswith(("_PASSWORD", "_TOKEN", "_HTTP_USER"))}
    variables = {**os.environ, **own, "BIND_ADDRESS": "192.0.2.1", "KAFKA_PUBLIC_HOST": "localhost"}
    answer = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "set KAFKA_PUBLIC_HOST" in answer.stderr


def test_own_passwords_are_accepted_on_any_address(tmp_path: Path) -> None:
    script = (
        (ROOT / "operations" / "docker" / "preflight.sh").read_text(encoding="utf-8").replace("/opt/rta", str(tmp_path))
    )
    for name in ("agent", "chosen"):
        (tmp_path / name).mkdir()
    (tmp_path / "jolokia.jar").touch()
    own = {name: "of-my-own" for name in ENV if name.endswith(("_PASSWORD", "_TOKEN", "_HTTP_USER"))}
    variables = {**os.environ, **own, "BIND_ADDRESS": "0.0.0.0", "KAFKA_PUBLIC_HOST": "me"}  # noqa: S104 - not bound
    subprocess.run(["sh", "-c", script], env=variables, check=True)
    assert (tmp_path / "agent" / "jolokia.jar").exists()
