package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.connect.json.JsonConverter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a real QuestDB makes of values for each of its types, by both paths; docs/sink.md has the same types. */
class TypesTest {
    /** The types of QuestDB's documentation. INTERVAL can't be the type of a column. */
    private static final Set<String> DOCUMENTED = Set.of(
            "ARRAY",
            "BINARY",
            "BOOLEAN",
            "BYTE",
            "CHAR",
            "DATE",
            "DECIMAL",
            "DOUBLE",
            "FLOAT",
            "GEOHASH",
            "INT",
            "IPv4",
            "LONG",
            "LONG256",
            "SHORT",
            "STRING",
            "SYMBOL",
            "TIMESTAMP",
            "TIMESTAMP_NS",
            "UUID",
            "VARCHAR");

    /**
     * Type, JSON, and what QuestDB's answer to a query holds, or after a ✗ words of the reason for the dead-letter topic.
     * A * is before what only the path of bytes can keep.
     */
    private static final String EXAMPLES =
            """
            BOOLEAN       | true                  | true
            BOOLEAN       | 1                     | ✗ cast error from protocol type: INTEGER
            BYTE          | -128                  | -128
            BYTE          | 128                   | ✗ out bounds
            SHORT         | 32767                 | 32767
            SHORT         | 1.5                   | ✗ cast error from protocol type: FLOAT
            INT           | 2147483647            | 2147483647
            INT           | 2147483648            | ✗ out bounds
            INT           | -2147483648           | ✗ keeps for null
            LONG          | -9223372036854775807  | -9223372036854775807
            LONG          | "5"                   | ✗ cast error from protocol type: STRING
            FLOAT         | 1.5                   | 1.5
            FLOAT         | 5                     | 5.0
            FLOAT         | 1e39                  | ✗ beyond the range of FLOAT
            DOUBLE        | 1e-300                | 1.0E-300
            DOUBLE        | 5                     | 5.0
            CHAR          | "a"                   | "a"
            CHAR          | "ab"                  | ✗ cast error from protocol type: STRING
            VARCHAR       | "é\\u20ac"            | "é€"
            VARCHAR       | 5                     | ✗ cast error from protocol type: INTEGER
            STRING        | "é"                   | "é"
            SYMBOL        | "a b"                 | "a b"
            SYMBOL        | 5                     | "5"
            SYMBOL        | 1.5                   | "1.5"
            SYMBOL        | false                 | "false"
            UUID          | "11111111-2222-3333-4444-55555555555A" | "11111111-2222-3333-4444-55555555555a"
            UUID          | "11111111"            | ✗ cast error from protocol type: STRING
            LONG256       | "0x00ff"              | "0xff"
            LONG256       | 255                   | "0xff"
            LONG256       | *18446744073709551616 | "0x010000000000000000"
            LONG256       | "ff"                  | ✗ not like 0x1f
            IPv4          | "192.168.0.1"         | "192.168.0.1"
            IPv4          | "0.0.0.0"             | ✗ keeps 0.0.0.0 for null
            IPv4          | "1.2.3"               | ✗ cast error from protocol type: STRING
            GEOHASH(4c)   | "gcpvh"               | "gcpv"
            GEOHASH(4c)   | "gcp"                 | ✗ a geohash of at least 4 characters
            GEOHASH(7b)   | "gc"                  | "0111101"
            GEOHASH(12c)  | "gcpvhgcpvhgc"        | "gcpvhgcpvhgc"
            DATE          | "2023-11-14T22:13:20.123Z" | "2023-11-14T22:13:20.123Z"
            DATE          | 1700000000            | "2023-11-14T22:13:20.000Z"
            TIMESTAMP     | "2023-11-14T22:13:20.123456Z" | "2023-11-14T22:13:20.123456Z"
            TIMESTAMP     | 1700000000123         | "2023-11-14T22:13:20.123000Z"
            TIMESTAMP     | -1                    | "1969-12-31T23:59:59.000000Z"
            TIMESTAMP_NS  | "2023-11-14T22:13:20.123456789+01:00" | "2023-11-14T21:13:20.123456789Z"
            TIMESTAMP_NS  | 1700000000.25         | "2023-11-14T22:13:20.250000000Z"
            DECIMAL(18,4) | 0.1                   | "0.1000"
            DECIMAL(18,4) | -5                    | "-5.0000"
            DECIMAL(18,4) | *12345678901234.5678  | "12345678901234.5678"
            DECIMAL(18,4) | "12345678901234.5678" | "12345678901234.5678"
            DECIMAL(18,4) | 0.12345               | ✗ cannot be converted
            DECIMAL(18,4) | "NaN"                 | ✗ not a decimal number
            DECIMAL(76,0) | *1234567890123456789012345678901234567890123456789012345678901234567890123456 | "1234567890123456789012345678901234567890123456789012345678901234567890123456"
            DOUBLE[]      | [1, 2.5, null]        | [1.0,2.5,null]
            DOUBLE[]      | ["9000.5", "-2e3"]    | [9000.5,-2000.0]
            DOUBLE[]      | []                    | []
            DOUBLE[]      | [[1]]                 | ✗ its column has 1
            DOUBLE[]      | 1                     | ✗ cast error from protocol type: INTEGER
            DOUBLE[][]    | [[1, 2], [3, 4]]      | [[1.0,2.0],[3.0,4.0]]
            DOUBLE[][]    | [[1, 2], [3]]         | ✗ its lists differ in length
            DOUBLE[][]    | []                    | []
            DOUBLE[][][]  | [[[1], [2]], [[3], [4]]] | [[[1.0],[2.0]],[[3.0],[4.0]]]
            BINARY        | "abc"                 | ✗ cast error from protocol type: STRING
            """;

