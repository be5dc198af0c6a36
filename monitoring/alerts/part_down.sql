-- title: A part of the stack does not answer
-- for: 15s
-- unit: seconds since it last did
-- remedy: Look at it with `make status` or `docker compose ps`, and at its log; both ways of running restart a part that ended.
-- A part that answers leaves rows. Their age is compared with the newest of all: a silent Telegraf is another condition.
DECLARE @after := 45
SELECT part AS subject, age AS value
FROM (
  SELECT part, coalesce(datediff('s', at, newest), 0) AS age, at IS NULL AS never
  FROM (
    SELECT part, at, max(at) OVER () AS newest
    FROM (
      SELECT 'broker' AS part, max(timestamp) AS at FROM stack_brokers
      UNION ALL SELECT 'connect', max(timestamp) FROM stack_tasks
      UNION ALL SELECT 'questdb', max(timestamp) FROM stack_questdb
      UNION ALL SELECT 'reconciler', max(timestamp) FROM stack_reconciler
      UNION ALL SELECT 'telegraf', max(timestamp) FROM stack_disks
    )
  )
)
WHERE age > @after OR never;
