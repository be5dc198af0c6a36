"""A stand-in for GitHub's public events feed, in the standard library alone."""
