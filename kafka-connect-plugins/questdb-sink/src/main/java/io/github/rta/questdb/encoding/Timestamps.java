package io.github.rta.questdb.encoding;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/**
 * Turns what producers call a timestamp into nanoseconds since 1970-01-01 UTC.
 *
 * <p>A result outside {@code min..max} is refused: that is how seconds sent as milliseconds, or microseconds as
 * nanoseconds, show themselves. QuestDB would store them in 1970, where a TTL evicts them without a word.
 */
public final class Timestamps {
    /** The unit of a number: AUTO guesses by its size. */
    public enum Unit {
        AUTO(0),
        SECONDS(1_000_000_000),
        MILLIS(1_000_000),
        MICROS(1_000),
        NANOS(1);

        private final long nanos;

        Unit(long nanos) {
            this.nanos = nanos;
        }

        private Unit of(long value) {
            if (this != AUTO) {
                return this;
            }
            int digits = Long.toString(Math.abs(value)).length();
            return digits <= 10 ? SECONDS : digits <= 13 ? MILLIS : digits <= 16 ? MICROS : NANOS;
        }
    }

    private final Unit unit;
    private final DateTimeFormatter format;
    private final long min;
    private final long max;

    /**
     * @param unit of numbers
     * @param pattern of strings in QuestDB's letters; null when they are ISO 8601
     */
    public Timestamps(Unit unit, String pattern, Instant min, Instant max) {
        this.unit = unit;
        this.format = pattern == null ? null : formatter(pattern);
        this.min = nanos(min);
        this.max = nanos(max);
    }

    /** Understands QuestDB's pattern letters (U: microseconds, N: nanoseconds, bare T and Z). */
    public static DateTimeFormatter formatter(String pattern) {
        String java = pattern.replace("SSSUUUNNN", "SSSSSSSSS")
                .replace("SSSUUU", "SSSSSS")
                .replaceAll("'?T'?", "'T'")
                .replaceAll("'?Z'?|z", "[XXX][XX][X]");
        return new DateTimeFormatterBuilder()
                .appendPattern(java)
                .parseDefaulting(ChronoField.HOUR_OF_DAY, 0)
                .toFormatter(Locale.ROOT)
                .withZone(ZoneOffset.UTC);
    }

    public static long nanos(Instant instant) {
        return ChronoUnit.NANOS.between(Instant.EPOCH, instant);
    }

    long ofMillis(long value) throws BadRow {
        return scale(value, Unit.MILLIS);
    }

    long ofNumber(long value) throws BadRow {
        return scale(value, unit.of(value));
    }

    private long scale(long value, Unit unit) throws BadRow {
        long nanos = value * unit.nanos;
        if (Math.multiplyHigh(value, unit.nanos) != nanos >> 63) {
            throw new BadRow("timestamp %d taken as %s is beyond the year 2262".formatted(value, unit));
        }
        return within(nanos);
    }

    long ofText(char[] text, int offset, int count) throws BadRow {
        long nanos;
        try {
            nanos = iso(text, offset, offset + count);
        } catch (DateTimeException | ArithmeticException e) {
            return ofPattern(new String(text, offset, count), e);
        }
        return within(nanos);
    }

    private long ofPattern(String text, RuntimeException isoProblem) throws BadRow {
        if (format == null) {
            throw new BadRow("timestamp '%s' is not ISO 8601: %s".formatted(text, isoProblem.getMessage()));
        }
        try {
            return within(nanos(ZonedDateTime.parse(text, format).toInstant()));
        } catch (DateTimeException | ArithmeticException e) {
            throw new BadRow("timestamp: " + e.getMessage());
        }
    }

    private long within(long nanos) throws BadRow {
        if (nanos < min || nanos > max) {
            throw new BadRow("timestamp %s is not between timestamp.min and timestamp.max: a wrong unit?"
                    .formatted(Instant.EPOCH.plusNanos(nanos)));
        }
        return nanos;
    }

    /** Reads {@code 2026-11-24T04:00:00.123456789+01:00}; the fraction and the zone (else UTC) are optional. */
    private static long iso(char[] text, int start, int end) {
        if (end - start < 19
                || text[start + 4] != '-'
                || text[start + 7] != '-'
                || "T ".indexOf(text[start + 10]) < 0
                || text[start + 13] != ':'
                || text[start + 16] != ':') {
            throw new DateTimeException("not like 2026-11-24T04:00:00Z");
        }
        long day = LocalDate.of(number(text, start, 4), number(text, start + 5, 2), number(text, start + 8, 2))
                .toEpochDay();
        int second = LocalTime.of(number(text, start + 11, 2), number(text, start + 14, 2), number(text, start + 17, 2))
                .toSecondOfDay();
        int zone = start + 19;
        long fraction = 0;
        if (zone < end && text[zone] == '.') {
            // Digits past nanoseconds are dropped, as no column could keep them.
            for (long unit = 100_000_000; ++zone < end && Character.isDigit(text[zone]); unit /= 10) {
                fraction += unit * number(text, zone, 1);
            }
        }
        long nanos = Math.multiplyExact(day * 86_400 + second - offset(text, zone, end), 1_000_000_000L);
        return Math.addExact(nanos, fraction);
    }

    private static int number(char[] text, int offset, int digits) {
        int value = 0;
        for (int i = offset; i < offset + digits; i++) {
            if (text[i] < '0' || text[i] > '9') {
                throw new DateTimeException("'" + text[i] + "' is no digit");
            }
            value = value * 10 + text[i] - '0';
        }
        return value;
    }

    private static int offset(char[] text, int start, int end) {
        boolean utc = start == end || start + 1 == end && text[start] == 'Z';
        return utc ? 0 : ZoneOffset.of(new String(text, start, end - start)).getTotalSeconds();
    }
}
