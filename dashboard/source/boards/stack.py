"""The dashboard of the stack itself, from the tables that Telegraf writes."""

from __future__ import annotations

from dashboard.source import panels, sql
from dashboard.source.page import Page
from dashboard.source.panels import NONE_IS_GOOD, Panel, below
from dashboard.source.sql import LAST_MINUTE, Counter

MESSAGES = Counter("stack_topics", "next", ("topic", "partition_id"), fallen="0")
ROWS = Counter("stack_sinks", "rows_total", ("connector", "task"))
COMMITTED = Counter("stack_questdb", "committed_rows_total", ("instance",))
CPU = Counter("stack_jvms", "cpu_ns", ("part", "instance"))
TOPICS = ("github_events", "github_polls", "iot_data")


def page() -> Page:
    """Return the dashboard."""
    board = Page(
        "rta-stack",
        "Stack overview",
        "The stack watches itself: for each stage from GitHub to the screen its rate, its delay and its trouble.",
        "monitoring",
        start="now-30m",
        refresh="10s",
    )
    board.band(4, *_rates())
    board.band(4, *_delays())
    board.band(4, *_troubles())
    board.band(8, _messages(), _lag())
    board.row("Pollers: GitHub to Kafka")
    board.band(8, _events(), _answers(), _request_times(), _requests_left())
    board.row("Kafka")
    board.band(8, _bytes("in", "producers send"), _bytes("out", "consumers fetch"), _broker_times(), _broker_trouble())
    board.row("Connect and sink")
    board.band(8, _rows(), _sink_times(), _acknowledged(), _sink_trouble())
    board.row("QuestDB and machine")
    board.band(8, _committed(), _wal(), _cpu(), _memory())
    board.band(8, _disks(), _reconciler())
    return board


# --- One number a stage: its rate, its delay, its trouble ---


def _rate(title: str, query: str, description: str, none: str = "unknown") -> Panel:
    return panels.number(title, query, description, unit="eps", decimals=1, none=none)


def _rates() -> list[Panel]:
    return [
        _rate(
            "1 GitHub to poller: new events",
            f"SELECT sum(fresh) / 60.0 AS rate FROM github_polls WHERE {LAST_MINUTE}",
            "Events that pollers saw for the first time, a second, in the last minute.",
            none="0",
        ),
        _rate(
            "2 Kafka: messages in",
            sql.rate_now(MESSAGES, " AND topic = 'github_events'"),
            "Events that the broker took, a second, in the last minute.",
        ),
        _rate(
            "3 Connect: rows stored",
            sql.rate_now(ROWS, " AND connector = 'github_events'"),
            "Events that QuestDB acknowledged to the sink, a second, in the last minute.",
        ),
        _rate(
            "4 QuestDB: rows committed",
            sql.rate_now(COMMITTED),
            "Rows of all tables that became visible, a second, in the last minute: events, polls, metrics, and rows of "
            "views.",
        ),
    ]


def _delays() -> list[Panel]:
    return [_answer_age(), _produce_time(), _waiting(), _event_age()]


def _answer_age() -> Panel:
    query = (
        "SELECT datediff('s', max(timestamp), now()) AS age FROM github_polls "
        "WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND status IN (200, 304)"
    )
    title, about = "GitHub to poller: since the last answer", "Seconds since GitHub last answered a poller."
    return panels.number(title, query, about, unit="s", decimals=0, none="never", steps=below(180, 600))


def _produce_time() -> Panel:
    query = f"""\
SELECT max(milliseconds) AS milliseconds
FROM (
  SELECT instance, last_not_null(produce_ms_p99) AS milliseconds
  FROM stack_brokers
  WHERE {LAST_MINUTE}
  GROUP BY instance
)"""
    about = "What the slowest hundredth of the latest produce requests took on the slowest broker."
    title = "Kafka: time to take a message"
    return panels.number(title, query, about, unit="ms", decimals=0, steps=below(500, 2000))


