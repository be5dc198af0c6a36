"""Backup and restore of a stack, however it was started: `make backup`, `make restore FILE=…`."""
