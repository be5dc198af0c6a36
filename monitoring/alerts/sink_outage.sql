-- title: A sink stores nothing
-- for: 0s
-- unit: messages wait, and nothing was stored for a minute
-- remedy: Kafka Connect's log says why, at the first failure and every ten minutes: `make logs` or `docker logs rta_kafka_connect`. Mostly QuestDB refuses the login, the table is missing, or the disk is full; the sink goes on by itself.
-- Either the sink itself says that it can't store, or its tasks run and its committed offset does not move.
DECLARE @seconds := 60, @look := 30
WITH connectors AS (
  SELECT connector, last_not_null(state) AS state
  FROM stack_tasks
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now()
  GROUP BY connector
), partitions AS (
  SELECT consumer_group, topic, partition_id, min(timestamp) AS since, min(lag) AS least, last(lag) AS lag,
    min(coalesce(committed, -1)) AS lowest, max(coalesce(committed, -1)) AS highest
  FROM stack_groups
  WHERE timestamp > dateadd('s', -@seconds - @look, now()) AND timestamp <= now() AND lag IS NOT NULL
  GROUP BY consumer_group, topic, partition_id
), sinks AS (
  SELECT connector, task, min(outage) AS outage, min(timestamp) AS since
  FROM stack_sinks
  WHERE timestamp > dateadd('s', -@seconds - @look, now()) AND timestamp <= now() AND outage IS NOT NULL
  GROUP BY connector, task
), out AS (
  SELECT connector FROM sinks WHERE outage > 0 AND since <= dateadd('s', -@seconds, now())
  UNION
  SELECT c.connector
  FROM connectors c JOIN partitions p ON p.consumer_group = 'connect-' || c.connector
  WHERE c.state = 'RUNNING' AND p.least > 0 AND p.lowest = p.highest AND p.since <= dateadd('s', -@seconds, now())
)
SELECT o.connector AS subject, coalesce(sum(p.lag), 0) AS value
FROM out o LEFT JOIN partitions p ON p.consumer_group = 'connect-' || o.connector
GROUP BY o.connector;
