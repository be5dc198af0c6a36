"""What settings may hold and programs like to take for something else."""

from __future__ import annotations

# Every character that .env, Compose, a shell, a connection string or a configuration file gives a meaning to.
PASSWORD = """pa;ss;; $HOME ${KAFKA_PORT} $$ % %s %(ENV_PATH)s { } #x "q" 'a' \\e \\\\ ü ☃ = : @"""  # noqa: S105 - not one
# Of a folder. A colon ends a path for Java and Python, a comma for Kafka: those are refused.
FOLDER = """it's 100% ;a #"b" ü """
