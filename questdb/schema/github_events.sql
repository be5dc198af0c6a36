-- One row for each public GitHub event, stored at the time it happened (created_at).
-- id never repeats within one second, so (timestamp, id) makes every replay harmless: the same event written twice is one row.
-- repo and actor take millions of values, which makes VARCHAR 30 times faster to load than SYMBOL. type and action take a few dozen.
-- GitHub serves events up to a day late, and a replay of the topic may bring older ones still: 30 days leave room for both.
CREATE TABLE IF NOT EXISTS github_events (
  timestamp TIMESTAMP,
  id VARCHAR,
  type SYMBOL,
  action SYMBOL,
  repo VARCHAR,
  actor VARCHAR,
  org VARCHAR
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, id);

-- A view keeps its rows longer than the table does. REFRESH … FULL rebuilds a view from the table alone and so forgets the rest.
-- The views refresh by the clock, not with every commit: a refresh starts at the oldest bucket touched, and nearly every commit holds
-- an event that is hours old. At 170 events a second that is the difference between a tenth of a core and a whole one.
-- What reads them spans hours, so a minute's delay does not show. To have one up to date at once: REFRESH MATERIALIZED VIEW … INCREMENTAL.

-- Events by type and minute. bots counts the logins that end in [bot], the only mark of automation GitHub gives.
CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_type_1m WITH BASE github_events REFRESH EVERY 1m AS (
  SELECT timestamp, type, count() events, sum(CASE WHEN actor LIKE '%[bot]' THEN 1 ELSE 0 END) bots
  FROM github_events
  SAMPLE BY 1m
) PARTITION BY DAY TTL 90 DAYS;

-- The same by hour, for months at a time. It reads the view above, so an hour costs it 60 rows a type.
CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_type_1h WITH BASE github_events_type_1m REFRESH IMMEDIATE AS (
  SELECT timestamp, type, sum(events) events, sum(bots) bots
  FROM github_events_type_1m
  SAMPLE BY 1h
) PARTITION BY MONTH TTL 24 MONTHS;

-- Busy repositories: those with more than 2 events within 10 minutes. A view of all of them would be nearly as large as the table.
-- Ranks taken from it leave out at most 2 events for each repository and 10 minutes.
CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_repo_10m WITH BASE github_events REFRESH EVERY 5m AS (
  SELECT * FROM (
    SELECT timestamp, repo, count() events
    FROM github_events
    SAMPLE BY 10m
  ) WHERE events > 2
) PARTITION BY DAY TTL 90 DAYS;

-- Busy actors, by the same rule.
CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_actor_10m WITH BASE github_events REFRESH EVERY 5m AS (
  SELECT * FROM (
    SELECT timestamp, actor, count() events
    FROM github_events
    SAMPLE BY 10m
  ) WHERE events > 2
) PARTITION BY DAY TTL 90 DAYS;

-- The same by day, for months at a time: those with more than 10 events in the rows above within a day (UTC).
-- Ranks taken from them leave out at most 10 events more for each repository or actor and day.
CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_repo_1d WITH BASE github_events_repo_10m REFRESH IMMEDIATE AS (
  SELECT * FROM (
    SELECT timestamp, repo, sum(events) events
    FROM github_events_repo_10m
    SAMPLE BY 1d
  ) WHERE events > 10
) PARTITION BY MONTH TTL 24 MONTHS;

CREATE MATERIALIZED VIEW IF NOT EXISTS github_events_actor_1d WITH BASE github_events_actor_10m REFRESH IMMEDIATE AS (
  SELECT * FROM (
    SELECT timestamp, actor, sum(events) events
    FROM github_events_actor_10m
    SAMPLE BY 1d
  ) WHERE events > 10
) PARTITION BY MONTH TTL 24 MONTHS;
