"""`python -m operations.local.registry` ends with 0 if a dataset that is on needs the schema registry, else with 1.

Every `make up` asks; what the other commands import takes longer than the answer.
"""

from __future__ import annotations

import sys

from operations.local.console import ended
from operations.local.settings import load


def main() -> int:
    """Return the exit code: 0 if the schema registry is needed, else 1."""
    return 0 if load().schema_registry else 1


if __name__ == "__main__":
    sys.exit(ended(main))
