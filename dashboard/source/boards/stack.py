"""The dashboard of the stack itself, from the tables that Telegraf writes."""

from __future__ import annotations

from dashboard.source import panels, polls, sql
from dashboard.source.page import Page
from dashboard.source.panels import NONE_IS_GOOD, Panel, below
from dashboard.source.sql import LAST_MINUTE, Counter

MESSAGES = Counter("stack_topics", "next", ("topic", "partition_id"), lasting=True)
# A task may move to another worker, where it counts anew.
TASK = ("connector", "task", "instance")
ROWS = Counter("stack_sinks", "rows_total", TASK)
COMMITTED = Counter("stack_questdb", "committed_rows_total", ("instance",))
CPU = Counter("stack_jvms", "cpu_ns", ("part", "instance"))
# Topics that hold data, whoever made them. The others are of Kafka, of Kafka Connect, and for dead letters, which have a panel.
DATA = (
    "topic NOT LIKE '%_dlq' AND topic NOT LIKE '\\_\\_%' "
    "AND topic NOT IN ('connect_configs', 'connect_offsets', 'connect_status')"
)
# Three looks at the longest MONITORING_INTERVAL, in milliseconds: a line breaks where more are missing.
THREE_LOOKS = 45_000


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
    board.marks(_outages(), polls.silences(), _unwatched())
    board.band(4, *_rates())
    board.band(4, *_delays())
    board.band(4, *_troubles())
    board.band(8, _messages(), _lag())
    board.row("Pollers: GitHub to Kafka")
    board.band(8, polls.events(), _answers(), _request_times(), polls.left())
    board.row("Kafka")
    board.band(8, _bytes(), _broker_times(), _partitions(), _handlers())
    board.row("Connect and sink")
    board.band(8, _rows(), _sink_times(), _acknowledged(), _sink_trouble())
    board.row("QuestDB and machine")
    board.band(8, _committed(), _wal(), _cpu(), _memory())
    board.band(8, _disks(), _reconciler())
    return board


# --- Marks on all charts ---


def _outages() -> panels.Marks:
    query = f"""\
SELECT timestamp AS time, timestamp AS timeend, connector || ' can''t store rows' AS text
FROM (
  SELECT timestamp, connector, outage, lag(outage) OVER (PARTITION BY {", ".join(TASK)} ORDER BY timestamp) AS before
  FROM stack_sinks
  WHERE {sql.IN_RANGE} AND outage IS NOT NULL
)
WHERE outage > 0 AND (before IS NULL OR before = 0)
ORDER BY time
LIMIT {sql.MOST_MARKS}"""
    return panels.Marks("Outages of the sink", "red", query)


def _unwatched() -> panels.Marks:
    query = sql.silences("stack_disks", 60, "Telegraf wrote nothing")
    return panels.Marks("Monitoring silent", "purple", query)


# --- One number a stage: its rate, its delay, its trouble ---


