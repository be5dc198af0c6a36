package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What array.mappings makes of order books and the like, by both paths. */
class LevelsTest {
    private static final String OBJECTS =
            "{\"b\":[{\"p\":1.5,\"q\":2},{\"q\":\"4\",\"x\":[1],\"p\":3}],\"ts\":1700000000}";
    private static final String LISTS = "{\"b\":[[\"1.5\",\"2\"],[3,4,{\"x\":1}]],\"ts\":1700000000}";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            b:book:p,q            | b:book:0,1            | {book=[[1.5, 3.0], [2.0, 4.0]]}
            b:price,size:p,q      | b:price,size:0,1      | {price=[1.5, 3.0], size=[2.0, 4.0]}
            b:size:q              | b:size:1              | {size=[2.0, 4.0]}
            b:b:p                 | b:b:0                 | {b=[1.5, 3.0]}
            a:x:p ; b:y,z:q,p     | a:x:p ; b:y,z:1,0     | {y=[2.0, 4.0], z=[1.5, 3.0]}
            """)
    void eachMemberBecomesAnArray(String ofObjects, String ofLists, String expected) throws Exception {
        assertEquals(expected, arrays(OBJECTS, ofObjects));
        assertEquals(expected, arrays(LISTS, ofLists));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            [{"p":1}]            | field 'b': level 1 lacks 'q'
            [[1]]                | field 'b' has a level that is neither
            [{"p":1,"q":2},3]    | field 'b' has a level that is neither
            [{"p":"x","q":2}]    | field 'b': 'p' of level 1 is no number
            [{"p":[1],"q":2}]    | field 'b': 'p' of level 1 is no number
            [{"p":1,"q":true}]   | field 'b': 'q' of level 1 is no number
            """)
    void whatIsNoLevelIsRefused(String levels, String reason) throws Exception {
        String expected = levels.equals("[[1]]") ? "field 'b': level 1 lacks 'p'" : reason;
        byte[] json = ("{\"b\":" + levels + ",\"ts\":1700000000}").getBytes(StandardCharsets.UTF_8);
        for (Object value : List.of(json, EncoderTest.convert(json))) {
            assertEquals(expected, refusal(value, "b:book:p,q").substring(0, expected.length()));
        }
    }

    @Test
    void nullIsNullAndNoLevelIsAnEmptyArray() throws Exception {
        assertEquals(
                "{price=[NaN], size=[1.0]}",
                arrays("{\"b\":[{\"p\":null,\"q\":1}],\"ts\":1700000000}", "b:price,size:p,q"));
        assertEquals("{price=[], size=[]}", arrays("{\"b\":[],\"ts\":1700000000}", "b:price,size:p,q"));
        for (String levels : List.of("[]", "[{\"p\":1}]")) {
            byte[] json = ("{\"b\":" + levels + ",\"ts\":1700000000}").getBytes(StandardCharsets.UTF_8);
            assertEquals("field 'text' is an array, its column is none", refusal(json, "b:text:p"));
        }
        assertEquals("{book=[]}", arrays("{\"b\":[],\"ts\":1700000000}", "b:book:p,q"));
    }

    @Test
    void manyLevelsOfANestedStruct() throws Exception {
        Schema level = SchemaBuilder.struct().field("p", Schema.FLOAT32_SCHEMA).build();
        Schema side = SchemaBuilder.struct()
                .field("bids", SchemaBuilder.array(level).build())
                .build();
        Schema schema = SchemaBuilder.struct()
                .field("book", side)
                .field("ts", Schema.INT64_SCHEMA)
                .build();
        List<Struct> levels = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            levels.add(new Struct(level).put("p", i + 0.5f));
        }
        Struct value = new Struct(schema)
                .put("book", new Struct(side).put("bids", levels))
                .put("ts", 1_700_000_000L);
        Map<String, String> decoded = decode(line(value, "book_bids:price:p"));
        assertEquals(
                levels.stream()
                        .map(each -> each.getFloat32("p").doubleValue())
                        .toList()
                        .toString(),
                decoded.get("price"));
    }

    private static String arrays(String json, String mappings) throws Exception {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        String fast = decode(line(bytes, mappings)).toString();
        assertEquals(fast, decode(line(EncoderTest.convert(bytes), mappings)).toString());
        return fast;
    }

    private static String refusal(Object value, String mappings) throws Exception {
        try {
            return decode(line(value, mappings)).toString();
        } catch (BadRow e) {
            return e.getMessage();
        }
    }

    private static byte[] line(Object value, String mappings) throws Exception {
        Map<String, String> settings = new HashMap<>(EncoderTest.STRICT);
        settings.put("array.mappings", mappings);
        Map<String, String> columns =
                new HashMap<>(Map.of("timestamp", "TIMESTAMP", "book", "DOUBLE[][]", "text", "VARCHAR"));
        List.of("price", "size", "b", "x", "y", "z").forEach(name -> columns.put(name, "DOUBLE[]"));
        RecordEncoder encoder = new RecordEncoder(
                new io.github.rta.questdb.config.SinkConfig(settings),
                table -> new io.github.rta.questdb.encoding.Schema(
                        1, columns, "timestamp", false, 0, true, System.nanoTime()));
        IlpBuffer lines = new IlpBuffer(16);
        SinkRecord record = new SinkRecord("t", 0, null, null, null, value, 0, 0L, TimestampType.CREATE_TIME);
        encoder.encode(record, lines, System.nanoTime(), false);
        return lines.toArray();
    }

    /** The arrays of a line by column; all its fields are arrays. */
    private static Map<String, String> decode(byte[] line) {
        Map<String, String> arrays = new TreeMap<>();
        ByteBuffer in = ByteBuffer.wrap(line).order(ByteOrder.LITTLE_ENDIAN).position(2);
        while (in.get(in.position() - 1) == ' ' && in.get(in.position()) != '1' || in.get(in.position() - 1) == ',') {
            StringBuilder name = new StringBuilder();
            for (char c = (char) in.get(); c != '='; c = (char) in.get()) {
                name.append(c);
            }
            in.position(in.position() + 3); // A second equals sign and two marks.
            int[] shape = new int[in.get()];
            Arrays.setAll(shape, i -> in.getInt());
            arrays.put(name.toString(), read(in, shape, 0).toString());
            in.get();
        }
        return arrays;
    }

    private static List<Object> read(ByteBuffer in, int[] shape, int level) {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < shape[level]; i++) {
            list.add(level + 1 == shape.length ? (Object) in.getDouble() : read(in, shape, level + 1));
        }
        return list;
    }
}
