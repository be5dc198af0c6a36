package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import org.apache.kafka.connect.json.JsonConverter;

/** What arrays, decimals and times become, through a real QuestDB, by either path. */
class TypedRoundTripProperties {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicInteger TABLES = new AtomicInteger();
    private static final int SCALE = 20;

    /** @param offset of the time zone in which the time is written, in minutes */
    private record Value(
            List<Object> one, List<Object> two, List<Object> three, BigDecimal decimal, Instant time, int offset) {
        String text() {
            return time.atOffset(ZoneOffset.ofTotalSeconds(60 * offset)).toString();
        }
    }

    @Provide
    Arbitrary<List<Value>> values() {
        // JsonConverter makes 0.0 of -0.0 before the sink sees it.
        Arbitrary<Double> numbers = Arbitraries.doubles().map(value -> value == 0 ? 0.0 : value);
        Arbitrary<BigDecimal> decimals = Combinators.combine(
                        Arbitraries.bigIntegers().between(BigInteger.TEN.pow(55).negate(), BigInteger.TEN.pow(55)),
                        Arbitraries.integers().between(0, SCALE))
                .as(BigDecimal::new);
        Arbitrary<Instant> times = Combinators.combine(
                        Arbitraries.longs().between(-2_000_000_000L, 7_000_000_000L),
                        Arbitraries.integers().between(0, 999_999_999))
                .as(Instant::ofEpochSecond);
        return Combinators.combine(
                        lists(numbers.injectNull(0.1).map(value -> value), 0),
                        rectangle(numbers),
                        box(numbers),
                        decimals,
                        times,
                        Arbitraries.integers().between(-720, 840))
                .as(Value::new)
                .list()
                .ofMinSize(20)
                .ofMaxSize(60);
    }

    private static Arbitrary<List<Object>> lists(Arbitrary<? extends Object> of, int least) {
        return of.list().ofMinSize(least).ofMaxSize(5).map(ArrayList::new);
    }

    private static Arbitrary<List<Object>> rectangle(Arbitrary<Double> numbers) {
        return Arbitraries.integers().between(1, 4).flatMap(width -> rows(numbers, width));
    }

    private static Arbitrary<List<Object>> rows(Arbitrary<Double> numbers, int width) {
        return lists(numbers.list().ofSize(width), 1);
    }

    private static Arbitrary<List<Object>> box(Arbitrary<Double> numbers) {
        return Combinators.combine(
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.integers().between(1, 3))
                .flatAs((height, width) ->
                        lists(numbers.list().ofSize(width).list().ofSize(height), 1));
    }

    @Property(tries = 8, shrinking = ShrinkingMode.OFF)
    void everyValueArrivesUnchanged(@ForAll("values") List<Value> values) throws Exception {
        QuestDb db = QuestDb.shared();
        String table = "typed" + TABLES.incrementAndGet();
        db.query("CREATE TABLE " + table + " (timestamp TIMESTAMP, n LONG, one DOUBLE[], two DOUBLE[][],"
                + " three DOUBLE[][][], dec DECIMAL(76," + SCALE + "), micros TIMESTAMP, nanos TIMESTAMP_NS,"
                + " number TIMESTAMP_NS) TIMESTAMP(timestamp) PARTITION BY DAY WAL");
        deliver(db, table, values, true, Map.of("timestamp.units", "nanos"));
        deliver(
                db,
                table,
                values,
                false,
                Map.of("timestamp.units", "nanos", "value.converter", JsonConverter.class.getName()));
        db.awaitCount(table, 2L * values.size());
        for (JsonNode row : db.query("SELECT n, one, two, three, dec, micros, nanos, number FROM " + table)) {
            assertRow(values.get(row.get(0).asInt()), row);
        }
        db.query("DROP TABLE " + table);
    }

    private static void deliver(QuestDb db, String table, List<Value> values, boolean fast, Map<String, String> config)
            throws Exception {
        List<String> records = new ArrayList<>();
        for (Value value : values) {
            Map<String, Object> record = new HashMap<>();
            record.put("n", records.size());
            record.put("ts", "2026-11-24T00:00:00.%06dZ".formatted(records.size()));
            record.put("one", value.one);
            record.put("two", value.two);
            record.put("three", value.three);
            // JsonConverter makes a double of a number.
            record.put("dec", fast ? value.decimal : value.decimal.toPlainString());
            record.put("micros", value.text());
            record.put("nanos", value.text());
            record.put("number", ChronoUnit.NANOS.between(Instant.EPOCH, value.time));
            records.add(JSON.writeValueAsString(record));
        }
        try (TaskRun run = new TaskRun(db.conf(), table, config)) {
            run.deliver(records);
            assertEquals(List.of(), run.reasons());
        }
    }

    private static void assertRow(Value value, JsonNode row) {
        assertEquals(value.one, numbers(row.get(1)));
        assertEquals(value.two, numbers(row.get(2)));
        assertEquals(value.three, numbers(row.get(3)));
        assertEquals(
                value.decimal.setScale(SCALE, RoundingMode.UNNECESSARY),
                new BigDecimal(row.get(4).asText()));
        assertEquals(
                value.time.truncatedTo(ChronoUnit.MICROS),
                Instant.parse(row.get(5).asText()));
        assertEquals(value.time, Instant.parse(row.get(6).asText()));
        assertEquals(value.time, Instant.parse(row.get(7).asText()));
    }

    private static List<Object> numbers(JsonNode array) {
        List<Object> list = new ArrayList<>();
        array.forEach(
                item -> list.add(item.isNull() ? null : item.isArray() ? numbers(item) : (Object) item.asDouble()));
        return list.isEmpty() ? Collections.emptyList() : list;
    }
}
