"""Run it: `python -m producers NAME` inside `ingestion`, or `python ingestion/producers NAME`."""

import sys
from pathlib import Path

if not __package__:  # Started as a folder: that folder is sys.path[0], its parent holds the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from producers.command import main

sys.exit(main(sys.argv[1:]))
