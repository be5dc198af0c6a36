-- title: Topics, tables or connectors are not as the files say
-- for: 30s
-- unit: problems
-- remedy: `make status` or `docker logs rta_reconciler` tells which file and what to do.
-- While the stack starts, the reconciler has problems until its parts answer. So only problems that last raise an alert.
DECLARE @seconds := 60, @lasting := 20
SELECT 'reconciler' AS subject, problems AS value
FROM (
  SELECT min(problems) AS least, last(problems) AS problems, datediff('s', min(timestamp), max(timestamp)) AS lasted
  FROM stack_reconciler
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now() AND problems IS NOT NULL
)
WHERE least > 0 AND lasted >= @lasting;
