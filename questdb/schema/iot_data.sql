-- One row for each measurement of a device: speed in km/h, lat and lon in degrees.
-- A device measures at most once in a microsecond, so (timestamp, device_id) is its identity.
CREATE TABLE IF NOT EXISTS iot_data (
  timestamp TIMESTAMP,
  device_id SYMBOL,
  device_type SYMBOL,
  duration_ms LONG,
  measure1 LONG,
  measure2 LONG,
  speed LONG,
  lat DOUBLE,
  lon DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, device_id);

-- Measurements by device type and minute. Sums and counts, not averages: only these can be added up again over an hour or a day.
CREATE MATERIALIZED VIEW IF NOT EXISTS iot_data_type_1m WITH BASE iot_data REFRESH IMMEDIATE AS (
  SELECT timestamp, device_type, count() points,
    sum(duration_ms) duration_ms_sum, count(duration_ms) duration_ms_count,
    sum(measure1) measure1_sum, count(measure1) measure1_count,
    sum(measure2) measure2_sum, count(measure2) measure2_count,
    sum(speed) speed_sum, count(speed) speed_count, max(speed) speed_max
  FROM iot_data
  SAMPLE BY 1m
) PARTITION BY DAY TTL 90 DAYS;
