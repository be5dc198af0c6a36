package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.json.JsonConverter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** JSON with its schema, as bytes: the same rows as by JsonConverter. */
class EnvelopeTest {
    private static final Map<String, String> CONFIG = new HashMap<>(EncoderTest.CONFIG);
    private static final String END = " 1700000000000000000\n";

    static {
        CONFIG.put("value.format", "json_envelope");
    }

    /** What Kafka's own converter writes. */
    private static byte[] write(Struct value) {
        try (JsonConverter converter = new JsonConverter()) {
            converter.configure(Map.of("schemas.enable", "true"), false);
            return converter.fromConnectData("t", value.schema(), value);
        }
    }

    @Test
    void plainAndLogicalTypes() throws Exception {
        Schema plain = SchemaBuilder.struct()
                .field("s", Schema.STRING_SCHEMA)
                .field("d", Schema.FLOAT64_SCHEMA)
                .field("list", SchemaBuilder.array(Schema.INT32_SCHEMA).build())
                .field(
                        "map",
                        SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.BOOLEAN_SCHEMA)
                                .build())
                .field("none", Schema.OPTIONAL_INT32_SCHEMA)
                .field("ts", Schema.INT64_SCHEMA)
                .build();
        Schema logical = SchemaBuilder.struct()
                .field("dec", Decimal.schema(2))
                .field("ts", Timestamp.SCHEMA)
                .build();
        Struct first = new Struct(plain)
                .put("s", "a")
                .put("d", 5.0)
                .put("list", List.of(1, 2))
                .put("map", Map.of("k", true))
                .put("ts", 1_700_000_000L);
        Struct second = new Struct(logical)
                .put("dec", new BigDecimal("12.30"))
                .put("ts", new java.util.Date(1_700_000_000_000L));
        for (int i = 0; i < 2; i++) {
            assertEquals(EncoderTest.encode(first, CONFIG), EncoderTest.encode(write(first), CONFIG));
            assertEquals("t dec=\"12.30\"" + END, EncoderTest.encode(write(second), CONFIG));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            { "schema" : null , "payload" : {"a":1,"ts":1700000000} }                  | t a=1i
            {"payload":{"a":1,"ts":1700000000},"schema":null}                          | t a=1i
            {"schema":{"type":"struct","fields":[{"field":"a","type":"int64","default":7},{"field":"ts","type":"int64"}]},"payload":{"ts":1700000000}} | t a=7i
            {"schema":null,"payload":{"a":1,"ts":1700000000},"more":1}                 | not JSON
            {"a":1,"ts":1700000000}                                                    | not JSON with a schema
            {"schema":null,"payload":null}                                             | no field but the timestamp
            {"schema":                                                                 | not JSON with a schema
            [1]                                                                        | not JSON with a schema
            """)
    void otherForms(String json, String expected) throws Exception {
        String actual = EncoderTest.encode(json.getBytes(StandardCharsets.UTF_8), CONFIG);
        assertTrue(actual.startsWith(expected), actual);
    }
}
