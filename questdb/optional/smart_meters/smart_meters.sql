-- One row for each reading of a meter: energy in kWh since it was installed, power in W, voltage in V, frequency in Hz.
-- Meters with older firmware tell neither temperature (degrees Celsius) nor firmware.
-- A meter reads at most once in a millisecond, so (timestamp, meter_id) is the reading's identity.
CREATE TABLE IF NOT EXISTS smart_meters (
  timestamp TIMESTAMP,
  meter_id SYMBOL,
  district SYMBOL,
  model SYMBOL,
  status SYMBOL,
  energy DOUBLE,
  power DOUBLE,
  voltage DOUBLE,
  frequency DOUBLE,
  power_factor DOUBLE,
  temperature DOUBLE,
  firmware SYMBOL
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 90 DAYS WAL DEDUP UPSERT KEYS(timestamp, meter_id);

-- Readings by district and minute. Sums and counts, not averages: only these can be added up again over an hour or a day.
CREATE MATERIALIZED VIEW IF NOT EXISTS smart_meters_district_1m WITH BASE smart_meters REFRESH IMMEDIATE AS (
  SELECT timestamp, district, count() readings,
    sum(power) power_sum, count(power) power_count,
    sum(voltage) voltage_sum, count(voltage) voltage_count, min(voltage) voltage_min, max(voltage) voltage_max
  FROM smart_meters
  SAMPLE BY 1m
) PARTITION BY DAY TTL 1 YEAR;
