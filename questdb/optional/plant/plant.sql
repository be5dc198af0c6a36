-- One row for each value of a tag: a number, or a text, the other is NULL. vibration in mm/s, power in kW, temperature in °C,
-- parts counts since the beginning; state, recipe and alarm are texts.
CREATE TABLE IF NOT EXISTS plant (
  timestamp TIMESTAMP,
  machine SYMBOL,
  tag SYMBOL,
  value DOUBLE,
  text VARCHAR
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, machine, tag);

-- Values by machine, tag and minute; of texts only how many there were.
CREATE MATERIALIZED VIEW IF NOT EXISTS plant_tag_1m WITH BASE plant REFRESH IMMEDIATE AS (
  SELECT timestamp, machine, tag, count() samples, sum(value) value_sum, count(value) value_count,
    min(value) value_min, max(value) value_max
  FROM plant
  SAMPLE BY 1m
) PARTITION BY DAY TTL 1 YEAR;

-- How long each machine was in a state, in the last day: a row for each change, until the next one or the machine's newest row.
-- A plain view, as window functions go into no other kind; lag takes numbers, no text.
CREATE VIEW IF NOT EXISTS plant_states AS (
  SELECT timestamp, machine, state, until, datediff('T', timestamp, until) / 1000.0 seconds
  FROM (
    SELECT timestamp, machine, state, coalesce(lead(timestamp) OVER (PARTITION BY machine ORDER BY timestamp), newest) until
    FROM (
      SELECT timestamp, machine, text state, code, lag(code) OVER (PARTITION BY machine ORDER BY timestamp) before,
        max(timestamp) OVER (PARTITION BY machine) newest
      FROM (
        SELECT timestamp, machine, text, CASE WHEN text = 'running' THEN 0 WHEN text = 'idle' THEN 1 ELSE 2 END code
        FROM plant
        WHERE timestamp > dateadd('d', -1, now()) AND timestamp <= now() AND tag = 'state'
      )
    )
    WHERE before IS NULL OR before != code
  )
);
