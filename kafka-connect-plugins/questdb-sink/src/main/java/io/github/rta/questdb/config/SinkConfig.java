package io.github.rta.questdb.config;

import static io.github.rta.questdb.config.ClientConf.require;
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

import io.github.rta.questdb.encoding.Timestamps;
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
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

/** The settings of one connector: those of QuestDB's official connector, and a few of our own. */
public final class SinkConfig extends AbstractConfig {
    private static final ValidString UNITS = ValidString.in("auto", "seconds", "millis", "micros", "nanos");
    private static final ValidString COLUMNS = ValidString.in("strict", "extend");
    private static final ValidString ARRAYS = ValidString.in("error", "skip", "json");
    static final String CLIENT_CONF = "client.conf.string";
    static final String TIMESTAMP_FIELDS = "timestamp.field.name";
    static final String TIMESTAMP_NATIVE = "timestamp.kafka.native";
    private static final String TIMESTAMP_FORMAT = "timestamp.string.format";
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");
    /** What Connect itself reads from a connector's configuration. */
    private static final Pattern FRAMEWORK =
            Pattern.compile("name|connector\\..*|tasks\\..*|task\\..*|topics|topics\\.regex"
                    + "|(key|value|header)\\.converter(\\..*)?|(transforms|predicates)(\\..*)?"
                    + "|(errors|config|consumer|producer|admin)\\..*");

    // docs/sink.md says more of each.
    public static final ConfigDef DEF = new ConfigDef()
            .define(CLIENT_CONF, PASSWORD, null, HIGH, "Where QuestDB is: http::addr=host:9000;username=u;password=p;")
            .define("table", STRING, "${topic}", HIGH, "The table; may hold ${topic}, ${key} and ${partition}.")
            .define(TIMESTAMP_FIELDS, LIST, List.of(), HIGH, "The field with the row's time, or several to join.")
            .define(TIMESTAMP_NATIVE, BOOLEAN, false, HIGH, "Take the time of the Kafka record instead of a field's.")
            .define("timestamp.units", STRING, "auto", UNITS, MEDIUM, "The unit of timestamps that are numbers.")
            .define(TIMESTAMP_FORMAT, STRING, null, MEDIUM, "The pattern of timestamps that are text but not ISO 8601.")
            .define("timestamp.string.fields", LIST, List.of(), MEDIUM, "Further fields that hold timestamps.")
            .define("timestamp.min", STRING, "2000-01-01T00:00:00Z", LOW, "Earlier timestamps are refused.")
            .define("timestamp.max", STRING, "2100-01-01T00:00:00Z", LOW, "Later timestamps are refused.")
            .define("symbols", LIST, List.of(), MEDIUM, "Columns to create as SYMBOL, where QuestDB may.")
            .define("doubles", LIST, List.of(), MEDIUM, "Fields sent as DOUBLE even when they look like integers.")
            .define("include.key", BOOLEAN, true, MEDIUM, "Store the record's key too.")
            .define("key.prefix", STRING, "key", LOW, "The column of the key, or what precedes its fields.")
            .define("value.prefix", STRING, "", LOW, "What precedes the fields of the value.")
            .define("columns", STRING, "strict", COLUMNS, MEDIUM, "What a field without a column means.")
            .define("required.fields", LIST, List.of(), MEDIUM, "Columns without which a record is refused.")
            .define("arrays", STRING, "error", ARRAYS, MEDIUM, "What to do with a field that is an array.")
            .define("skip.unsupported.types", BOOLEAN, false, MEDIUM, "Leave out what is of another type.")
            .define("min.interval.ms", LONG, 100L, atLeast(0), MEDIUM, "Least time between requests that aren't full.")
            .define("batch.max.rows", INT, 50_000, between(1, 10_000_000), LOW, "Most rows of one request.")
            .define("batch.max.bytes", INT, 8 << 20, between(1, 1 << 30), LOW, "Most bytes of one request, about.")
            .define("allowed.lag", INT, 1000, atLeast(1), LOW, "Not needed; see min.interval.ms.")
            .define("dlq.send.batch.on.error", BOOLEAN, false, LOW, "Not needed: only bad records are set aside.")
            .define("max.retries", INT, 10, LOW, "Not needed: the sink retries until it succeeds.")
            .define("retry.backoff.ms", INT, 3000, LOW, "Not needed: the waits double from 0.1 s to 5 s.");

    public final String table;
    /** Whether the table's name holds a placeholder. */
    public final boolean tableVaries;

    public final boolean includeKey;
    public final String keyPrefix;
    public final String valuePrefix;
    public final boolean strict;
    public final boolean skipArrays;
    public final boolean jsonArrays;
    public final boolean skipUnsupported;
    public final boolean kafkaTimestamp;
    public final List<String> timestampFields;
    public final Set<String> timestampStrings;
    public final Set<String> symbols;
    public final Set<String> doubles;
    public final List<String> required;
    public final long minIntervalMs;
    public final int maxRows;
    public final int maxBytes;
    /** Whether a record may be another than its message. */

    /** @throws ConfigException naming the key at fault */
    public SinkConfig(Map<String, String> properties) {
        super(DEF, properties, false);
        problems(properties).forEach((key, problem) -> {
            throw new ConfigException(key + " " + problem);
        });
        table = getString("table");
        tableVaries = PLACEHOLDER.matcher(table).find();
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

    public ClientConf client() {
        return ClientConf.parse(conf(this), System::getenv);
    }

    public Timestamps timestamps() {
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
    public static Map<String, String> problems(Map<String, String> properties) {
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
        check(problems, "doubles", () -> checkDoubles(config));
        check(
                problems,
                "required.fields",
                () -> require(config.getList("required.fields").size() <= 64, "names over 64"));
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

    private static void checkDoubles(AbstractConfig config) {
        List<String> symbols = config.getList("symbols");
        require(config.getList("doubles").stream().noneMatch(symbols::contains), "names a column of symbols too");
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
