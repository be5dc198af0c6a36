-- title: No fresh event
-- for: 0s
-- unit: seconds since the newest event happened
-- remedy: Look at the poller's log (`make logs`): GitHub may be down or its limit used up; then at the lag of group connect-github_events.
-- GitHub itself holds its public feed back for five minutes.
DECLARE @after := 900
SELECT 'github_events' AS subject, age AS value
FROM (SELECT datediff('s', max(timestamp), now()) AS age FROM github_events)
WHERE age > @after;
