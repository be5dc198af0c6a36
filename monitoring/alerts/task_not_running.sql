-- title: A connector task does not run
-- for: 0s
-- unit: tasks
-- remedy: Read the reason with `curl http://localhost:8083/connectors/NAME/status`. A failed task is restarted by itself, a stopped connector is resumed after two minutes; a paused one waits for PUT …/resume.
DECLARE @seconds := 60
SELECT connector || ' task ' || task || ' is ' || state AS subject, 1.0 AS value
FROM (
  SELECT connector, task, last_not_null(state) AS state
  FROM stack_tasks
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now()
  GROUP BY connector, task
)
WHERE state IS NOT NULL AND state <> 'RUNNING';
