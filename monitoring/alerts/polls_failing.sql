-- title: GitHub refuses or does not answer
-- for: 0s
-- unit: seconds without a good answer
-- remedy: The poller's log (`make logs` or `docker logs rta_github_events`) names the error. Limited: another program uses the same token or address, or set GITHUB_TOKEN. Refused: see that GITHUB_TOKEN is valid. Otherwise see the network and GITHUB_API_URL.
-- Only the poller that asked last counts, and the answers since its last good one; a poller asks at least once an hour after a failure.
DECLARE @after := 600
WITH polls AS (
  SELECT timestamp, poller, coalesce(status, 0) AS status, error
  FROM github_polls
  WHERE timestamp > dateadd('h', -2, now()) AND timestamp <= now() AND poller IS NOT NULL
), pollers AS (
  SELECT poller, max(timestamp) AS newest, max(CASE WHEN status IN (200, 304) THEN timestamp END) AS good
  FROM polls
  GROUP BY poller
  ORDER BY newest DESC
  LIMIT 1
)
SELECT poller || ': ' || error AS subject, datediff('s', since, now()) AS value
FROM (
  SELECT p.poller, min(p.timestamp) AS since, coalesce(last_not_null(p.error), 'no answer is good') AS error
  FROM polls p JOIN pollers g ON g.poller = p.poller
  WHERE g.good IS NULL OR p.timestamp > g.good
  GROUP BY p.poller
)
WHERE datediff('s', since, now()) > @after;
