package io.github.rta.questdb.config;

/** The name of each setting of the connector, once. */
final class Key {
    static final String CLIENT_CONF = "client.conf.string";
    static final String TABLE = "table";
    static final String TABLE_LOOKUP = "table.lookup";
    static final String FAIL_AFTER = "fail.after.ms";
    static final String COLUMNS = "columns";
    static final String REQUIRED = "required.fields";
    static final String SYMBOLS = "symbols";
    static final String DOUBLES = "doubles";
    static final String INCLUDE_KEY = "include.key";
    static final String KEY_PREFIX = "key.prefix";
    static final String VALUE_PREFIX = "value.prefix";
    static final String ARRAYS = "arrays";
    static final String ARRAY_MAPPINGS = "array.mappings";
    static final String VALUE_FORMAT = "value.format";
    static final String SKIP_UNSUPPORTED = "skip.unsupported.types";
    static final String TIMESTAMP_FIELDS = "timestamp.field.name";
    static final String TIMESTAMP_NATIVE = "timestamp.kafka.native";
    static final String TIMESTAMP_SERVER = "timestamp.server";
    static final String TIMESTAMP_UNITS = "timestamp.units";
    static final String TIMESTAMP_FORMAT = "timestamp.string.format";
    static final String TIMESTAMP_STRINGS = "timestamp.string.fields";
    static final String TIMESTAMP_MIN = "timestamp.min";
    static final String TIMESTAMP_MAX = "timestamp.max";
    static final String MIN_INTERVAL = "min.interval.ms";
    static final String LATE_WAIT = "late.rows.wait.ms";
    static final String LATE_AFTER = "late.rows.after.ms";
    static final String MAX_ROWS = "batch.max.rows";
    static final String MAX_BYTES = "batch.max.bytes";
    static final String ALLOWED_LAG = "allowed.lag";
    static final String DLQ_BATCH = "dlq.send.batch.on.error";
    static final String MAX_RETRIES = "max.retries";
    static final String RETRY_BACKOFF = "retry.backoff.ms";

    private Key() {}
}