def _waiting() -> Panel:
    query = f"""\
SELECT sum(lag) AS lag
FROM (
  SELECT last_not_null(lag) AS lag
  FROM stack_groups
  WHERE {LAST_MINUTE}
  GROUP BY consumer_group, topic, partition_id
)"""
    return panels.number(
        "Connect: messages waiting",
        query,
        "Messages that no consumer group has yet taken, summed over all groups. The sink commits what it has stored every "
        "five seconds.",
        decimals=0,
        steps=below(5000, 50000),
    )


def _event_age() -> Panel:
    return panels.number(
        "QuestDB to screen: age of the newest event",
        sql.newest("github_events"),
        "Now minus the newest created_at that is not of the future, which is what a dashboard can show at best. GitHub holds "
        "its public feed back for five minutes.",
        unit="s",
        decimals=0,
        none="none yet",
        steps=below(600, 900),
    )


def _troubles() -> list[Panel]:
    return [_coverage(), _dead_letters(), _connectors(), _suspended()]


def _coverage() -> Panel:
    query = (
        "SELECT 100.0 * sum(CASE WHEN saturated THEN 0 ELSE 1 END) / count() AS share FROM github_polls "
        "WHERE timestamp > dateadd('m', -30, now()) AND timestamp <= now() AND status = 200"
    )
    return panels.number(
        "GitHub to poller: nothing known missing",
        query,
        "Share of the last half hour's answers after which nothing is known to be missing: not full, or holding an event of "
        "the answer before. GitHub's public feed shows about 170 events a second through a window of 300, so any plan sees a "
        "part of it and a low share is as designed; on a feed of your own it is near 100. The alert looks at whether a "
        "poller does what its plan allows.",
        unit="percent",
        decimals=0,
    )


def _dead_letters() -> Panel:
    query = f"""\
SELECT sum(depth) AS letters
FROM (
  SELECT last_not_null(next) - last_not_null(first) AS depth
  FROM stack_topics
  WHERE {LAST_MINUTE} AND topic LIKE '%_dlq'
  GROUP BY topic, partition_id
)"""
    about = "Messages in all dead-letter topics: what the sink could not store, each with its reason in a header."
    return panels.number("Kafka: dead letters", query, about, decimals=0, steps=NONE_IS_GOOD)


def _connectors() -> Panel:
    query = f"""\
SELECT count_distinct(connector) AS connectors
FROM (
  SELECT CASE WHEN state = 'RUNNING' THEN null ELSE connector END AS connector
  FROM (
    SELECT connector, task, last_not_null(state) AS state
    FROM stack_tasks
    WHERE {LAST_MINUTE}
    GROUP BY connector, task
  )
  UNION ALL
  SELECT CASE WHEN outage > 0 THEN connector END AS connector
  FROM (
    SELECT connector, task, last_not_null(outage) AS outage
    FROM stack_sinks
    WHERE {LAST_MINUTE}
    GROUP BY connector, task
  )
  UNION ALL
  SELECT substring(consumer_group, 9, 100) AS connector
  FROM (
    SELECT consumer_group, topic, partition_id, min(timestamp) AS since, min(lag) AS least,
      min(coalesce(committed, -1)) AS lowest, max(coalesce(committed, -1)) AS highest
    FROM stack_groups
    WHERE timestamp > dateadd('s', -90, now()) AND timestamp <= now() AND lag IS NOT NULL AND consumer_group LIKE 'connect-%'
    GROUP BY consumer_group, topic, partition_id
  )
  WHERE least > 0 AND lowest = highest AND since <= dateadd('s', -60, now())
)"""
    return panels.number(
        "Connect: connectors in trouble",
        query,
        "Connectors of which a task is not RUNNING, a sink says that it can't store rows, or messages wait and nothing was "
        "committed for a minute.",
        decimals=0,
        steps=NONE_IS_GOOD,
    )


