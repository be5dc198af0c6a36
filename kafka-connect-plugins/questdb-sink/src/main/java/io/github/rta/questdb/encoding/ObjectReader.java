package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.Date;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;

/** The generic path: reads what any converter made of a record (Struct, Map, scalar) into the row. */
final class ObjectReader {
    private final SinkConfig config;
    private final RowEncoder row;
    private final ArrayFields arrays;

    ObjectReader(SinkConfig config, RowEncoder row, ArrayFields arrays) {
        this.config = config;
        this.row = row;
        this.arrays = arrays;
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
            text(schema, text, field);
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
            integer(schema, ((Number) value).longValue(), field);
        } else if (value instanceof Double || value instanceof Float) {
            fraction((Number) value, field);
        } else if (value instanceof Boolean bool) {
            row.bool(field, bool);
        } else if (value instanceof Date date) {
            date(schema, date, field);
        } else if (value instanceof BigDecimal decimal) {
            decimal(decimal, field);
        } else if (value instanceof BigInteger integer) {
            integer(integer, field);
        } else if (!config.skipUnsupported) {
            throw new BadRow("field '%s' is of an unsupported type, %s"
                    .formatted(field.path, value.getClass().getSimpleName()));
        }
    }

    private void text(Schema schema, String text, Field field) throws BadRow {
        boolean time = schema != null && "io.debezium.time.ZonedTimestamp".equals(schema.name());
        if (time && field.timestampPart < 0 && field.column().isNew) {
            try {
                long nanos = Timestamps.nanos(OffsetDateTime.parse(text).toInstant());
                row.instant(field, nanos, Unit.NANOS);
            } catch (DateTimeException | ArithmeticException e) {
                throw new BadRow("field '%s' is no ZonedTimestamp: %s".formatted(field.path, e.getMessage()));
            }
        } else {
            row.text(field, text);
        }
    }

    private void struct(Struct struct, Field field) throws BadRow {
        if ("io.debezium.data.VariableScaleDecimal".equals(struct.schema().name())) {
            decimal(new BigDecimal(new BigInteger(bytes(struct.get("value"))), struct.getInt32("scale")), field);
            return;
        }
        Field child = field;
        for (org.apache.kafka.connect.data.Field member : struct.schema().fields()) {
            child = field.child(member.name(), child);
            value(member.schema(), struct.get(member), child);
        }
    }

    private static byte[] bytes(Object value) {
        return value instanceof ByteBuffer buffer ? Utils.toArray(buffer.duplicate()) : (byte[]) value;
    }

    private void map(Schema schema, Map<?, ?> map, Field field) throws BadRow {
        Schema of = schema == null ? null : schema.valueSchema();
        Field member = field;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            member = field.child(String.valueOf(entry.getKey()), member);
            value(of, entry.getValue(), member);
        }
    }

    private void date(Schema schema, Date date, Field field) throws BadRow {
        if (schema != null && Time.LOGICAL_NAME.equals(schema.name())) {
            row.integer(field, date.getTime()); // ms since midnight: no point in time
        } else {
            row.instant(field, date.getTime(), Unit.MILLIS);
        }
    }

    /** Debezium has types of its own for points in time, told from other integers by the name of the schema. */
    private void integer(Schema schema, long value, Field field) throws BadRow {
        String type = schema == null || schema.name() == null ? "" : schema.name();
        switch (type) {
            case "io.debezium.time.Date" -> row.instant(field, TimeUnit.DAYS.toSeconds(value), Unit.SECONDS);
            case "io.debezium.time.Timestamp" -> row.instant(field, value, Unit.MILLIS);
            case "io.debezium.time.MicroTimestamp" -> row.instant(field, value, Unit.MICROS);
            case "io.debezium.time.NanoTimestamp" -> row.instant(field, value, Unit.NANOS);
            default -> row.integer(field, value);
        }
    }

    private void integer(BigInteger value, Field field) throws BadRow {
        if (value.bitLength() < Long.SIZE) {
            row.integer(field, value.longValue());
        } else if (row.keepsDigits(field)) {
            row.decimal(field, value.toString());
        } else {
            throw new BadRow("field '%s' is an integer beyond 64 bits".formatted(field.path));
        }
    }

    private void fraction(Number value, Field field) throws BadRow {
        if (Double.isFinite(value.doubleValue()) && row.keepsDigits(field)) {
            row.decimal(field, value.toString());
        } else {
            row.floating(field, value.doubleValue());
        }
    }

    private void decimal(BigDecimal value, Field field) throws BadRow {
        if (row.keepsDigits(field)) {
            row.decimal(field, value.toPlainString());
        } else {
            row.text(field, value.toPlainString());
        }
    }

    private void array(Collection<?> items, Field field) throws BadRow {
        if (field.levels != null) {
            LevelReader.read(items, field.levels);
            field.levels.end(arrays);
            return;
        }
        switch (arrays.use(field)) {
            case NUMBERS -> {
                numbers(items, arrays.begin(field));
                arrays.end(field);
            }
            case TEXT -> row.text(field, JsonText.of(items));
            case NONE -> {}
        }
    }

    private static void numbers(Collection<?> items, DoubleArray array) {
        array.open();
        for (Object item : items) {
            if (item instanceof Number number) {
                array.add(number.doubleValue());
            } else if (item == null) {
                array.add(Double.NaN);
            } else if (item instanceof Collection<?> inner) {
                numbers(inner, array);
            } else if (item instanceof String text) {
                array.add(text);
            } else {
                array.fail(item instanceof Boolean ? "it holds a boolean" : "it holds an object");
            }
        }
        array.close();
    }
}
