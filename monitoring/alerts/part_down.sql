-- title: A part of the stack does not answer
-- for: 15s
-- unit: seconds since it last did
-- remedy: Look at it with `make status` or `docker compose ps`, and at its log; both ways of running restart a part that ended.
-- A part that answers leaves rows. Their age is compared with Telegraf's newest: that Telegraf is silent is another condition.
-- A look at Telegraf's rows before that age keeps quiet while the whole stack is just starting. An instance is known for a day.
DECLARE @after := 45
WITH telegraf AS (
  SELECT max(timestamp) AS newest, min(timestamp) AS oldest, count() AS looks
  FROM stack_disks
  WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND path IS NOT NULL
), before AS (
  SELECT count() AS looks
  FROM stack_disks CROSS JOIN telegraf
  WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= newest AND path IS NOT NULL
    AND datediff('s', timestamp, newest) >= @after AND datediff('s', timestamp, newest) < 3 * @after
), parts AS (
  SELECT 'broker' AS part, count() AS answers, max(timestamp) AS at
  FROM stack_brokers WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND instance IS NOT NULL
  UNION ALL
  SELECT 'broker (offsets of topics)', count(), max(timestamp)
  FROM stack_topics WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND topic IS NOT NULL
  UNION ALL
  SELECT 'connect', count(), max(timestamp)
  FROM stack_tasks WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND state IS NOT NULL
  UNION ALL
  SELECT 'connect (JMX)', count(), max(timestamp)
  FROM stack_jvms WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND part = 'connect'
  UNION ALL
  SELECT 'questdb', count(), max(timestamp)
  FROM stack_questdb WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND instance IS NOT NULL
  UNION ALL
  SELECT 'reconciler', count(), max(timestamp)
  FROM stack_reconciler WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND problems IS NOT NULL
  UNION ALL
  SELECT part || ' ' || instance, count(), max(timestamp)
  FROM stack_jvms
  WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND part IS NOT NULL AND instance IS NOT NULL
  GROUP BY part, instance
)
SELECT part || CASE WHEN answers = 0 THEN ' (never)' ELSE '' END AS subject, age AS value
FROM (
  SELECT p.part, p.answers, datediff('s', coalesce(p.at, t.oldest), t.newest) AS age
  FROM parts p CROSS JOIN telegraf t CROSS JOIN before b
  WHERE t.looks > 0 AND b.looks > 0 AND coalesce(p.at, t.oldest) < t.newest
)
WHERE age > @after;
