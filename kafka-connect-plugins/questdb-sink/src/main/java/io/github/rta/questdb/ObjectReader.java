package io.github.rta.questdb;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.rta.questdb.Table.Field;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Date;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;

/** The generic path: reads what any converter made of a record (Struct, Map, scalar) into the row. */
final class ObjectReader {
    private static final JsonFactory FACTORY = new JsonFactory();

    private final SinkConfig config;
    private final RowEncoder row;

    ObjectReader(SinkConfig config, RowEncoder row) {
        this.config = config;
        this.row = row;
    }

    /** {@code scalar} is the column of a value that is no object, when no prefix names one. */
    void read(Schema schema, Object value, Field root, String scalar) throws BadRow {
        if (value instanceof Collection) {
            throw new BadRow("an array, not an object");
        }
        boolean object = value instanceof Map || value instanceof Struct;
        value(schema, value, object || !root.path.isEmpty() ? root : root.child(scalar));
    }

    private void value(Schema schema, Object value, Field field) throws BadRow {
        if (value instanceof String text) {
            row.text(field, text);
        } else if (value instanceof Struct struct) {
            struct(struct, field);
        } else if (value instanceof Map<?, ?> map) {
            map(schema, map, field);
        } else if (value instanceof Collection<?> items) {
            array(items, field);
        } else if (value != null) {
            scalar(schema, value, field);
        }
    }

    private void scalar(Schema schema, Object value, Field field) throws BadRow {
        if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte) {
            row.integer(field, ((Number) value).longValue());
        } else if (value instanceof Double || value instanceof Float) {
            row.floating(field, ((Number) value).doubleValue());
        } else if (value instanceof Boolean bool) {
            row.bool(field, bool);
        } else if (value instanceof Date date) {
            date(schema, date, field);
        } else if (value instanceof BigDecimal decimal) {
            row.text(field, decimal.toPlainString());
        } else if (value instanceof BigInteger integer) {
            integer(integer, field);
        } else if (!config.skipUnsupported) {
            throw new BadRow("field '%s' is of an unsupported type, %s".formatted(field.path, value.getClass().getSimpleName()));
        }
    }

    private void struct(Struct struct, Field field) throws BadRow {
        for (org.apache.kafka.connect.data.Field member : struct.schema().fields()) {
            value(member.schema(), struct.get(member), field.child(member.name()));
        }
    }

    private void map(Schema schema, Map<?, ?> map, Field field) throws BadRow {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            value(schema == null ? null : schema.valueSchema(), entry.getValue(), field.child(String.valueOf(entry.getKey())));
        }
    }

    private void date(Schema schema, Date date, Field field) throws BadRow {
        if (schema != null && Time.LOGICAL_NAME.equals(schema.name())) {
            row.integer(field, date.getTime()); // ms since midnight: no point in time
        } else {
            row.instant(field, date.getTime());
        }
    }

    private void integer(BigInteger value, Field field) throws BadRow {
        if (value.bitLength() > 63) {
            throw new BadRow("field '%s' is an integer beyond 64 bits".formatted(field.path));
        }
        row.integer(field, value.longValue());
    }

    private void array(Collection<?> items, Field field) throws BadRow {
        if (config.jsonArrays) {
            row.text(field, json(items));
        } else if (!config.skipArrays) {
            throw new BadRow("field '%s' is an array (arrays=error)".formatted(field.path));
        }
    }

    private static String json(Collection<?> items) throws BadRow {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(text)) {
            write(generator, items);
        } catch (IOException e) {
            throw new BadRow("array: " + e.getMessage());
        }
        return text.toString();
    }

    private static void write(JsonGenerator generator, Object value) throws IOException {
        if (value instanceof Collection<?> items) {
            generator.writeStartArray();
            for (Object item : items) {
                write(generator, item);
            }
            generator.writeEndArray();
        } else if (value instanceof Map<?, ?> map) {
            generator.writeStartObject();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                generator.writeFieldName(String.valueOf(entry.getKey()));
                write(generator, entry.getValue());
            }
            generator.writeEndObject();
        } else if (value instanceof Struct struct) {
            generator.writeStartObject();
            for (org.apache.kafka.connect.data.Field member : struct.schema().fields()) {
                generator.writeFieldName(member.name());
                write(generator, struct.get(member));
            }
            generator.writeEndObject();
        } else {
            generator.writePOJO(value);
        }
    }
}
