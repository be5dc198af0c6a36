"""Reads GitHub's public events and writes them to Kafka, as ../CONTRACT.md says."""

import logging
import os
import signal
import sys
import time

from github_poller import settings
from github_poller.feed import Feed
from github_poller.poller import Poller, RefusedError
from github_poller.producer import Delivery, DeliveryError

_GRACE = 8.0
_log = logging.getLogger("github_events")


def main(arguments: list[str]) -> int:
    """Run one poller; return its exit code (CONTRACT.md, section 10)."""
    if arguments in (["--help"], ["-h"]):
        print(settings.usage(os.environ))  # noqa: T201 (the help goes to standard output)
        return 0
    _start_log()
    try:
        return _poll(settings.read(os.environ, arguments))
    except settings.SettingsError as error:
        for line in str(error).splitlines():
            _log.error("%s", line)
        return 2


def _start_log() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ"
    )
    logging.Formatter.converter = time.gmtime
    # librdkafka's own lines, once a second while Kafka is away; the poller says so itself.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _poll(chosen: settings.Settings) -> int:
    delivery = Delivery(chosen)
    poller = Poller(chosen, Feed(chosen), delivery)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, poller.stop)
    token = "with a token" if chosen.token else "without a token"
    _log.info("polling %s %s into %s at %s", chosen.api_url, token, chosen.topic, chosen.bootstrap_servers)
    code = 0
    try:
        poller.run()
    except RefusedError as error:
        _log.error("GitHub refuses: %s", error)
        code = 3
    except DeliveryError:
        pass  # _finish meets it again and reports it
    return _finish(delivery, code)


def _finish(delivery: Delivery, code: int) -> int:
    """Wait for what Kafka has not acknowledged; return the exit code."""
    try:
        pending = delivery.flush(_GRACE)
    except DeliveryError as error:
        _log.error("Kafka refuses: %s", error)
        return 1
    if pending:
        _log.error("%d messages were not acknowledged by Kafka", pending)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
