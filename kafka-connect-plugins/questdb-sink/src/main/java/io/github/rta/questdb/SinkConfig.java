package io.github.rta.questdb;

import static io.github.rta.questdb.ClientConf.require;
import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

/** The settings of one connector: those of QuestDB's official connector, and a few of our own. */
final class SinkConfig extends AbstractConfig {
    static final String CLIENT_CONF = "client.conf.string";
    static final String TIMESTAMP_FIELDS = "timestamp.field.name";
    static final String TIMESTAMP_NATIVE = "timestamp.kafka.native";
    private static final String TIMESTAMP_FORMAT = "timestamp.string.format";
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");
    /** What Connect itself reads from a connector's configuration. */
    private static final Pattern FRAMEWORK = Pattern.compile(
            "name|connector\\..*|tasks\\..*|task\\..*|topics|topics\\.regex"
                    + "|(key|value|header)\\.converter(\\..*)?|(transforms|predicates)(\\..*)?|(errors|config|consumer|producer|admin)\\..*");

    static final ConfigDef DEF = new ConfigDef()
            .define(
                    CLIENT_CONF,
                    Type.PASSWORD,
                    null,
                    HIGH,
                    "Where QuestDB is: http::addr=host:9000;username=u;password=p; with ${NAME} for environment variables of the"
                            + " worker. If absent, the worker's variable QDB_CLIENT_CONF.")
            .define(
                    "table",
                    Type.STRING,
                    "${topic}",
                    HIGH,
                    "The table; ${topic}, ${key} and ${partition} are replaced.")
            .define(
                    TIMESTAMP_FIELDS,
                    Type.LIST,
                    List.of(),
                    HIGH,
                    "The field with the time of the row. Several: their texts are joined.")
            .define(
                    TIMESTAMP_NATIVE,
                    Type.BOOLEAN,
                    false,
                    HIGH,
                    "Take the time of the Kafka record instead of a field's.")
            .define(
                    "timestamp.units",
                    Type.STRING,
                    "auto",
                    ValidString.in("auto", "seconds", "millis", "micros", "nanos"),
                    MEDIUM,
                    "The unit of timestamps that are numbers; auto guesses by their size.")
            .define(
                    TIMESTAMP_FORMAT,
                    Type.STRING,
                    null,
                    MEDIUM,
                    "The pattern of timestamps that are text, where they are not ISO 8601.")
            .define("timestamp.string.fields", Type.LIST, List.of(), MEDIUM, "Further fields that hold timestamps.")
            .define("timestamp.min", Type.STRING, "2000-01-01T00:00:00Z", LOW, "Earlier timestamps are refused.")
            .define("timestamp.max", Type.STRING, "2100-01-01T00:00:00Z", LOW, "Later timestamps are refused.")
            .define(
                    "symbols",
                    Type.LIST,
                    List.of(),
                    MEDIUM,
                    "Columns that QuestDB creates as SYMBOL, where it may create any.")
            .define("doubles", Type.LIST, List.of(), MEDIUM, "Fields sent as DOUBLE even when they look like integers.")
            .define("include.key", Type.BOOLEAN, true, MEDIUM, "Store the record's key too.")
            .define("key.prefix", Type.STRING, "key", LOW, "The column of the key, or what precedes its fields.")
            .define("value.prefix", Type.STRING, "", LOW, "What precedes the fields of the value.")
            .define(
                    "columns",
                    Type.STRING,
                    "strict",
                    ValidString.in("strict", "extend"),
                    MEDIUM,
                    "A field without a column: strict refuses the record, extend leaves it to QuestDB to add the column.")
            .define("required.fields", Type.LIST, List.of(), MEDIUM, "Columns without which a record is refused.")
            .define(
                    "arrays",
                    Type.STRING,
                    "error",
                    ValidString.in("error", "skip", "json"),
                    MEDIUM,
                    "A field that is an array: refuse the record, leave the field out, or store it as JSON text.")
            .define(
                    "skip.unsupported.types",
                    Type.BOOLEAN,
                    false,
                    MEDIUM,
                    "Leave out fields of other types instead of refusing.")
            .define(
                    "min.interval.ms",
                    Type.LONG,
                    100L,
                    Range.atLeast(0),
                    MEDIUM,
                    "Least time between two requests that are not full. Every commit costs QuestDB CPU, however small.")
            .define("batch.max.rows", Type.INT, 50_000, Range.between(1, 10_000_000), LOW, "Most rows of one request.")
            .define("batch.max.bytes", Type.INT, 8 << 20, Range.between(1, 1 << 30), LOW, "Most bytes of one request.")
            .define("allowed.lag", Type.INT, 1000, Range.atLeast(1), LOW, "Not needed; see min.interval.ms.")
            .define("dlq.send.batch.on.error", Type.BOOLEAN, false, LOW, "Not needed: only bad records are set aside.")
            .define("max.retries", Type.INT, 10, LOW, "Not needed: the sink retries until it succeeds.")
            .define("retry.backoff.ms", Type.INT, 3000, LOW, "Not needed: waits grow from 0.1 s to 5 s.");