    /** @param bytesOnly whether JsonConverter loses something of it before the sink sees it */
    private record Example(String json, boolean bytesOnly, String stored) {
        boolean isRefused() {
            return stored.startsWith("✗");
        }
    }

    private static Map<String, List<Example>> examples() {
        Map<String, List<Example>> examples = new LinkedHashMap<>();
        EXAMPLES.lines().map(line -> line.split(" *\\| *")).forEach(cells -> {
            boolean bytesOnly = cells[1].startsWith("*");
            examples.computeIfAbsent(cells[0].strip(), type -> new ArrayList<>())
                    .add(new Example(cells[1].substring(bytesOnly ? 1 : 0), bytesOnly, cells[2].strip()));
        });
        return examples;
    }

    static Stream<String> types() {
        return examples().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("types")
    void isStoredOrRefused(String type) throws Exception {
        check(type, "bytes", examples().get(type), Map.of());
        List<Example> ofBoth = examples().get(type).stream()
                .filter(example -> !example.bytesOnly)
                .toList();
        check(type, "generic", ofBoth, Map.of("value.converter", JsonConverter.class.getName()));
    }

    /** One table for a type, with a column for each example. */
    private static void check(String type, String path, List<Example> examples, Map<String, String> config)
            throws Exception {
        QuestDb db = QuestDb.shared();
        String table = "types_" + path + '_' + type.replaceAll("\\W", "_");
        db.query("CREATE TABLE " + table + " (timestamp TIMESTAMP"
                + columns(examples.size(), i -> ", c" + i + ' ' + type)
                + ") TIMESTAMP(timestamp) PARTITION BY DAY WAL");
        try (TaskRun run = new TaskRun(db.conf(), table, config)) {
            run.deliver(IntStream.range(0, examples.size())
                    .mapToObj(i -> "{\"c%d\":%s,\"ts\":%d}".formatted(i, examples.get(i).json, 1_700_000_000 + i))
                    .toList());
            List<String> wanted = examples.stream()
                    .filter(Example::isRefused)
                    .map(example -> example.stored.substring(2))
                    .toList();
            assertEquals(
                    wanted.size(), run.reasons().size(), () -> run.reasons().toString());
            for (String words : wanted) {
                assertTrue(
                        run.reasons().stream().anyMatch(reason -> reason.contains(words)),
                        () -> words + ": " + run.reasons());
            }
        }
        db.awaitCount(
                table, examples.stream().filter(example -> !example.isRefused()).count());
        assertStored(db, table, examples);
        db.query("DROP TABLE " + table);
    }

    private static String columns(int count, java.util.function.IntFunction<String> each) {
        return IntStream.range(0, count).mapToObj(each).collect(Collectors.joining());
    }

    private static void assertStored(QuestDb db, String table, List<Example> examples) throws Exception {
        for (int i = 0; i < examples.size(); i++) {
            if (!examples.get(i).isRefused()) {
                JsonNode rows = db.query("SELECT c%d FROM %s WHERE timestamp = %dL"
                        .formatted(i, table, (1_700_000_000L + i) * 1_000_000));
                assertEquals(examples.get(i).stored, rows.get(0).get(0).toString());
            }
        }
    }

    @Test
    void everyDocumentedTypeHasExamplesAndItsPlaceOnThePage() throws IOException {
        Set<String> tested = types().map(type -> type.contains("[") ? "ARRAY" : type.replaceAll("\\(.*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(DOCUMENTED), tested);
        assertEquals(tested, typesOnThePage());
    }

    private static Set<String> typesOnThePage() throws IOException {
        String page = Files.readString(Path.of("..", "..", "docs", "sink.md"));
        String table =
                page.replaceFirst("(?s).*\n\\| QuestDB's type \\|[^\n]*\n", "").replaceFirst("(?s)\n\n.*", "");
        Set<String> types = new TreeSet<>();
        table.lines().skip(1).forEach(row -> {
            Matcher name = Pattern.compile("`([^`]+)`").matcher(row.split("\\|")[1]);
            while (name.find()) {
                types.add(name.group(1).contains("[") ? "ARRAY" : name.group(1).replaceAll("\\(.*", ""));
            }
        });
        return types;
    }
}
