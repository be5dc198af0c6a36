-- One row for each flight from New York, at the time at which it was played again; scheduled is its departure in 2013 (UTC).
-- Delays and air_time in minutes, distance in miles, lat and lon in degrees where it goes. A cancelled flight has no delays.
CREATE TABLE IF NOT EXISTS flights (
  timestamp TIMESTAMP,
  scheduled TIMESTAMP,
  carrier SYMBOL,
  airline SYMBOL,
  flight LONG,
  tail_number SYMBOL,
  origin SYMBOL,
  destination SYMBOL,
  destination_name VARCHAR,
  lat DOUBLE,
  lon DOUBLE,
  distance LONG,
  cancelled BOOLEAN,
  departure_delay LONG,
  arrival_delay LONG,
  air_time LONG
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, origin, carrier, flight);

-- Flights by airport and minute. late: they left 15 minutes after their time, or later.
CREATE MATERIALIZED VIEW IF NOT EXISTS flights_origin_1m WITH BASE flights REFRESH IMMEDIATE AS (
  SELECT timestamp, origin, count() flights, sum(CASE WHEN cancelled THEN 1 ELSE 0 END) cancelled,
    sum(CASE WHEN departure_delay >= 15 THEN 1 ELSE 0 END) late,
    sum(departure_delay) delay_sum, count(departure_delay) delay_count
  FROM flights
  SAMPLE BY 1m
) PARTITION BY DAY TTL 1 YEAR;