def _suspended() -> Panel:
    return panels.number(
        "QuestDB: tables that take no rows",
        "SELECT sum(CASE WHEN suspended THEN 1 ELSE 0 END) AS tables FROM wal_tables()",
        "Suspended tables: QuestDB could not apply a write, mostly for lack of disk. The reconciler resumes them until it "
        "can.",
        decimals=0,
        steps=NONE_IS_GOOD,
    )


# --- Kafka in all ---


def _chart(title: str, query: str, description: str, unit: str = "short", points: int = 60) -> Panel:
    return panels.lines(title, query, description, unit=unit, points=points, spans=True)


def _messages() -> Panel:
    topics = ", ".join(f"'{topic}'" for topic in TOPICS)
    return _chart(
        "Messages a second, by topic",
        sql.rates(MESSAGES, f" AND topic IN ({topics})"),
        "What Kafka takes, all partitions together. Offsets only grow, so the rates hold through restarts.",
        "eps",
        120,
    )


def _lag() -> Panel:
    query = f"""\
SELECT timestamp AS time, metric, max(lag) AS lag
FROM (
  SELECT timestamp, consumer_group AS metric, sum(lag) AS lag
  FROM stack_groups
  WHERE {sql.IN_BUCKETS}
  GROUP BY timestamp, consumer_group
  ORDER BY timestamp
) TIMESTAMP(timestamp)
SAMPLE BY $__interval
ORDER BY time, metric"""
    return _chart(
        "Messages waiting, by consumer group",
        query,
        "Largest lag within each interval, all partitions together. A line that climbs or stays is a consumer that is too "
        "slow, stands still or is away.",
        points=120,
    )


# --- Pollers ---


def _events() -> Panel:
    return _chart(
        "New events and known ones",
        sql.sampled('sum(fresh) AS "new", sum(duplicate) AS "known"', "github_polls", order="time"),
        "Events in the answers of each interval: new ones go to Kafka.",
    )


def _answers() -> Panel:
    return _chart(
        "Answers by status",
        sql.sampled("status::varchar AS metric, count() AS answers", "github_polls"),
        "GitHub's answers by HTTP status; 0 is no answer at all. 304 says that nothing is new.",
    )


def _request_times() -> Panel:
    return _chart(
        "Time of a request",
        sql.sampled("concat('page ', page::int) AS metric, avg(duration_ms) AS duration", "github_polls"),
        "Mean time until GitHub had answered, by page.",
        "ms",
    )


def _requests_left() -> Panel:
    return _chart(
        "Requests left this hour",
        sql.sampled("poller AS metric, min(remaining) AS remaining", "github_polls", " AND remaining IS NOT NULL"),
        "What GitHub's limit leaves: 60 an hour without a token, 5,000 with one.",
    )


# --- Kafka ---


def _bytes(way: str, who: str) -> Panel:
    counter = Counter("stack_brokers", f"bytes_{way}", ("instance",))
    return _chart(f"Bytes {way} a second", sql.rates_each(counter, "rate"), f"Bytes that {who}, by broker.", "Bps")


def _broker_times() -> Panel:
    return _chart(
        "Slowest requests",
        sql.sampled(
            'max(produce_ms_p99) AS "produce", max(fetch_ms_p99) AS "fetch"',
            "stack_brokers",
            order="time",
        ),
        "99th percentile of the latest requests on the broker. A fetch waits up to half a second for data, which is no "
        "trouble.",
        "ms",
    )


def _broker_trouble() -> Panel:
    columns = (
        'max(offline_partitions) AS "offline partitions", max(under_replicated) AS "under-replicated partitions", '
        'max(100 * (1 - least(handlers_idle, 1.0))) AS "request handlers busy, %"'
    )
    return _chart(
        "Broker in trouble",
        sql.sampled(columns, "stack_brokers", order="time"),
        "The worst of each interval. Zero but for the handlers, which should stay well below 100 %.",
    )


# --- Connect and sink ---


def _rows() -> Panel:
    return _chart(
        "Rows stored a second, by connector",
        sql.rates(ROWS),
        "Rows that QuestDB acknowledged, all tasks together. Counted since each task started; a restart does not show as a "
        "dip below zero.",
        "eps",
    )


