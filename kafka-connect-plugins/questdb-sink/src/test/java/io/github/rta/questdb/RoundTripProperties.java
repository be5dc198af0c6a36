package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.rta.questdb.encoding.EncoderTest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
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
import net.jqwik.api.Tuple;
import org.apache.kafka.connect.json.JsonConverter;

/** What any JSON value becomes, through a real QuestDB, by either path; and what damaged bytes don't become. */
class RoundTripProperties {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicInteger TABLES = new AtomicInteger();

    @Provide
    Arbitrary<List<Map<String, Object>>> values() {
        Arbitrary<String> strings = Arbitraries.oneOf(
                Arbitraries.strings()
                        .filter(text -> StandardCharsets.UTF_8.newEncoder().canEncode(text)),
                Arbitraries.strings()
                        .withChars("\"\\\n\r\t\0 ,='`/\u007f\u0080\uffff")
                        .ofMaxLength(20),
                Arbitraries.integers().between(1, 65_536).map("x"::repeat).map(text -> text.substring(1) + "é"),
                Arbitraries.of("\uD83D\uDE00", "NULL", "", "\\", "\"", "\u2028"));
        Arbitrary<Long> longs = Arbitraries.longs().filter(value -> value != Long.MIN_VALUE);
        // JsonConverter makes 0.0 of -0.0 before the sink sees it.
        Arbitrary<Double> doubles = Arbitraries.doubles().map(value -> value == 0 ? 0.0 : value);
        return Combinators.combine(strings, longs, doubles, Arbitraries.of(true, false), strings.injectNull(0.3))
                .<Map<String, Object>>as((s, l, d, b, inner) -> {
                    Map<String, Object> value = new HashMap<>(Map.of("s", s, "l", l, "d", d, "b", b));
                    value.put("o", inner == null ? Map.of() : Map.of("s", inner));
                    value.put("none", null);
                    return value;
                })
                .list()
                .ofMinSize(20)
                .ofMaxSize(60);
    }

    @Property(tries = 15, shrinking = ShrinkingMode.OFF)
    void everyValueArrivesUnchanged(@ForAll("values") List<Map<String, Object>> values) throws Exception {
        QuestDb db = QuestDb.shared();
        String table = "roundtrip" + TABLES.incrementAndGet();
        db.query("CREATE TABLE " + table
                + " (timestamp TIMESTAMP, n LONG, fast BOOLEAN, s VARCHAR, l LONG, d DOUBLE, b BOOLEAN,"
                + " o_s VARCHAR, none LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL");
        deliver(db, table, values, true, Map.of());
        deliver(db, table, values, false, Map.of("value.converter", JsonConverter.class.getName()));
        db.awaitCount(table, 2L * values.size());
        for (JsonNode row : db.query("SELECT n, s, l, d, b, o_s, none FROM " + table)) {
            assertRow(values.get(row.get(0).asInt()), row);
        }
        db.query("DROP TABLE " + table);
    }

    private static void deliver(
            QuestDb db, String table, List<Map<String, Object>> values, boolean fast, Map<String, String> config)
            throws Exception {
        List<String> records = new ArrayList<>();
        for (Map<String, Object> value : values) {
            Map<String, Object> record = new HashMap<>(value);
            record.put("n", records.size());
            record.put("ts", "2026-11-24T00:00:00.%06dZ".formatted(records.size()));
            record.put("fast", fast);
            records.add(JSON.writeValueAsString(record));
        }
        try (TaskRun run = new TaskRun(db.conf(), table, config)) {
            run.deliver(records);
            assertEquals(List.of(), run.reasons());
        }
    }

    private static void assertRow(Map<String, Object> value, JsonNode row) {
        assertEquals(value.get("s"), row.get(1).asText());
        assertEquals(value.get("l"), row.get(2).asLong());
        assertEquals((double) value.get("d"), row.get(3).asDouble());
        assertEquals(value.get("b"), row.get(4).asBoolean());
        assertEquals(
                ((Map<?, ?>) value.get("o")).get("s"),
                row.get(5).isNull() ? null : row.get(5).asText());
        assertTrue(row.get(6).isNull());
    }

    /** Cut, changed or lengthened bytes give a reason, or the very row that the generic path makes of them. */
    @Property(tries = 20_000)
    void damagedBytesNeverGiveHalfARow(
            @ForAll("documents") byte[] document, @ForAll("damages") int[] damage, @ForAll("cuts") double cut)
            throws Exception {
        byte[] bytes = Arrays.copyOf(document, (int) Math.ceil(document.length * cut));
        for (int i = 0; i + 1 < damage.length && bytes.length > 0; i += 2) {
            bytes[damage[i] % bytes.length] = (byte) damage[i + 1];
        }
        String fast = EncoderTest.encode(bytes, EncoderTest.CONFIG);
        assertNotNull(fast);
        if (fast.endsWith("\n")) {
            assertEquals(
                    EncoderTest.sorted(
                            withoutZeroSigns(EncoderTest.encode(EncoderTest.convert(bytes), EncoderTest.CONFIG))),
                    EncoderTest.sorted(withoutZeroSigns(fast)));
        }
    }

    private static String withoutZeroSigns(String line) {
        return line.replace("=-0.0", "=0.0");
    }

    @Provide
    Arbitrary<byte[]> documents() {
        List<byte[]> documents = new ArrayList<>();
        for (String text : List.of(
                "{\"id\":\"1\",\"type\":\"PushEvent\",\"repo\":\"a/b\",\"ts\":\"2026-11-24T04:00:00Z\"}",
                "{\"a\":{\"b\":-12.5e-3,\"c\":[1,\"x\"]},\"s\":\"\\u00e9\\n\\\"é😀\",\"ts\":1700000000000}",
                " { \"a\" : -12 ,\n\"b\":0,\t\"c\" : null, \"d\":100000000000000000,\"ts\":1700000000} ",
                "{\"t\":true,\"f\":false,\"n\":null,\"l\":9223372036854775807,\"ts\":1700000000}")) {
            documents.add(text.getBytes(StandardCharsets.UTF_8));
        }
        return Arbitraries.of(documents);
    }

    @Provide
    Arbitrary<int[]> damages() {
        return Arbitraries.integers().between(0, 255).array(int[].class).ofMaxSize(6);
    }

    @Provide
    Arbitrary<Double> cuts() {
        return Arbitraries.frequencyOf(
                Tuple.of(3, Arbitraries.just(1.0)),
                Tuple.of(1, Arbitraries.doubles().between(0, 1)));
    }
}
