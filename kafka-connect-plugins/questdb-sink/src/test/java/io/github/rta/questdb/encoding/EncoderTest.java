package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.rta.questdb.config.SinkConfig;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What line each record gives, or why none: by the fast path and, the same, by the generic one. */
public class EncoderTest {
    public static final Map<String, String> CONFIG = Map.of(
            "client.conf.string",
            "http::addr=localhost;",
            "timestamp.field.name",
            "ts",
            "include.key",
            "false",
            "columns",
            "extend",
            "symbols",
            "sym",
            "doubles",
            "dbl",
            "timestamp.string.fields",
            "seen");
    static final Map<String, String> STRICT =
            Map.of("client.conf.string", "http::addr=localhost;", "timestamp.field.name", "ts", "include.key", "false");
    private static final String TS = ",\"ts\":\"2023-11-14T22:13:20Z\"}";
    private static final String END = " 1700000000000000000\n";

    static Stream<Arguments> rows() {
        return Stream.of(
                row("{\"s\":\"a\"", "t s=\"a\""),
                row("{\"s\":\"\"", "t s=\"\""),
                row("{\"s\":\"q\\\"b\\\\n\\nr\\rt\\tz\\u0000\"", "t s=\"q\\\"b\\\\n\\\nr\\\rt\tz\u0000\""),
                row("{\"s\":\"é€\uD83D\uDE00 ,=\"", "t s=\"é€\uD83D\uDE00 ,=\""),
                row("{\"s\":\"\\ud83d\\ude00\"", "t s=\"\uD83D\uDE00\""),
                row("{\"i\":9223372036854775807,\"j\":-1,\"k\":0", "t i=9223372036854775807i,j=-1i,k=0i"),
                row("{\"d\":1.5,\"f\":1e-7", "t d=1.5,f=1.0E-7"),
                row("{\"a\":true,\"b\":false,\"c\":null", "t a=t,b=f"),
                row("{\"dbl\":5", "t dbl=5"),
                row("{\"sym\":\"a b,c=d\",\"x\":1", "t,sym=a\\ b\\,c\\=d x=1i"),
                row("{\"x\":1,\"sym\":\"late\"", "t,sym=late x=1i"),
                row("{\"o\":{\"p\":{\"q\":1},\"r\":\"s\"},\"u.v\":2", "t o_p_q=1i,o_r=\"s\",u_v=2i"),
                row("{\"o\":{\"p\":1},\"p\":2", "t o_p=1i,p=2i"),
                row("{\"seen\":\"2023-11-14T22:13:20.5Z\",\"x\":1", "t seen=1700000000500000000n,x=1i"),
                row("{\"seen\":1700000000,\"x\":1", "t seen=1700000000000000000n,x=1i"));
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                refusal("{\"i\":-9223372036854775808" + TS, "field 'i' is -2^63, which QuestDB keeps for null"),
                refusal("{\"d\":1e999" + TS, "field 'd' is infinite or beyond the range of a double"),
                refusal(
                        "{\"l\":[1,[2]]" + TS,
                        "field 'l' is no array that QuestDB can store: it mixes numbers and lists"),
                refusal("{\"x\":1,\"ts\":[1]}", "timestamp field 'ts' is an array"),
                refusal("{\"s\":\"\\ud83d\"" + TS, "half of a surrogate pair, which is no character"),
                refusal("{\"a_b\":1,\"a\":{\"b\":2}" + TS, "two fields go to column 'a_b'"),
                refusal("{\"A\":1,\"a\":2" + TS, "two fields go to column 'A'"),
                refusal("{\"a b=1\\n\":{\"c\":1}" + TS, "field 'a b=1\n_c' can't be the name of a column"),
                refusal(
                        "{\"timestamp\":1" + TS,
                        "field 'timestamp' is the table's designated timestamp, but timestamp.field.name says"
                                + " otherwise"),
                refusal("{\"x\":1}", "timestamp field [ts] is missing"),
                refusal("{\"x\":1,\"ts\":null}", "timestamp field [ts] is missing"),
                refusal("{\"x\":1,\"ts\":true}", "timestamp field 'ts' is a boolean"),
                refusal(
                        "{\"x\":1,\"ts\":1.5}",
                        "timestamp 1970-01-01T00:00:01.500Z is not between timestamp.min and timestamp.max: a wrong"
                                + " unit?"),
                refusal("{\"ts\":1700000000}", "no field but the timestamp"),
                refusal("[1]", "an array, not an object"));
    }

    /** A value as the type of its column wants it, by both paths. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            TIMESTAMP     | 1700000000                | 1700000000000000t
            TIMESTAMP     | 1700000000123             | 1700000000123000t
            TIMESTAMP     | 1700000000123456          | 1700000000123456t
            TIMESTAMP     | 1700000000123456789       | 1700000000123456t
            TIMESTAMP     | 1700000000.25             | 1700000000250000t
            TIMESTAMP     | "2023-11-14T22:13:20Z"    | 1700000000000000t
            TIMESTAMP     | "9999-12-31T23:59:59Z"    | 253402300799000000t
            TIMESTAMP     | "1985-03-02"              | 478569600000000t
            TIMESTAMP     | -478569600                | -478569600000000t
            TIMESTAMP_NS  | 1700000000123             | 1700000000123000000n
            TIMESTAMP_NS  | 1700000000123456789       | 1700000000123456789n
            DATE          | 1700000000123             | 1700000000123000t
            DATE          | "2023-11-14"              | 1699920000000000t
            DECIMAL(18,4) | 12                        | "12"
            DECIMAL(18,4) | -9223372036854775808      | "-9223372036854775808"
            DECIMAL(18,4) | "12345678901234.5678"     | "12345678901234.5678"
            DECIMAL(18,4) | 0.1                       | "0.1"
            SYMBOL        | 5                         | "5"
            SYMBOL        | 5.5                       | "5.5"
            SYMBOL        | true                      | "true"
            SYMBOL        | "a b"                     | "a b"
            VARCHAR       | 5                         | 5i
            DOUBLE        | 5                         | 5i
            LONG          | -5                        | -5i
            INT           | -2147483647               | -2147483647i
            FLOAT         | 1e38                      | 1.0E38
            LONG256       | 31                        | 0x1fi
            LONG256       | "0x1F"                    | 0x1Fi
            IPv4          | "1.2.3.4"                 | "1.2.3.4"
            GEOHASH(4c)   | "GCPVh"                   | "GCPVh"
            GEOHASH(7b)   | "gc"                      | "gc"
            """)
    void byTypeOfColumn(String type, String value, String written) throws Exception {
        byte[] json = ("{\"c\":" + value + TS).getBytes(StandardCharsets.UTF_8);
        for (Object record : List.of(json, convert(json))) {
            assertEquals("t c=" + written + END, encodeAs(type, record, STRICT));
        }
    }

    /** A double would lose digits, and the converter has made one of it. */
    @ParameterizedTest
    @CsvSource({
        "'DECIMAL(38,4)', 12345678901234.5678",
        "'DECIMAL(60,0)', 12345678901234567890123",
        "'DECIMAL(18,4)', 1.5E2",
        "'DECIMAL(76,20)', 0.12345678901234567890"
    })
    void bytesKeepAllDigits(String type, String value) throws Exception {
        assertEquals("t c=\"" + value + "\"" + END, encodeAs(type, "{\"c\":" + value + TS, STRICT));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            TIMESTAMP    | true                   | TIMESTAMP is no boolean
            TIMESTAMP    | "soon"                 | timestamp 'soon' is not ISO 8601: not like 2026-11-24T04:00:00Z
            TIMESTAMP_NS | "9999-12-31T23:59:59Z" | timestamp '9999-12-31T23:59:59Z' is not ISO 8601: long overflow
            TIMESTAMP    | 1e99                   | timestamp 1E+99 is beyond the year 2262
            TIMESTAMP    | 1e999999999            | timestamp 1E+999999999 is no time
            TIMESTAMP    | 1e-999999999           | timestamp 1E-999999999 is no time
            INT          | -2147483648            | field 'c' is -2^31, which QuestDB keeps for null
            FLOAT        | 1e39                   | field 'c' is beyond the range of FLOAT
            LONG256      | "1f"                   | field 'c' is '1f', not like 0x1f, of at most 256 bits
            LONG256      | "0xg"                  | field 'c' is '0xg', not like 0x1f, of at most 256 bits
            LONG256      | -1                     | field 'c' is '-1', not like 0x1f, of at most 256 bits
            LONG256      | 1.5                    | field 'c' is '1.5', not like 0x1f, of at most 256 bits
            IPv4         | "0.0.0.0"              | field 'c' is '0.0.0.0', not an address; QuestDB keeps 0.0.0.0 for null
            GEOHASH(4c)  | "gcp"                  | field 'c' is 'gcp', not a geohash of at least 4 characters
            GEOHASH(4c)  | "gcpa"                 | field 'c' is 'gcpa', not a geohash of at least 4 characters
            GEOHASH(6b)  | "g"                    | field 'c' is 'g', not a geohash of at least 2 characters
            DECIMAL(5,2) | "NaN"                  | field 'c' is 'NaN', not a decimal number
            """)
    void notOfThatType(String type, String value, String reason) throws Exception {
        String actual = encodeAs(type, "{\"c\":" + value + TS, STRICT);
        // QuestDB says the first one itself.
        assertEquals(value.equals("true") ? "t c=t" + END : reason, actual);
    }

    @Test
    void integersBeyond64Bits() throws Exception {
        String json = "{\"c\":9223372036854775808" + TS;
        assertEquals("field 'c' is an integer beyond 64 bits", encodeAs("LONG", json, STRICT));
        assertEquals("t c=0x8000000000000000i" + END, encodeAs("LONG256", json, STRICT));
    }

    /** The numbers of an array are binary: of the line only its shape is shown here. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            DOUBLE[]     | [1, 2.5, null]        | 3
            DOUBLE[]     | ["1.5", "-2e3"]       | 2
            DOUBLE[]     | []                    | 0
            DOUBLE[][]   | [[1, 2], [3, 4]]      | 2 2
            DOUBLE[][]   | []                    | 0 0
            DOUBLE[][]   | [[], []]              | 0 0
            DOUBLE[][][] | [[[1], [2], [3]]]     | 1 3 1
            DOUBLE[]     | [[1]]                 | field 'c' is an array of 2 dimensions, its column has 1
            DOUBLE[][]   | [[1, 2], [3]]         | its lists differ in length
            DOUBLE[][]   | [[1], []]             | its lists differ in length
            DOUBLE[][]   | [[], [1]]             | its lists differ in length
            DOUBLE[][]   | [[1], 2]              | it mixes numbers and lists
            DOUBLE[][]   | [1, [2]]              | it mixes numbers and lists
            DOUBLE[][]   | [[[]], []]            | its lists differ in length
            DOUBLE[]     | [1, "x"]              | 'x' is no number
            DOUBLE[]     | [true]                | it holds a boolean
            DOUBLE[]     | [{"a": [1]}, 2]       | it holds an object
            DOUBLE[]     | [1e999]               | one number is infinite or beyond the range of a double
            VARCHAR      | [1]                   | field 'c' is an array, its column is none (arrays=error)
            """)
    void arraysOfNumbers(String type, String value, String expected) throws Exception {
        byte[] json = ("{\"c\":" + value + TS).getBytes(StandardCharsets.UTF_8);
        for (Object record : List.of(json, convert(json))) {
            String line = encodeAs(type, record, STRICT);
            String actual = line.startsWith("t c==") ? shape(line) : line;
            assertEquals(expected, actual.replaceFirst(".* can store: ", ""));
        }
        assertTrue(encodeAs("DOUBLE[]", "{\"c\":" + "[".repeat(40) + "]".repeat(40) + TS, STRICT)
                .endsWith("it has more than 32 dimensions"));
    }

    private static String shape(String line) {
        StringBuilder shape = new StringBuilder();
        for (int i = 0; i < line.charAt(7); i++) {
            shape.append(i == 0 ? "" : " ").append((int) line.charAt(8 + 4 * i));
        }
        return shape.toString();
    }

    /** What an array is where QuestDB is to create its column. */
    @Test
    void newColumnsOfArrays() throws Exception {
        for (String array : List.of("[1]", "[[1.5,null]]")) {
            assertTrue(encode("{\"l\":" + array + TS, CONFIG).startsWith("t l=="));
            assertTrue(encode("{\"l\":" + array + TS, with("arrays", "skip")).startsWith("t l=="));
            assertTrue(encode("{\"l\":" + array + TS, with("arrays", "json")).startsWith("t l=\"["));
        }
        for (String array : List.of("[]", "[[],[]]")) { // Of which dimensions the column is to be is unknown.
            assertEquals("t x=1i" + END, encode("{\"l\":" + array + ",\"x\":1" + TS, CONFIG));
        }
        assertTrue(encode("{\"l\":[\"1\"]" + TS, CONFIG).endsWith("it holds text"));
        assertEquals("t x=1i" + END, encode("{\"l\":[\"1\",2],\"x\":1" + TS, with("arrays", "skip")));
        assertEquals("table t has no column 'l' (columns=strict)", encode("{\"l\":[1]" + TS, STRICT));
        assertEquals("no field but the timestamp", encode("{\"l\":[1]" + TS, with(STRICT, "arrays", "skip")));
    }

    @Test
    void boundsHoldForAllColumnsIfGiven() throws Exception {
        String born = "{\"c\":\"1985-03-02\"" + TS;
        assertEquals("t c=478569600000000t" + END, encodeAs("TIMESTAMP", born, STRICT));
        assertEquals(
                "timestamp 1985-03-02T00:00:00Z is not between timestamp.min and timestamp.max: a wrong unit?",
                encodeAs("TIMESTAMP", born, with(STRICT, "timestamp.min", "2000-01-01T00:00:00Z")));
        assertEquals(
                "timestamp 1970-01-21T11:11:35.700Z is not between timestamp.min and timestamp.max: a wrong unit?",
                encodeAs(
                        "TIMESTAMP",
                        "{\"c\":1768295700" + TS,
                        with(with(STRICT, "timestamp.min", "2000-01-01T00:00:00Z"), "timestamp.units", "millis")));
    }

    @Test
    void theLatestTimestampIsASettingToo() throws Exception {
        assertEquals("t x=1i" + END, encode("{\"x\":1" + TS, with("timestamp.max", "2023-11-14T22:13:20Z")));
        assertEquals(
                "timestamp 2023-11-14T22:13:20Z is not between timestamp.min and timestamp.max: a wrong unit?",
                encode("{\"x\":1" + TS, with("timestamp.max", "2023-11-14T22:13:19Z")));
    }

    @Test
    void symbolsTakeAnyTypeAlsoWhereTheyAreYetToBeCreated() throws Exception {
        Map<String, String> config = with("symbols", "a,b,c");
        String json = "{\"a\":5,\"b\":true,\"c\":1.5,\"x\":1" + TS;
        assertEquals("t,a=5,b=true,c=1.5 x=1i" + END, encode(json, config));
        // A column that is there is told by its type: as a tag QuestDB would refuse this one.
        assertEquals("t c=\"5\"" + END, encodeAs("VARCHAR", "{\"c\":5" + TS, with(STRICT, "symbols", "c")));
    }

    /** What Debezium makes of the columns of a database. */
    @Test
    void typesOfDebezium() throws Exception {
        Schema variableScale = SchemaBuilder.struct()
                .name("io.debezium.data.VariableScaleDecimal")
                .field("scale", Schema.INT32_SCHEMA)
                .field("value", Schema.BYTES_SCHEMA)
                .build();
        Schema schema = SchemaBuilder.struct()
                .field("ts", named("io.debezium.time.MicroTimestamp", Schema.Type.INT64))
                .field("day", named("io.debezium.time.Date", Schema.Type.INT32))
                .field("ms", named("io.debezium.time.Timestamp", Schema.Type.INT64))
                .field("ns", named("io.debezium.time.NanoTimestamp", Schema.Type.INT64))
                .field("zoned", named("io.debezium.time.ZonedTimestamp", Schema.Type.STRING))
                .field("time", named("io.debezium.time.MicroTime", Schema.Type.INT64))
                .field("plain", Schema.INT64_SCHEMA)
                .field("any", variableScale)
                .build();
        Struct struct = new Struct(schema)
                .put("ts", 1_700_000_000_000_000L)
                .put("day", 1)
                .put("ms", 2L)
                .put("ns", 3L)
                .put("zoned", "1970-01-01T01:00:00.000000005+01:00")
                .put("time", 6L)
                .put("plain", 4L)
                .put("any", new Struct(variableScale).put("scale", 2).put("value", new byte[] {1, 0}));
        assertEquals(
                "t day=86400000000000n,ms=2000000n,ns=3n,zoned=5n,time=6i,plain=4i,any=\"2.56\"" + END,
                encode(struct, CONFIG));
    }

    private static Schema named(String name, Schema.Type type) {
        return new SchemaBuilder(type).name(name).build();
    }

    /** What JsonConverter has already changed when the sink sees it: 2^63 wraps round, -0.0 loses its sign. */
    static Stream<Arguments> onlyBytesKeep() {
        return Stream.of(
                row("{\"e\":-0.0", "t e=-0.0"),
                refusal("{\"i\":9223372036854775808" + TS, "field 'i' is an integer beyond 64 bits"),
                refusal("{\"a\":1,\"a\":null" + TS, "field 'a' is there twice"),
                refusal("{\"a\":{\"b\":1},\"a\":{}" + TS, "field 'a' is there twice"),
                refusal("{\"a\":1} {}", "not JSON: more follows after the value"),
                refusal("", "empty"),
                refusal("{\"a\":1,", "not JSON: Unexpected end-of-input"),
                refusal("{\"a\":NaN}", "not JSON: Non-standard token 'NaN'"));
    }

    private static Arguments row(String json, String line) {
        return Arguments.of(json + TS, line + END);
    }

    private static Arguments refusal(String json, String reason) {
        return Arguments.of(json, reason);
    }

    @ParameterizedTest
    @MethodSource({"rows", "refusals", "onlyBytesKeep"})
    void fastPath(String json, String expected) throws Exception {
        String actual = encode(json.getBytes(StandardCharsets.UTF_8), CONFIG);
        // Jackson's own explanations go on after what is checked here.
        assertEquals(expected, expected.startsWith("not JSON") ? actual.substring(0, expected.length()) : actual);
    }

    @ParameterizedTest
    @MethodSource({"rows", "refusals"})
    void genericPath(String json, String expected) throws Exception {
        // Objects keep no order, so neither do their fields.
        assertEquals(sorted(expected), sorted(encode(convert(json.getBytes(StandardCharsets.UTF_8)), CONFIG)));
    }

    @ParameterizedTest
    @MethodSource("invalidUtf8")
    void invalidUtf8(String hex) throws Exception {
        byte[] bad = HexFormat.of().parseHex(hex);
        byte[] json = "{\"s\":\"?\",\"ts\":1700000000}".getBytes(StandardCharsets.UTF_8);
        byte[] value = new byte[json.length - 1 + bad.length];
        System.arraycopy(json, 0, value, 0, 6);
        System.arraycopy(bad, 0, value, 6, bad.length);
        System.arraycopy(json, 7, value, 6 + bad.length, json.length - 7);
        assertTrue(encode(value, CONFIG).startsWith("not UTF-8"));
    }

    /** A stray continuation, a cut sequence, an overlong one, half a surrogate pair, beyond Unicode. */
    static Stream<String> invalidUtf8() {
        return Stream.of("80", "c3", "c080", "eda080", "f5808080");
    }

    @Test
    void everyTypeOfStruct() throws Exception {
        Schema inner = SchemaBuilder.struct().field("x", Schema.INT8_SCHEMA).build();
        Schema schema = SchemaBuilder.struct()
                .field("ts", Timestamp.SCHEMA)
                .field("i16", Schema.INT16_SCHEMA)
                .field("i64", Schema.INT64_SCHEMA)
                .field("f32", Schema.FLOAT32_SCHEMA)
                .field("f64", Schema.FLOAT64_SCHEMA)
                .field("nan", Schema.FLOAT64_SCHEMA)
                .field("b", Schema.BOOLEAN_SCHEMA)
                .field("s", Schema.STRING_SCHEMA)
                .field("none", Schema.OPTIONAL_STRING_SCHEMA)
                .field("dec", Decimal.schema(2))
                .field("day", Date.SCHEMA)
                .field("time", Time.SCHEMA)
                .field("in", inner)
                .field(
                        "map",
                        SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT32_SCHEMA)
                                .build())
                .field("list", SchemaBuilder.array(inner).build());
        Struct struct = new Struct(schema)
                .put("ts", new java.util.Date(1_700_000_000_000L))
                .put("i16", (short) 1)
                .put("i64", 2L)
                .put("f32", 0.5f)
                .put("f64", 2.5)
                .put("nan", Double.NaN)
                .put("b", true)
                .put("s", "x")
                .put("dec", new BigDecimal("12.30"))
                .put("day", new java.util.Date(1_699_920_000_000L))
                .put("time", new java.util.Date(1000))
                .put("in", new Struct(inner).put("x", (byte) 3))
                .put("map", Map.of("k", 4))
                .put("list", List.of(new Struct(inner).put("x", (byte) 5)));
        assertEquals(
                "t i16=1i,i64=2i,f32=0.5,f64=2.5,b=t,s=\"x\",dec=\"12.30\",day=1699920000000000000n,time=1000i,"
                        + "in_x=3i,map_k=4i,list=\"[{\\\"x\\\":5}]\"" + END,
                encode(struct, with("arrays", "json")));
    }

    @Test
    void arrays() throws Exception {
        byte[] json = "{\"l\":[1, {\"a\":[null,\"ü\"]}],\"x\":1,\"ts\":1700000000}".getBytes(StandardCharsets.UTF_8);
        for (Object value : List.of(json, convert(json))) {
            String text = "l=\"[1,{\\\"a\\\":[null,\\\"ü\\\"]}]\"";
            assertTrue(encode(value, with("arrays", "json")).contains(text));
            assertEquals("t x=1i" + END, encode(value, with("arrays", "skip")));
            assertEquals("t x=1i" + END, encode(value, with("skip.unsupported.types", "true")));
        }
    }

    @Test
    void strictRefusesUnknownFieldsAndRequiredOnesMustBeThere() throws Exception {
        Map<String, String> config = new HashMap<>(with("columns", "strict"));
        config.put("required.fields", "id");
        assertEquals("t id=\"a\"" + END, encode("{\"id\":\"a\"" + TS, config));
        assertEquals("table t has no column 'ix' (columns=strict)", encode("{\"ix\":\"a\"" + TS, config));
        assertEquals("required field 'id' is missing", encode("{\"id\":null" + TS, config));
    }

    @Test
    void keysAndTables() throws Exception {
        Map<String, String> config = new HashMap<>(with("include.key", "true"));
        config.put("table", "${topic}_${partition}_${key}");
        config.put("value.prefix", "v");
        assertEquals(
                "t_3_k key=\"k\",v_a=1i" + END,
                encode("k", Map.of("a", 1, "ts", 1700000000L), with(config, "timestamp.field.name", "v_ts")));
        assertEquals(
                "t_3_k key=\"k\",v_a=1i" + END,
                encode(
                        "k".getBytes(StandardCharsets.UTF_8),
                        "{\"a\":1" + TS,
                        with(config, "timestamp.field.name", "v_ts")));
        assertEquals(
                "t k_id=1i,a=2i" + END,
                encode(
                        Map.of("id", 1),
                        Map.of("a", 2, "ts", 1700000000L),
                        with(with("include.key", "true"), "key.prefix", "k")));
        assertEquals("'t_3_a/b' can't be the name of a table", encode("a/b", Map.of(), config));
        assertEquals(
                "t key_id=1i,a=2i" + END,
                encode(Map.of("id", 1), Map.of("a", 2, "ts", 1700000000L), with("include.key", "true")));
    }

    @Test
    void kafkaTimeAndSeveralTimestampFields() throws Exception {
        Map<String, String> kafka = new HashMap<>(with("timestamp.kafka.native", "true"));
        kafka.remove("timestamp.field.name");
        assertEquals("t a=1i" + END, encode("{\"a\":1}", kafka));
        Map<String, String> joined = new HashMap<>(with("timestamp.field.name", "day,time"));
        joined.put("timestamp.string.format", "yyyyMMddHHmmss");
        assertEquals("t a=1i" + END, encode("{\"time\":\"221320\",\"a\":1,\"day\":\"20231114\"}", joined));
        assertEquals("t a=1i" + END, encode("{\"time\":221320,\"a\":1,\"day\":20231114}", joined));
        assertEquals(
                "timestamp.field.name has several fields: each must be text or an integer",
                encode("{\"time\":1.5,\"a\":1,\"day\":20231114}", joined));
    }

    @Test
    void aTimestampOfAnEarlierRecordIsNotUsedAgain() throws Exception {
        SinkConfig config = new SinkConfig(with("timestamp.field.name", "day,time"));
        RecordEncoder encoder = new RecordEncoder(config, table -> table(Map.of()));
        assertEquals(
                "t a=1i" + END,
                encode(encoder, record(null, "{\"a\":1,\"day\":\"2023-11-14T\",\"time\":\"22:13:20Z\"}")));
        assertEquals(
                "timestamp field [day, time] is missing",
                encode(encoder, record(null, "{\"a\":1,\"day\":\"2023-11-14T\"}")));
    }

    @Test
    void deepNestingIsRefused() throws Exception {
        String json = "{\"name\":".repeat(900) + "1" + "}".repeat(900);
        assertTrue(encode(json, CONFIG).startsWith("a field has a name longer than 127 characters"));
        assertTrue(encode("[".repeat(5000), with("arrays", "skip")).startsWith("an array"));
        assertTrue(encode("{\"a\":" + "[".repeat(5000), with("arrays", "skip")).startsWith("not JSON"));
    }

    @Test
    void aRequiredColumnThatTheTableLacksIsNoFaultOfTheRecord() throws Exception {
        RecordEncoder encoder = new RecordEncoder(
                new SinkConfig(with(STRICT, "required.fields", "idd")), table -> table(Map.of("id", "VARCHAR")));
        NoTable e = assertThrows(NoTable.class, () -> encode(encoder, record(null, "{\"id\":\"a\"" + TS)));
        assertEquals(
                "it has no column 'idd', which required.fields names: add it, or take it out there", e.getMessage());
    }

    /** What is known of a table, and how often the server is asked. */
    @Test
    void noRecordIsRefusedOnAnOldView() throws Exception {
        List<Supplier<io.github.rta.questdb.encoding.Schema>> answers = new ArrayList<>();
        answers.add(() -> table(Map.of("a", "LONG")));
        RecordEncoder encoder = new RecordEncoder(
                new SinkConfig(STRICT), table -> answers.remove(0).get());
        assertEquals("t a=1i" + END, encode(encoder, record(null, "{\"a\":1" + TS)));
        assertEquals("t a=1i" + END, encode(encoder, record(null, "{\"a\":1" + TS)));
        // QuestDB has accepted the new column, and does not show it yet.
        answers.add(() -> changing(Map.of("a", "LONG")));
        assertThrows(Unavailable.Soon.class, () -> encode(encoder, record(null, "{\"b\":1" + TS)));
        answers.add(() -> table(Map.of("a", "LONG", "b", "TIMESTAMP")));
        assertEquals("t b=1700000000000000t" + END, encode(encoder, record(null, "{\"b\":1700000000" + TS)));
        answers.add(() -> table(Map.of("a", "LONG", "b", "TIMESTAMP")));
        assertEquals("table t has no column 'c' (columns=strict)", encode(encoder, record(null, "{\"c\":1" + TS)));
        assertEquals(List.of(), answers);
    }

    private static io.github.rta.questdb.encoding.Schema changing(Map<String, String> columns) {
        return new io.github.rta.questdb.encoding.Schema(1, columns, "timestamp", false, 0, false, System.nanoTime());
    }

    @Test
    void aTombstoneIsSkipped() throws Exception {
        assertEquals("", encode((Object) null, CONFIG));
    }

    private static Map<String, String> with(String key, String value) {
        return with(CONFIG, key, value);
    }

    private static Map<String, String> with(Map<String, String> config, String key, String value) {
        Map<String, String> changed = new HashMap<>(config);
        changed.put(key, value);
        return changed;
    }

    public static Object convert(byte[] json) {
        try (JsonConverter converter = new JsonConverter()) {
            converter.configure(Map.of("schemas.enable", "false"), false);
            SchemaAndValue converted = converter.toConnectData("t", json);
            return converted.value();
        }
    }

    /** The pieces of a line, in an order of their own. */
    public static String sorted(String line) {
        return Stream.of(line.split("[ ,]")).sorted().toList().toString();
    }

    /** The line of ILP, or the reason why there is none. */
    public static String encode(Object value, Map<String, String> config) throws Exception {
        return encode(null, value, config);
    }

    private static String encode(String json, Map<String, String> config) throws Exception {
        return encode(null, json, config);
    }

    private static String encode(Object key, String json, Map<String, String> config) throws Exception {
        return encode(key, json.getBytes(StandardCharsets.UTF_8), config);
    }

    static String encode(Object key, Object value, Map<String, String> settings) throws Exception {
        SinkConfig config = new SinkConfig(new HashMap<>(settings));
        return encode(new RecordEncoder(config, table -> table(Map.of("id", "VARCHAR"))), record(key, value));
    }

    /** The line that a table gives whose column {@code c} is of the type, or the reason why there is none. */
    private static String encodeAs(String type, Object value, Map<String, String> settings) throws Exception {
        RecordEncoder encoder = new RecordEncoder(new SinkConfig(settings), table -> table(Map.of("c", type)));
        return encode(encoder, record(null, value));
    }

    private static io.github.rta.questdb.encoding.Schema table(Map<String, String> columns) {
        Map<String, String> all = new HashMap<>(columns);
        all.put("timestamp", "TIMESTAMP");
        return new io.github.rta.questdb.encoding.Schema(1, all, "timestamp", false, 0, true, System.nanoTime());
    }

    private static String encode(RecordEncoder encoder, SinkRecord record) throws Exception {
        IlpBuffer lines = new IlpBuffer(16);
        try {
            assertEquals(record.value() != null, encoder.encode(record, lines, System.nanoTime(), false));
        } catch (BadRow e) {
            assertEquals(0, lines.length(), "part of a refused row is left");
            return e.getMessage();
        }
        return new String(lines.toArray(), StandardCharsets.UTF_8);
    }

    private static SinkRecord record(Object key, Object value) {
        Object sent = value instanceof String json ? json.getBytes(StandardCharsets.UTF_8) : value;
        return new SinkRecord("t", 3, null, key, null, sent, 7, 1_700_000_000_000L, TimestampType.CREATE_TIME);
    }
}
