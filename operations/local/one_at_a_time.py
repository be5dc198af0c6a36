"""Runs a command when no other one runs that was started so: `one_at_a_time.py LOCK_FILE COMMAND…`.

For `make build`, which two `make up` may want at the same time. Imports nothing that has to be installed.
"""

import fcntl
import os
import sys
from pathlib import Path


def main(lock: Path, command: list[str]) -> None:
    """Become the command; the lock is held as long as it has the file open."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(file, True)  # noqa: FBT003 - its name says what
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stdout.write("another make builds here: waiting for it …\n")
        sys.stdout.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
    os.execvp(command[0], command)  # noqa: S606 - replaces this process


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