    final String table;
    final boolean includeKey;
    final String keyPrefix;
    final String valuePrefix;
    final boolean strict;
    final boolean skipArrays;
    final boolean jsonArrays;
    final boolean skipUnsupported;
    final boolean kafkaTimestamp;
    final List<String> timestampFields;
    final Set<String> timestampStrings;
    final Set<String> symbols;
    final Set<String> doubles;
    final List<String> required;
    final long minIntervalMs;
    final int maxRows;
    final int maxBytes;

    /** @throws ConfigException naming the key at fault */
    SinkConfig(Map<String, String> properties) {
        super(DEF, properties, false);
        problems(properties).forEach((key, problem) -> {
            throw new ConfigException(key + " " + problem);
        });
        table = getString("table");
        includeKey = getBoolean("include.key");
        keyPrefix = getString("key.prefix");
        valuePrefix = getString("value.prefix");
        strict = getString("columns").equals("strict");
        skipUnsupported = getBoolean("skip.unsupported.types");
        jsonArrays = getString("arrays").equals("json");
        skipArrays = getString("arrays").equals("skip") || skipUnsupported;
        kafkaTimestamp = getBoolean(TIMESTAMP_NATIVE);
        timestampFields = getList(TIMESTAMP_FIELDS);
        timestampStrings = names("timestamp.string.fields");
        symbols = names("symbols");
        doubles = names("doubles");
        required = List.copyOf(names("required.fields"));
        minIntervalMs = getLong("min.interval.ms");
        maxRows = getInt("batch.max.rows");
        maxBytes = getInt("batch.max.bytes");
    }

    ClientConf client() {
        return ClientConf.parse(conf(this), System::getenv);
    }

    Timestamps timestamps() {
        return new Timestamps(
                Timestamps.Unit.valueOf(getString("timestamp.units").toUpperCase(Locale.ROOT)),
                getString(TIMESTAMP_FORMAT),
                Instant.parse(getString("timestamp.min")),
                Instant.parse(getString("timestamp.max")));
    }

    private Set<String> names(String key) {
        return getList(key).stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
    }

    /** What is wrong although each value by itself is well-formed: key to message. */
    static Map<String, String> problems(Map<String, String> properties) {
        Map<String, String> problems = new TreeMap<>();
        properties.keySet().stream()
                .filter(key ->
                        !DEF.names().contains(key) && !FRAMEWORK.matcher(key).matches())
                .forEach(key -> problems.put(key, "is not a setting of this connector"));
        AbstractConfig config;
        try {
            config = new AbstractConfig(DEF, properties, false);
        } catch (ConfigException e) {
            return problems; // Connect's own validation reports it.
        }
        check(problems, CLIENT_CONF, () -> ClientConf.parse(conf(config), System::getenv));
        check(problems, "table", () -> checkTemplate(config.getString("table")));
        check(problems, TIMESTAMP_FIELDS, () -> checkTimestampSource(config));
        check(problems, TIMESTAMP_FORMAT, () -> checkFormat(config.getString(TIMESTAMP_FORMAT)));
        check(problems, "timestamp.min", () -> checkBound(config.getString("timestamp.min")));
        check(problems, "timestamp.max", () -> checkBound(config.getString("timestamp.max")));
        check(
                problems,
                "doubles",
                () -> require(
                        config.getList("doubles").stream().noneMatch(config.getList("symbols")::contains),
                        "names a column of symbols too"));
        check(
                problems,
                "required.fields",
                () -> require(config.getList("required.fields").size() <= 64, "names more than 64"));
        return problems;
    }

    private static void check(Map<String, String> problems, String key, Runnable test) {
        try {
            test.run();
        } catch (IllegalArgumentException e) {
            problems.put(key, e.getMessage());
        }
    }

    private static String conf(AbstractConfig config) {
        Password given = config.getPassword(CLIENT_CONF);
        String fromWorker = System.getenv("QDB_CLIENT_CONF");
        require(given == null || fromWorker == null, "is given although the worker has QDB_CLIENT_CONF: use one");
        require(given != null || fromWorker != null, "is missing, for instance http::addr=localhost:9000;");
        return given == null ? fromWorker : given.value();
    }

    private static void checkTemplate(String table) {
        Matcher placeholder = PLACEHOLDER.matcher(table);
        while (placeholder.find()) {
            require(
                    Set.of("topic", "key", "partition").contains(placeholder.group(1)),
                    "has the unknown " + placeholder.group());
        }
    }

    private static void checkTimestampSource(AbstractConfig config) {
        boolean fields = !config.getList(TIMESTAMP_FIELDS).isEmpty();
        boolean kafka = config.getBoolean(TIMESTAMP_NATIVE);
        require(fields || kafka, "is missing: name the field with the row's time, or set timestamp.kafka.native=true");
        require(!fields || !kafka, "contradicts timestamp.kafka.native=true");
    }

    private static void checkFormat(String pattern) {
        if (pattern != null) {
            Timestamps.formatter(pattern);
        }
    }

    private static void checkBound(String instant) {
        try {
            Timestamps.nanos(Instant.parse(instant));
        } catch (DateTimeException | ArithmeticException e) {
            throw new IllegalArgumentException("must be an instant like 2000-01-01T00:00:00Z before 2262", e);
        }
    }
}