def _sink_times() -> Panel:
    return _chart(
        "Slowest request to QuestDB",
        sql.sampled("connector AS metric, max(request_time_p99_ms) AS duration", "stack_sinks"),
        "99th percentile of the last 1,000 requests of each task.",
        "ms",
    )


def _acknowledged() -> Panel:
    return _chart(
        "Since rows were last acknowledged",
        sql.sampled(
            "connector AS metric, max(acknowledgement_age_ms) AS age",
            "stack_sinks",
            " AND acknowledgement_age_ms >= 0",
        ),
        "Grows while nothing arrives or while QuestDB does not answer.",
        "ms",
    )


def _sink_trouble() -> Panel:
    query = f"""\
SELECT timestamp AS time, max(outages) AS "tasks in outage", sum(again) AS "retries", sum(refused) AS "rejected"
FROM (
  SELECT timestamp, sum(outage) AS outages,
    sum(CASE WHEN retries_total < retries_before THEN retries_total ELSE retries_total - retries_before END) AS again,
    sum(CASE WHEN rejected_total < rejected_before THEN rejected_total ELSE rejected_total - rejected_before END) AS refused
  FROM (
    SELECT timestamp, connector, task, outage, retries_total, rejected_total,
      lag(retries_total) OVER (PARTITION BY connector, task ORDER BY timestamp) AS retries_before,
      lag(rejected_total) OVER (PARTITION BY connector, task ORDER BY timestamp) AS rejected_before
    FROM stack_sinks
    WHERE {sql.IN_BUCKETS}
  )
  WHERE retries_before IS NOT NULL
  GROUP BY timestamp
  ORDER BY timestamp
) TIMESTAMP(timestamp)
SAMPLE BY $__interval
ORDER BY time"""
    return _chart(
        "Sink in trouble",
        query,
        "Tasks that can't store rows, and in each interval the requests sent again and the records that became no row; all "
        "tasks together.",
    )


# --- QuestDB and machine ---


def _committed() -> Panel:
    about = "Rows of all tables and views that became visible."
    return _chart("Rows committed a second", sql.rates_each(COMMITTED, "rate"), about, "eps")


def _wal() -> Panel:
    return _chart(
        "Transactions to apply",
        sql.sampled('max(wal_apply_seq_txn - wal_apply_writer_txn) AS "waiting"', "stack_questdb", order="time"),
        "Writes that are safe in the log and not yet visible. A few at most while all is well.",
    )


def _cpu() -> Panel:
    query = sql.rates_each(CPU, "cpu", scale=" / 10000000.0")
    return _chart("CPU of the JVMs", query, "Per cent of one core, broker and Connect.", "percent")


def _memory() -> Panel:
    query = f"""\
SELECT time, metric, bytes
FROM (
  SELECT timestamp AS time, 'heap of ' || part AS metric, max(heap_used) AS bytes
  FROM stack_jvms
  WHERE {sql.IN_BUCKETS}
  SAMPLE BY $__interval
  UNION ALL
  SELECT timestamp AS time, 'QuestDB in all' AS metric, max(memory_rss) AS bytes
  FROM stack_questdb
  WHERE {sql.IN_BUCKETS}
  SAMPLE BY $__interval
)
ORDER BY time, metric"""
    return _chart("Memory", query, "Heap in use of broker and Connect, and what QuestDB takes in all.", "decbytes")


def _disks() -> Panel:
    query = sql.sampled("path AS metric, max(used_percent) AS used", "stack_disks")
    return _chart("Disks", query, "How full the file systems with data are.", "percent", 120)


def _reconciler() -> Panel:
    columns = 'max(problems) AS "problems", max(restarts) AS "restarts of connectors since start"'
    return _chart(
        "Not as the files say",
        sql.sampled(columns, "stack_reconciler", order="time"),
        "What the reconciler has not (yet) made as topics, tables and connectors are written, and how often it restarted a "
        "failed connector.",
        points=120,
    )
