"""What of the pinned versions is behind, as each toolchain itself tells it."""
