"""Run the feed: `python -m simulator` inside `ingestion`, or `python ingestion/simulator`."""

import sys
from pathlib import Path

if not __package__:  # Started as a folder: that folder is sys.path[0], its parent holds the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from simulator.server import main

main()
