"""The upstream images of docker-compose.yml: pulled, or where that is impossible, stand-ins built under their names."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dotenv import dotenv_values
from engine import CACHE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BASE = "rta-offline/debian"
LABEL = "rta.stand-in"  # of all that is built on BASE
UPSTREAM = "images: upstream"
CERTIFICATES = Path("/usr/local/share/ca-certificates")


def targets(root: Path = ROOT) -> dict[str, str]:
    """Return the tag of each target of the Dockerfile, versions as in the .env of the checkout `root`."""
    env = dotenv_values(root / ".env")
    return {
        "jre": f"eclipse-temurin:{env['JAVA_VERSION']}-jre",
        "maven": f"maven:{env['MAVEN_VERSION']}-eclipse-temurin-17",
        "python": f"python:{env['PYTHON_VERSION']}-slim",
        "kafka": f"apache/kafka:{env['KAFKA_VERSION']}",
        "questdb": f"questdb/questdb:{env['QUESTDB_VERSION']}",
        "telegraf": f"telegraf:{env['TELEGRAF_VERSION']}",
        "grafana": f"grafana/grafana:{env['GRAFANA_VERSION']}",
    }


def run(*command: str | Path, **environment: str) -> None:
    """Run a command, fail with it."""
    subprocess.run(command, check=True, env={**os.environ, **environment})


def exists(image: str) -> bool:
    """Tell whether the engine has `image`."""
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def base() -> None:
    """Make a small Debian that trusts the certificates this machine trusts."""
    if exists(BASE):
        return
    tree = CACHE / "debian"
    if not (tree / "etc" / "debian_version").exists():
        run("debootstrap", "--variant=minbase", "--include=ca-certificates,curl,wget,procps", "bookworm", tree)
    if CERTIFICATES.is_dir():
        shutil.copytree(CERTIFICATES, tree / CERTIFICATES.relative_to("/"), dirs_exist_ok=True)
        run("chroot", tree, "update-ca-certificates")
    with subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "--change", f"LABEL {LABEL}=true", "-", BASE], stdin=tar.stdout, check=True)
    if tar.returncode != 0:
        raise subprocess.CalledProcessError(tar.returncode, "tar")


def telegraf() -> Path:
    """Build Telegraf as `make telegraf` does; takes minutes, once for each list of plugins and versions."""
    folder = ROOT / "monitoring" / "telegraf"
    inputs = (folder / "build").read_bytes() + (folder / "go.sum").read_bytes()
    binary = CACHE / f"telegraf-{hashlib.sha256(inputs).hexdigest()[:12]}" / "telegraf"
    if not binary.exists():
        run(folder / "build", binary)
    return binary


def pulled(image: str) -> bool:
    """Tell whether the engine has the upstream image, after an attempt to get it."""
    shown = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image]
    answer = subprocess.run(shown, capture_output=True, text=True, check=False)
    if answer.returncode == 0 and not answer.stdout.strip():
        return True
    return subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, check=False).returncode == 0


def provide(root: Path = ROOT) -> str:
    """See to it that the engine has an image under each name of the checkout `root`; return a line that says which."""
    if all(pulled(tag) for tag in targets(root).values()):
        return UPSTREAM
    assert not os.environ.get("REQUIRE_UPSTREAM_IMAGES"), "the upstream images can't be pulled"
    stand_ins(root)
    return "images: stand-ins, for the upstream ones can't be pulled; all real programs but Grafana"


def stand_ins(root: Path) -> None:
    """Build them. `--network host`: the bridge's packets may be larger than the uplink takes."""
    base()
    tags = targets(root)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for path in (*HERE.iterdir(), root / "operations" / "local" / "pom.xml", root / "kafka" / "log4j2.yaml"):
            if path.is_file():
                shutil.copy(path, context)
        shutil.copy(telegraf(), context)
        for target, tag in tags.items():
            build = ("docker", "build", "--quiet", "--network", "host", "--target", target, "--tag", tag)
            run(*build, context, DOCKER_BUILDKIT="0")
