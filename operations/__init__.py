"""What keeps the stack running: local processes, the reconciler, backups, and what the containers need."""
