-- title: A consumer falls behind
-- for: 1m
-- unit: messages not yet read, more than before
-- remedy: See that the connector runs (`curl http://localhost:8083/connectors/NAME/status`) and that QuestDB takes rows; then wait, or raise tasks.max.
-- A group that has no members has ended, unless it belongs to a connector.
DECLARE @least := 5000, @seconds := 120
SELECT consumer_group || ' on ' || topic || ' ' || partition_id AS subject, newest AS value
FROM (
  SELECT consumer_group, topic, partition_id, first_not_null(lag) AS oldest, last_not_null(lag) AS newest,
    last_not_null(members) AS members
  FROM stack_groups
  WHERE timestamp > dateadd('s', -@seconds, now()) AND timestamp <= now()
  GROUP BY consumer_group, topic, partition_id
)
WHERE newest > @least AND newest > oldest AND (members > 0 OR consumer_group IN (
  SELECT 'connect-' || connector FROM stack_tasks WHERE timestamp > dateadd('h', -1, now()) AND timestamp <= now()
));
