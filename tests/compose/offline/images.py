"""`python tests/compose/offline/images.py`: build stand-ins under the names of the upstream images that can't be pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dotenv import dotenv_values

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CACHE = ROOT / ".local" / "compose"
BASE = "rta-offline/debian"
CERTIFICATES = Path("/usr/local/share/ca-certificates")


def targets() -> dict[str, str]:
    """Return the tag of each target of the Dockerfile, versions as in .env."""
    env = dotenv_values(ROOT / ".env")
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
    tar = subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(["docker", "import", "-", BASE], stdin=tar.stdout, check=True)
    if tar.wait() != 0:
        raise subprocess.CalledProcessError(tar.returncode, "tar")


def telegraf(version: str) -> Path:
    """Build Telegraf with the plugins it needs here; takes four minutes, once."""
    binary = CACHE / f"telegraf-{version}" / "telegraf"
    if not binary.exists():
        run(ROOT / "monitoring" / "telegraf" / "build", binary)
    return binary


def main() -> None:
    """Build what is missing. `--network host`: the bridge's packets may be larger than the uplink takes."""
    base()
    tags = targets()
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for path in (*HERE.iterdir(), ROOT / "local" / "pom.xml", ROOT / "kafka" / "log4j2.yaml"):
            if path.is_file():
                shutil.copy(path, context)
        shutil.copy(telegraf(tags["telegraf"].partition(":")[2]), context)
        for target, tag in tags.items():
            run("docker", "build", "--quiet", "--network", "host", "--target", target, "--tag", tag, context)


if __name__ == "__main__":
    main()