def _rates() -> list[Panel]:
    return [
        panels.rate(
            "1 GitHub to poller: new events",
            f"SELECT sum(fresh) / 60.0 AS rate FROM github_polls WHERE {LAST_MINUTE}",
            "Events that pollers saw for the first time, a second, in the last minute.",
            none="0",
        ),
        panels.rate(
            "2 Kafka: messages in",
            sql.rate_now(MESSAGES, " AND topic = 'github_events'"),
            "Events that the broker took, a second, in the last minute.",
        ),
        panels.rate(
            "3 Connect: rows stored",
            sql.rate_now(ROWS, " AND connector = 'github_events'"),
            "Events that QuestDB acknowledged to the sink, a second, in the last minute.",
        ),
        panels.rate(
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
        "Connect: consumer lag",
        query,
        "Messages that consumer groups have not yet read, summed over all groups. The sink commits what it has stored every "
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
        polls.nothing_missing("the last half hour's answers"),
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
    """Draw lines that break where Telegraf wrote nothing. Its looks are 10 s apart, so no bucket is shorter."""
    return panels.lines(title, query, description, unit=unit, points=points, spans=THREE_LOOKS).interval("10s")


def _messages() -> Panel:
    return _chart(
        "Messages a second, by topic",
        sql.rates(MESSAGES, "topic", f" AND {DATA}"),
        "Messages that Kafka takes, all partitions together, dead letters apart. Offsets only grow, so the rates hold through "
        "restarts.",
        "eps",
        120,
    )


def _lag() -> Panel:
    each = f"""\
    SELECT timestamp, consumer_group AS metric, sum(lag) AS lag
    FROM stack_groups
    WHERE {sql.IN_BUCKETS}
    GROUP BY timestamp, consumer_group"""
    return _chart(
        "Consumer lag, by group",
        sql.looks("metric, lag", each, "metric, max(lag) AS lag"),
        "Messages not yet read, all partitions together; the largest lag within each interval. A line that climbs or stays "
        "high is a consumer that is too slow, stands still or is away.",
        points=120,
    )


# --- Pollers ---


def _answers() -> Panel:
    columns = f"status::varchar AS metric, {sql.per('count()', 60_000)} AS answers"
    return panels.bars(
        "Answers a minute, by status",
        sql.sampled(columns, polls.TABLE, gaps=False),
        "GitHub's answers by HTTP status; 0 is no answer at all. 304 says that nothing is new.",
        unit="reqpm",
    )


def _request_times() -> Panel:
    return panels.lines(
        "Time of a request, by page",
        polls.by_page("max(duration_ms)"),
        "The longest time until GitHub had answered, within each interval.",
        unit="ms",
        spans=polls.THREE_REQUESTS,
    )


# --- Kafka ---


def _bytes() -> Panel:
    taken = (Counter("stack_brokers", "bytes_in", ("instance",)), "instance || ' in'")
    given = (Counter("stack_brokers", "bytes_out", ("instance",)), "instance || ' out'")
    return _chart(
        "Bytes a second, by broker",
        sql.both_rates(taken, given),
        "In: what producers send. Out: what consumers and other brokers fetch.",
        "Bps",
    )


def _broker_times() -> Panel:
    return _chart(
        "Slowest requests",
        sql.sampled('max(produce_ms_p99) AS "produce", max(fetch_ms_p99) AS "fetch"', "stack_brokers", order="time"),
        "99th percentile of the latest requests, on the slowest broker. A fetch waits up to half a second for data, which "
        "is no trouble.",
        "ms",
    )


def _partitions() -> Panel:
    each = f"""\
    SELECT timestamp, max(offline_partitions) AS offline, sum(under_replicated) AS copies
    FROM stack_brokers
    WHERE {sql.IN_BUCKETS}
    GROUP BY timestamp"""
    shown = 'offline AS "without a leader", copies AS "with too few copies"'
    return _chart(
        "Partitions at risk",
        sql.looks(shown, each, "max(offline) AS offline, max(copies) AS copies", "time"),
        "The most within each interval, all brokers together. Zero while all is well.",
    )


def _handlers() -> Panel:
    busy = "instance AS metric, max(100 * (1 - least(handlers_idle, 1.0))) AS busy"
    return _chart(
        "Request handlers busy, by broker",
        sql.sampled(busy, "stack_brokers", " AND handlers_idle IS NOT NULL"),
        "The busiest moment within each interval. It should stay well below 100 %.",
        "percent",
    )


# --- Connect and sink ---


def _rows() -> Panel:
    return _chart(
        "Rows stored a second, by connector",
        sql.rates(ROWS, "connector"),
        "Rows that QuestDB acknowledged, all tasks together. A task that starts anew begins at zero, which is no dip here.",
        "eps",
    )


def _sink_times() -> Panel:
    return _chart(
        "Slowest request to QuestDB, by connector",
        sql.sampled("connector AS metric, max(request_time_p99_ms) AS duration", "stack_sinks"),
        "99th percentile of the last 1,000 requests of each task; the slowest task within each interval.",
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
        "The longest within each interval. Grows while nothing arrives or while QuestDB does not answer.",
        "ms",
    )


def _sink_trouble() -> Panel:
    counters = {"again": Counter("stack_sinks", "retries_total", TASK)}
    counters["refused"] = Counter("stack_sinks", "rejected_total", TASK)
    return _chart(
        "Sink: outages, retries and rejected records",
        sql.looks(
            'outages AS "tasks in outage", again AS "retries in the interval", refused AS "rejected in the interval"',
            sql.increases(counters, "sum(outage) AS outages"),
            "max(outages) AS outages, sum(again) AS again, sum(refused) AS refused",
            "time",
        ),
        "Tasks that can't store rows, the requests sent again, and the records that became no row; all tasks together.",
    )


# --- QuestDB and machine ---


def _committed() -> Panel:
    about = "Rows of all tables and views that became visible."
    return _chart("Rows committed a second", sql.rates(COMMITTED, "instance"), about, "eps")


def _wal() -> Panel:
    return _chart(
        "Transactions to apply",
        sql.sampled('max(wal_apply_seq_txn - wal_apply_writer_txn) AS "waiting"', "stack_questdb", order="time"),
        "Writes that are safe in the log and not yet visible; the most within each interval. A few while all is well.",
    )


def _cpu() -> Panel:
    # From nanoseconds of a second to per cent.
    query = sql.rates(CPU, "part", scale=" / 10000000")
    return _chart("CPU of the JVMs", query, "Per cent of one core; all brokers, and all Connect workers.", "percent")


def _memory() -> Panel:
    each = f"""\
    SELECT * FROM (
      SELECT timestamp, 'heap of ' || part AS metric, sum(heap_used) AS bytes
      FROM stack_jvms
      WHERE {sql.IN_BUCKETS}
      GROUP BY timestamp, part
      UNION ALL
      SELECT timestamp, 'QuestDB in all' AS metric, sum(memory_rss) AS bytes
      FROM stack_questdb
      WHERE {sql.IN_BUCKETS}
      GROUP BY timestamp
    )"""
    query = sql.looks("metric, bytes", each, "metric, max(bytes) AS bytes")
    about = "Heap in use of all brokers and of all Connect workers, and all memory of QuestDB; the most within each interval."
    return _chart("Memory", query, about, "decbytes")


def _disks() -> Panel:
    query = sql.sampled("path AS metric, max(used_percent) AS used", "stack_disks", " AND path IS NOT NULL")
    return _chart("Disks", query, "How full the file systems with data are.", "percent", 120)


def _reconciler() -> Panel:
    counters = {"again": Counter("stack_reconciler", "restarts", ())}
    return _chart(
        "Reconciler: problems and restarts",
        sql.looks(
            'problems AS "problems", again AS "connectors restarted in the interval"',
            sql.increases(counters, "max(problems) AS problems"),
            "max(problems) AS problems, sum(again) AS again",
            "time",
        ),
        "Problems: topics, tables and connectors that the reconciler could not make as their files say. A failed connector "
        "is restarted.",
        points=120,
    )
