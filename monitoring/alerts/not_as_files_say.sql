-- title: Topics, tables or connectors are not as the files say
-- for: 1m
-- unit: problems
-- remedy: `make status` or `docker logs rta_reconciler` tells which file and what to do.
DECLARE @seconds := 60
SELECT 'reconciler' AS subject, problems AS value
FROM (
  SELECT last_not_null(problems) AS problems
  FROM stack_reconciler
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now()
)
WHERE problems > 0;
