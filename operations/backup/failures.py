"""What can go wrong in the world around a backup, and how it is said."""

from __future__ import annotations

import subprocess
import tarfile
import xmlrpc.client
import zlib

import psutil
import requests
from confluent_kafka import KafkaException

from operations.reconciler.problems import Problem

# Anything else is a mistake of ours.
FAILURES = (
    Problem,
    KafkaException,
    requests.RequestException,
    OSError,
    EOFError,
    tarfile.TarError,
    zlib.error,
    subprocess.SubprocessError,
    xmlrpc.client.Error,
    psutil.Error,
)


def sentence(error: BaseException) -> str:
    """Return what to say of what went wrong."""
    if isinstance(error, KafkaException):
        return f"the broker: {error.args[0].str()}"
    if isinstance(error, requests.RequestException):
        return f"QuestDB does not answer ({type(error).__name__}): `make status` says whether it runs"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
