"""Looks for the tools a run without Docker needs, before anything is downloaded or started.

With the argument `notebooks`: for what the notebooks need.

Runs on the bare interpreter, so it imports nothing that has to be installed and avoids syntax newer than Python 3.6.
"""

import os
import re
import shutil
import subprocess
import sys

PYTHON = (3, 10)
NOTEBOOKS_PYTHON = (3, 11)
JAVA = 17


def problems():
    """Return a sentence for each tool that is missing or too old."""
    found = [
        folder_problem(os.getcwd()),
        python_problem(PYTHON),
        *(java_problem(tool) for tool in ("java", "javac")),
        maven_problem(),
    ]
    return [problem for problem in found if problem]


def folder_problem(folder):
    """Return why nothing can be built in `folder`, or None."""
    if ":" in folder:
        return "the folder {} has a colon in its name, which ends a path for Python and Java: rename it".format(folder)
    return None


def python_problem(oldest):
    """Return what is wrong with this interpreter, or None; `oldest` as in sys.version_info."""
    if sys.version_info < oldest:
        return "Python {}.{} or newer is needed, {} is {}: name another with `make PYTHON=…`".format(
            oldest[0], oldest[1], sys.executable, sys.version.split()[0]
        )
    return None


def java_problem(tool):
    """Return what is wrong with `tool` of the JDK, or None."""
    home = os.environ.get("JAVA_HOME")
    path = os.path.join(home, "bin", tool) if home else shutil.which(tool)
    if not path or not os.path.exists(path):
        where = "JAVA_HOME=" + home if home else "the PATH"
        return "{} is not in {}: install a JDK {} or newer (a JRE is not enough), or set JAVA_HOME".format(
            tool, where, JAVA
        )
    try:
        version = java_version(path)
    except OSError as error:
        return "{} can't be run ({}): set JAVA_HOME to the folder of a JDK {} or newer".format(
            path, error.strerror, JAVA
        )
    if version < JAVA:
        return "{} is version {}, {} or newer is needed: install one, or set JAVA_HOME".format(path, version, JAVA)
    return None


def java_version(path):
    """Return the major version of the JDK tool at `path`, 0 if it does not tell."""
    match = re.search(r"(?:VERSION=\"|version \"|javac )(?:1\.)?(\d+)", release(path) or answer(path))
    return int(match.group(1)) if match else 0


def release(path):
    """Return what the JDK of the tool at `path` says of itself in a file; empty without that file, as beside macOS's own java."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(path)))
    try:
        with open(os.path.join(home, "release"), encoding="utf-8", errors="replace") as file:
            return "".join(line for line in file if line.startswith("JAVA_VERSION="))
    except OSError:
        return ""


def answer(path):
    """Return what a tool says of its version. It starts a JVM for that, so the file is read first."""
    done = subprocess.run([path, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def maven_problem():
    """Return what is wrong with Maven, or None."""
    return None if shutil.which("mvn") else "mvn is not in the PATH: install Maven 3.6 or newer"


def main():
    """Print every problem; return the exit code."""
    found = [p for p in [python_problem(NOTEBOOKS_PYTHON)] if p] if sys.argv[1:] == ["notebooks"] else problems()
    for problem in found:
        sys.stderr.write("✗ " + problem + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
