"""Samples of formats that others publish, as small files that look like them, and what becomes of each without a setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "datasets" / "public"


@dataclass(frozen=True)
class Format:
    """What must come of a file: rows, the time column and the first one's time, the key beside it, some columns and types.

    `quick` marks those that `make test` reads, one for each kind.
    """

    rows: int
    time: str
    first: str
    key: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    quick: bool = False


FORMATS = {
    "binance_klines.csv": Format(
        4, "column0", "2021-01-01T00:00:00", types={"column1": "DOUBLE", "column8": "LONG"}, quick=True
    ),
    "cloudtrail.json": Format(
        2,
        "eventtime",
        "2024-03-02T10:15:41",
        ("eventid",),
        {"readonly": "BOOLEAN", "requestparameters_instancesset_items": "VARCHAR", "eventversion": "SYMBOL"},
    ),
    "coinbase_trades.json": Format(
        3,
        "time",
        "2024-03-02T10:15:40.900",
        ("trade_id",),
        {"price": "DECIMAL(18, 8)"},
        {"size": "0.00251665"},
        quick=True,
    ),
    "coingecko_chart.json": Format(
        3, "time", "2024-03-02T00:00:00", types={"prices": "DOUBLE", "total_volumes": "DOUBLE"}
    ),
    "debezium.jsonl": Format(
        3, "source_ts_ms", "2024-03-02T10:15:41", types={"op": "VARCHAR", "after_balance": "DECIMAL(18, 2)"}
    ),
    "dwd_hourly.csv": Format(
        4, "mess_datum", "2024-03-02T00:00:00", types={"tt_tu": "DOUBLE", "eor": "SYMBOL"}, quick=True
    ),
    "ecb_rates.csv": Format(3, "date", "2024-02-28T00:00:00", types={"usd": "DOUBLE"}),
    "elastic_ecs.ndjson": Format(
        2,
        "timestamp",
        "2024-03-02T10:15:41.230",
        types={"http_response_status_code": "LONG", "error_stack_trace": "VARCHAR"},
    ),
    "gharchive.jsonl": Format(
        3, "created_at", "2024-03-02T10:00:00", ("id",), {"actor_id": "LONG", "public": "BOOLEAN"}
    ),
    "home_assistant.csv": Format(4, "last_changed", "2024-03-02T10:00:00.123", ("entity_id",), {"state": "VARCHAR"}),
    "home_assistant.json": Format(
        3, "last_changed", "2024-03-02T10:00:00.123456", ("entity_id",), {"state": "VARCHAR"}
    ),
    "journald.json": Format(3, "realtime_timestamp", "2024-03-02T10:15:41.230456", types={"message": "VARCHAR"}),
    "nginx_access.json": Format(
        3,
        "time_local",
        "2024-03-02T09:15:41",
        ("status",),
        {"request_time": "DECIMAL(18, 3)"},
        {"status": "200"},
        quick=True,
    ),
    "noaa_ghcn.csv": Format(
        3, "date", "2024-03-01T00:00:00", ("name",), {"prcp": "LONG", "latitude": "DOUBLE"}, {"tmax": 83}
    ),
    "nyc_taxi.csv": Format(
        5,
        "tpep_pickup_datetime",
        "2021-01-01T00:15:48",
        types={"passenger_count": "LONG", "trip_distance": "DOUBLE", "tpep_dropoff_datetime": "TIMESTAMP"},
    ),
    "open_meteo.json": Format(
        4,
        "time",
        "2024-03-02T00:00:00",
        types={"temperature_2m": "DOUBLE", "relative_humidity_2m": "LONG"},
        record={"wind_speed_10m": 9.4},
        quick=True,
    ),
    "postgres_log.csv": Format(3, "column0", "2024-03-02T10:15:41.230", ("column13",), {"column12": "VARCHAR"}),
    "prometheus_range.json": Format(
        6,
        "time",
        "2024-03-02T10:15:00",
        ("metric_instance",),
        {"values": "DOUBLE", "metric_job": "SYMBOL"},
        {"values": 1.0},
        quick=True,
    ),
    "smard.csv": Format(
        4,
        "datum_von",
        "2024-03-02T00:00:00",
        types={"biomasse_mwh_originalauflosungen": "DOUBLE"},
        record={"biomasse_mwh_originalauflosungen": 1123.25, "wasserkraft_mwh_originalauflosungen": 388.25},
        quick=True,
    ),
    "strava_activities.json": Format(
        2,
        "start_date",
        "2018-04-30T12:35:51",
        ("id",),
        {"utc_offset": "LONG", "upload_id": "VARCHAR", "trainer": "BOOLEAN"},
    ),
    "stripe_charges.json": Format(2, "created", "2023-03-17T22:02:19", ("id",), {"amount": "LONG", "paid": "BOOLEAN"}),
    "suricata_eve.json": Format(3, "timestamp", "2024-03-02T09:15:41.230456", ("flow_id",), {"flow_id": "LONG"}),
    "uci_power.csv": Format(
        4,
        "date",
        "2006-12-16T17:24:00",
        types={"global_active_power": "DOUBLE", "voltage": "DOUBLE"},
        record={"voltage": 234.84},
        quick=True,
    ),
    "usgs_earthquakes.csv": Format(3, "time", "2024-03-02T09:58:17.904", ("id",), {"mag": "DOUBLE", "nst": "LONG"}),
    "usgs_earthquakes.geojson": Format(
        3, "properties_time", "2024-03-02T09:58:17.904", ("id",), {"properties_mag": "DOUBLE"}
    ),
    "wikipedia_recentchange.jsonl": Format(
        3,
        "meta_dt",
        "2024-03-02T10:15:40",
        ("meta_id",),
        {"bot": "BOOLEAN", "log_params": "VARCHAR", "minor": "SYMBOL"},
    ),
    "yahoo_finance.csv": Format(3, "date", "2024-02-28T00:00:00", types={"adj_close": "DOUBLE", "volume": "LONG"}),
}

# What is not understood, and the sentence: rows of which nothing names the columns, lines of comments before the header.
NOT_UNDERSTOOD = {"influx_annotated.csv": "no time column"}
# A row each answer, its list of lists as text.
POOR = {"opensky_states.json": "states"}
