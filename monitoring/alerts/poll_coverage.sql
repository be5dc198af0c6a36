-- title: A poller sees less than its plan allows
-- for: 0s
-- unit: % of what its own plan allows, in the last half hour
-- remedy: The poller's log (`make logs` or `docker logs rta_github_events`) says what it waits for: a limit that another program uses up, errors, or answers slower than its interval. Set GITHUB_TOKEN, stop the other program, or raise POLL_INTERVAL.
-- A public feed larger than GitHub's window is no reason: what the plan can't see is not counted. A good answer counts for the time until the
-- next request was due, less where that is longer than planned (or, in rows without a plan, than usual). Only the poller that asked last is looked at, and of it
-- the last 4,000 requests: more than half an hour of the fastest plan, and days of the others.
DECLARE @below := 50, @minutes := 30, @least := 600
WITH polls AS (
  SELECT poller, page, status IN (200, 304) AS good, interval, planned_interval, (now()::long - timestamp::long) / 1000000.0 AS age,
    (now()::long - lead(timestamp) OVER (PARTITION BY poller, page ORDER BY timestamp)::long) / 1000000.0 AS next_age,
    (now()::long - max(CASE WHEN poll = 1 THEN timestamp::long END) OVER (PARTITION BY poller, page)) / 1000000.0 AS restarted,
    (now()::long - min(timestamp::long) OVER (PARTITION BY poller, page)) / 1000000.0 AS oldest
  FROM (
    SELECT timestamp, poller, page, poll, status, interval, planned_interval
    FROM github_polls
    WHERE timestamp > dateadd('h', -25, now()) AND timestamp <= now() AND interval > 0 AND page IS NOT NULL AND poller IN (
      SELECT poller FROM github_polls WHERE timestamp <= now() AND poller IS NOT NULL ORDER BY timestamp DESC LIMIT 1
    )
    ORDER BY timestamp DESC
    LIMIT 4000
  )
), plans AS (
  SELECT poller, page, approx_percentile(interval, 0.25, 3) AS usual
  FROM polls
  WHERE good AND age <= coalesce(restarted, oldest)
  GROUP BY poller, page
), runs AS (
  SELECT p.poller, p.page, least(coalesce(p.restarted, p.oldest), 60.0 * @minutes) AS span, p.age,
    greatest(p.age - p.interval, coalesce(p.next_age, 0.0), 0.0) AS until,
    CASE WHEN p.good THEN least(1.0, coalesce(p.planned_interval, u.usual) / p.interval) ELSE 0.0 END AS worth
  FROM polls p LEFT JOIN plans u ON u.poller = p.poller AND u.page = p.page
  WHERE p.age <= coalesce(p.restarted, p.oldest)
)
SELECT poller || ' page ' || page AS subject, share AS value
FROM (
  SELECT poller, page, max(span) AS span, 100.0 * sum(worth * greatest(least(age, span) - until, 0.0)) / max(span) AS share
  FROM runs
  GROUP BY poller, page
)
WHERE span > @least AND share < @below;
