-- One row for each hour and airport, at the time at which it was played again; observed is its hour in 2013 (UTC).
-- temperature and dew_point in °F, humidity in percent, wind_direction in degrees, wind_speed and wind_gust in miles an hour,
-- precipitation in inches, pressure in millibars, visibility in miles.
CREATE TABLE IF NOT EXISTS airport_weather (
  timestamp TIMESTAMP,
  observed TIMESTAMP,
  origin SYMBOL,
  temperature DOUBLE,
  dew_point DOUBLE,
  humidity DOUBLE,
  wind_direction DOUBLE,
  wind_speed DOUBLE,
  wind_gust DOUBLE,
  precipitation DOUBLE,
  pressure DOUBLE,
  visibility DOUBLE
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS WAL DEDUP UPSERT KEYS(timestamp, origin);
