-- title: A consumer falls behind
-- for: 1m
-- unit: messages not yet read, more than before
-- remedy: See that the connector runs (`curl http://localhost:8083/connectors/NAME/status`) and that QuestDB takes rows; then wait, or raise tasks.max.
-- A group that has no members has ended, unless it belongs to a connector that Connect listed when it last answered.
DECLARE @least := 5000, @seconds := 120, @look := 30
WITH connectors AS (
  SELECT connector, max(timestamp) AS seen
  FROM stack_tasks
  WHERE timestamp > dateadd('h', -1, now()) AND timestamp <= now() AND connector IS NOT NULL
  GROUP BY connector
), listed AS (
  SELECT 'connect-' || connector AS owner
  FROM connectors CROSS JOIN (SELECT max(seen) AS newest FROM connectors)
  WHERE seen > dateadd('s', -@look, newest)
), groups AS (
  SELECT consumer_group, topic, partition_id, first_not_null(lag) AS oldest, last_not_null(lag) AS newest,
    last_not_null(members) AS members
  FROM stack_groups
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now()
  GROUP BY consumer_group, topic, partition_id
)
SELECT consumer_group || ' on ' || topic || ' ' || partition_id AS subject, newest AS value
FROM groups LEFT JOIN listed ON owner = consumer_group
WHERE newest > @least AND newest > oldest AND (members > 0 OR owner IS NOT NULL);
