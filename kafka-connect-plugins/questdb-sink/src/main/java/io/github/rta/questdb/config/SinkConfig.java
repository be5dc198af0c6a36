package io.github.rta.questdb.config;

import static io.github.rta.questdb.config.Require.require;

import io.github.rta.questdb.encoding.Timestamps;
import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.types.Password;

/** The settings of one connector, read once: those of QuestDB's official connector, and a few of our own. */
public final class SinkConfig extends AbstractConfig {
    public static final ConfigDef DEF = Definition.of();

    /** What Connect itself reads from a connector's configuration. */
    private static final Pattern FRAMEWORK =
            Pattern.compile("name|connector\\..*|tasks\\..*|task\\..*|topics|topics\\.regex"
                    + "|(key|value|header)\\.converter(\\..*)?|(transforms|predicates)(\\..*)?"
                    + "|(errors|config|consumer|producer|admin)\\..*");

    private final Problems problems;
    private final ClientConf client;
    private final Timestamps timestamps;
    private final Timestamps columnTimestamps;
    public final String table;
    /** Whether the table's name holds a placeholder. */
    public final boolean tableVaries;
    /** Whether QuestDB may be asked for the columns of a table. */
    public final boolean tableLookup;
    /** How long an outage may last before the task fails, 0 for ever. */
    public final long failAfterMs;

    public final boolean includeKey;
    public final String keyPrefix;
    public final String valuePrefix;
    public final boolean strict;
    public final boolean skipArrays;
    public final boolean jsonArrays;
    /** By the path of the field. */
    public final Map<String, ArrayMapping> arrayMappings;
    /** Whether bytes are JSON with a schema. */
    public final boolean envelope;

    public final boolean skipUnsupported;
    public final boolean kafkaTimestamp;
    /** Whether QuestDB takes the time of arrival. */
    public final boolean serverTimestamp;

    public final List<String> timestampFields;
    public final Set<String> timestampStrings;
    public final Set<String> symbols;
    public final Set<String> doubles;
    public final List<String> required;
    public final long minIntervalMs;
    /** For how long late rows of a large table wait for others, 0 if they don't. */
    public final long lateWaitMs;
    /** How long before its record's timestamp the time of a late row is. */
    public final long lateAfterMs;

    public final int maxRows;
    public final int maxBytes;

    /** @throws ConfigException naming the key at fault */
    public SinkConfig(Map<String, String> properties) {
        this(properties, new Problems());
        unknownKeys(properties, problems);
        problems.throwFirst();
    }

    /** What is wrong although each value by itself is well-formed: key to message. */
    public static Map<String, String> problems(Map<String, String> properties) {
        Problems problems = new Problems();
        unknownKeys(properties, problems);
        try {
            new SinkConfig(properties, problems);
        } catch (ConfigException malformed) {
            // Connect's own validation reports it.
        }
        return problems.found();
    }

    private SinkConfig(Map<String, String> properties, Problems problems) {
        super(DEF, properties, false);
        this.problems = problems;
        client = problems.value(Key.CLIENT_CONF, this::readClient);
        table = getString(Key.TABLE);
        problems.check(Key.TABLE, () -> Checks.template(table));
        tableVaries = Checks.isTemplate(table);
        tableLookup = getBoolean(Key.TABLE_LOOKUP);
        failAfterMs = getLong(Key.FAIL_AFTER);
        includeKey = getBoolean(Key.INCLUDE_KEY);
        keyPrefix = getString(Key.KEY_PREFIX);
        valuePrefix = getString(Key.VALUE_PREFIX);
        strict = getString(Key.COLUMNS).equals("strict");
        problems.check(Key.TABLE_LOOKUP, () -> Checks.lookup(tableLookup, strict));
        skipUnsupported = getBoolean(Key.SKIP_UNSUPPORTED);
        jsonArrays = getString(Key.ARRAYS).equals("json");
        skipArrays = getString(Key.ARRAYS).equals("skip") || skipUnsupported;
        arrayMappings = problems.value(Key.ARRAY_MAPPINGS, this::readMappings);
        envelope = getString(Key.VALUE_FORMAT).equals("json_envelope");
        kafkaTimestamp = getBoolean(Key.TIMESTAMP_NATIVE);
        serverTimestamp = getBoolean(Key.TIMESTAMP_SERVER);
        timestampFields = getList(Key.TIMESTAMP_FIELDS);
        problems.check(
                Key.TIMESTAMP_FIELDS, () -> Checks.timestampSource(timestampFields, kafkaTimestamp, serverTimestamp));
        Instant min = problems.value(Key.TIMESTAMP_MIN, () -> Checks.bound(getString(Key.TIMESTAMP_MIN)));
        Instant max = problems.value(Key.TIMESTAMP_MAX, () -> Checks.bound(getString(Key.TIMESTAMP_MAX)));
        timestamps = problems.value(Key.TIMESTAMP_FORMAT, () -> timestamps(min, max));
        columnTimestamps = problems.value(
                Key.TIMESTAMP_FORMAT, () -> timestamps(given(Key.TIMESTAMP_MIN, min), given(Key.TIMESTAMP_MAX, max)));
        timestampStrings = names(Key.TIMESTAMP_STRINGS);
        symbols = names(Key.SYMBOLS);
        doubles = names(Key.DOUBLES);
        problems.check(Key.DOUBLES, () -> Checks.doubles(doubles, symbols));
        required = List.copyOf(names(Key.REQUIRED));
        problems.check(Key.REQUIRED, () -> Checks.required(required, timestampFields));
        minIntervalMs = getLong(Key.MIN_INTERVAL);
        lateWaitMs = getLong(Key.LATE_WAIT);
        lateAfterMs = getLong(Key.LATE_AFTER);
        maxRows = getInt(Key.MAX_ROWS);
        maxBytes = getInt(Key.MAX_BYTES);
    }

    public ClientConf client() {
        return client;
    }

    /** For the designated timestamp. */
    public Timestamps timestamps() {
        return timestamps;
    }

    /** For the other columns. */
    public Timestamps columnTimestamps() {
        return columnTimestamps;
    }

    private static void unknownKeys(Map<String, String> properties, Problems problems) {
        for (String key : properties.keySet()) {
            if (!DEF.names().contains(key) && !FRAMEWORK.matcher(key).matches()) {
                problems.add(key, "is not a setting of this connector");
            }
        }
    }

    private ClientConf readClient() {
        Password given = getPassword(Key.CLIENT_CONF);
        String fromWorker = System.getenv("QDB_CLIENT_CONF");
        require(given == null || fromWorker == null, "is given although the worker has QDB_CLIENT_CONF: use one");
        require(given != null || fromWorker != null, "is missing, for instance http::addr=localhost:9000;");
        return ClientConf.parse(given == null ? fromWorker : given.value(), System::getenv);
    }

    private Map<String, ArrayMapping> readMappings() {
        return ArrayMapping.parse(getString(Key.ARRAY_MAPPINGS)).stream()
                .collect(Collectors.toMap(ArrayMapping::source, mapping -> mapping));
    }

    private Timestamps timestamps(Instant min, Instant max) {
        Unit unit = Unit.valueOf(getString(Key.TIMESTAMP_UNITS).toUpperCase(Locale.ROOT));
        return new Timestamps(unit, getString(Key.TIMESTAMP_FORMAT), min, max);
    }

    /** The default holds for the designated timestamp only: a birthday may well be before 2000. */
    private Instant given(String key, Instant bound) {
        return originals().containsKey(key) ? bound : null;
    }

    private Set<String> names(String key) {
        return getList(key).stream().map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet());
    }
}
