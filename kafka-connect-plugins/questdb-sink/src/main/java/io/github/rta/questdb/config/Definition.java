package io.github.rta.questdb.config;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.Range.atLeast;
import static org.apache.kafka.common.config.ConfigDef.Range.between;
import static org.apache.kafka.common.config.ConfigDef.Type.BOOLEAN;
import static org.apache.kafka.common.config.ConfigDef.Type.INT;
import static org.apache.kafka.common.config.ConfigDef.Type.LIST;
import static org.apache.kafka.common.config.ConfigDef.Type.LONG;
import static org.apache.kafka.common.config.ConfigDef.Type.PASSWORD;
import static org.apache.kafka.common.config.ConfigDef.Type.STRING;

import java.util.List;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ValidString;

/** What each setting is, for Connect and its user interfaces. docs/sink.md says more of each. */
final class Definition {
    private static final long TEN_MINUTES_MS = 600_000;
    private static final int MAX_ROWS = 10_000_000;

    private Definition() {}

    static ConfigDef of() {
        ConfigDef definition = new ConfigDef();
        destination(new Group(definition, "Destination"));
        Group timestamps = new Group(definition, "Timestamps");
        timestampSource(timestamps);
        timestampForm(timestamps);
        timestampBounds(timestamps);
        FieldDefinition.add(new Group(definition, "Fields and columns"));
        batches(new Group(definition, "Batches"));
        notNeeded(new Group(definition, "Accepted, without effect"));
        return definition;
    }

    private static void destination(Group group) {
        group.add(
                        Key.CLIENT_CONF,
                        PASSWORD,
                        null,
                        HIGH,
                        "QuestDB",
                        "Where QuestDB is: http::addr=host:9000;username=u;password=p;")
                .add(
                        Key.TABLE,
                        STRING,
                        "${topic}",
                        HIGH,
                        "Table",
                        "The table; may hold ${topic}, ${key} and ${partition}.")
                .add(
                        Key.TABLE_LOOKUP,
                        BOOLEAN,
                        true,
                        LOW,
                        "Ask for the columns",
                        "Set to false where only /write may be called; needs columns=extend.")
                .add(
                        Key.FAIL_AFTER,
                        LONG,
                        0L,
                        atLeast(0),
                        LOW,
                        "Longest outage",
                        "After so many milliseconds of outage the task fails; 0 for never.");
    }

    private static void timestampSource(Group group) {
        group.add(
                        Key.TIMESTAMP_FIELDS,
                        LIST,
                        List.of(),
                        HIGH,
                        "Timestamp field",
                        "The field with the row's time, or several to join.")
                .add(
                        Key.TIMESTAMP_NATIVE,
                        BOOLEAN,
                        false,
                        HIGH,
                        "Kafka's timestamp",
                        "Take the time of the Kafka record instead of a field's.")
                .add(
                        Key.TIMESTAMP_SERVER,
                        BOOLEAN,
                        false,
                        LOW,
                        "QuestDB's clock",
                        "Let QuestDB take its own time; rows that are sent again are then stored twice.");
    }

    private static void timestampForm(Group group) {
        ValidString units = ValidString.in("auto", "seconds", "millis", "micros", "nanos");
        group.add(
                        Key.TIMESTAMP_UNITS,
                        STRING,
                        "auto",
                        units,
                        MEDIUM,
                        "Unit of numbers",
                        "The unit of timestamps that are numbers.")
                .add(
                        Key.TIMESTAMP_FORMAT,
                        STRING,
                        null,
                        MEDIUM,
                        "Pattern of texts",
                        "The pattern of timestamps that are text but not ISO 8601.")
                .add(
                        Key.TIMESTAMP_STRINGS,
                        LIST,
                        List.of(),
                        MEDIUM,
                        "Further timestamps",
                        "Fields that hold timestamps for columns that are yet to be created.");
    }

    private static void timestampBounds(Group group) {
        group.add(
                        Key.TIMESTAMP_MIN,
                        STRING,
                        "2000-01-01T00:00:00Z",
                        LOW,
                        "Earliest timestamp",
                        "Earlier timestamps are refused.")
                .add(
                        Key.TIMESTAMP_MAX,
                        STRING,
                        "2100-01-01T00:00:00Z",
                        LOW,
                        "Latest timestamp",
                        "Later timestamps are refused.");
    }

    private static void batches(Group group) {
        group.add(
                        Key.MIN_INTERVAL,
                        LONG,
                        40L,
                        between(0, TEN_MINUTES_MS),
                        MEDIUM,
                        "Shortest interval",
                        "Least time between requests that aren't full, in milliseconds.")
                .add(
                        Key.LATE_WAIT,
                        LONG,
                        0L,
                        between(0, TEN_MINUTES_MS),
                        MEDIUM,
                        "Wait of late rows",
                        "How long late rows of a large table with DEDUP wait for others, in milliseconds; 0: not at all.")
                .add(
                        Key.LATE_AFTER,
                        LONG,
                        TEN_MINUTES_MS,
                        atLeast(1),
                        LOW,
                        "Late rows",
                        "A row is late if its time is so many milliseconds before that of its Kafka record.")
                .add(Key.MAX_ROWS, INT, 100_000, between(1, MAX_ROWS), LOW, "Most rows", "Most rows of one request.")
                .add(
                        Key.MAX_BYTES,
                        INT,
                        16 << 20,
                        between(1, 1 << 30),
                        LOW,
                        "Most bytes",
                        "Most bytes of one request, about.");
    }

    /** Settings of the official connector that this one has no use for. */
    private static void notNeeded(Group group) {
        group.add(Key.ALLOWED_LAG, INT, 1000, atLeast(1), LOW, "Allowed lag", "Not needed; see min.interval.ms.")
                .add(
                        Key.DLQ_BATCH,
                        BOOLEAN,
                        false,
                        LOW,
                        "Dead letters by batch",
                        "Not needed: only bad records are set aside.")
                .add(Key.MAX_RETRIES, INT, 10, LOW, "Retries", "Not needed: the sink retries until it succeeds.")
                .add(
                        Key.RETRY_BACKOFF,
                        INT,
                        3000,
                        LOW,
                        "Wait between retries",
                        "Not needed: the waits double from 0.1 s to 5 s.");
    }
}
