package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;

/** The designated timestamp of one row: of the Kafka record, of one field, or of several fields joined. */
final class RowTimestamp {
    private final boolean ofRecord;
    private final List<String> fields;
    private final Timestamps timestamps;
    private final String[] texts;
    private int parts;
    private long nanos;

    RowTimestamp(SinkConfig config) {
        this.ofRecord = config.kafkaTimestamp;
        this.fields = config.timestampFields;
        this.timestamps = config.timestamps();
        this.texts = new String[fields.size()];
    }

    void clear() {
        parts = 0;
        Arrays.fill(texts, null);
    }

    /** @param part position in timestamp.field.name */
    void text(int part, char[] value, int offset, int length) throws BadRow {
        if (texts.length == 1) {
            set(timestamps.ofText(value, offset, length, Unit.NANOS));
        } else {
            join(part, new String(value, offset, length));
        }
    }

    void integer(int part, long value) throws BadRow {
        if (texts.length == 1) {
            set(timestamps.ofNumber(value, Unit.NANOS));
        } else {
            join(part, Long.toString(value));
        }
    }

    void decimal(BigDecimal value) throws BadRow {
        checkSingle();
        set(timestamps.ofDecimal(value, Unit.NANOS));
    }

    void instant(long value, Unit unit) throws BadRow {
        checkSingle();
        set(timestamps.of(value, unit, Unit.NANOS));
    }

    private void join(int part, String text) {
        parts += texts[part] == null ? 1 : 0;
        texts[part] = text;
    }

    private void checkSingle() throws BadRow {
        if (texts.length > 1) {
            throw new BadRow("timestamp.field.name has several fields: each must be text or an integer");
        }
    }

    private void set(long value) throws BadRow {
        if (parts++ > 0) {
            throw new BadRow("the timestamp is there twice");
        }
        nanos = value;
    }

    /** In nanoseconds since 1970. {@code kafkaTimestamp} is in milliseconds, null if the record has none. */
    long get(Long kafkaTimestamp) throws BadRow {
        if (ofRecord) {
            if (kafkaTimestamp == null) {
                throw new BadRow("the Kafka record has no timestamp");
            }
            return timestamps.of(kafkaTimestamp, Unit.MILLIS, Unit.NANOS);
        }
        if (parts != texts.length) {
            throw new BadRow("timestamp field %s is missing".formatted(fields));
        }
        if (texts.length > 1) {
            char[] joined = String.join("", texts).toCharArray();
            return timestamps.ofText(joined, 0, joined.length, Unit.NANOS);
        }
        return nanos;
    }
}
