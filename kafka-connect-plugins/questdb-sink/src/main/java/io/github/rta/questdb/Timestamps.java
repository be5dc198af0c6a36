package io.github.rta.questdb;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
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
final class Timestamps {
    /** The unit of a number: AUTO guesses by its size. */
    enum Unit {
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
            return value < 10_000_000_000L ? SECONDS : value < 10_000_000_000_000L ? MILLIS : value < 10_000_000_000_000_000L ? MICROS : NANOS;
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
    Timestamps(Unit unit, String pattern, Instant min, Instant max) {
        this.unit = unit;
        this.format = pattern == null ? null : formatter(pattern);
        this.min = nanos(min);
        this.max = nanos(max);
    }

    /** Understands QuestDB's pattern letters (U: microseconds, N: nanoseconds, bare T and Z). */
    static DateTimeFormatter formatter(String pattern) {
        String java = pattern.replace("SSSUUUNNN", "SSSSSSSSS").replace("SSSUUU", "SSSSSS").replaceAll("'?T'?", "'T'").replaceAll("'?Z'?|z", "[XXX][XX][X]");
        return new DateTimeFormatterBuilder()
                .appendPattern(java)
                .parseDefaulting(ChronoField.HOUR_OF_DAY, 0)
                .toFormatter(Locale.ROOT)
                .withZone(ZoneOffset.UTC);
    }

    static long nanos(Instant instant) {
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
        return within(nanos, value);
    }

    long ofText(char[] text, int offset, int count) throws BadRow {
        Iso iso = new Iso(text, offset, offset + count);
        try {
            return within(iso.nanos(), iso);
        } catch (DateTimeException | ArithmeticException e) {
            return ofPattern(iso.toString(), e);
        }
    }

    private long ofPattern(String text, RuntimeException isoProblem) throws BadRow {
        if (format == null) {
            throw new BadRow("timestamp '%s' is not ISO 8601: %s".formatted(text, isoProblem.getMessage()));
        }
        try {
            return within(nanos(ZonedDateTime.parse(text, format).toInstant()), text);
        } catch (DateTimeException | ArithmeticException e) {
            throw new BadRow("timestamp: " + e.getMessage());
        }
    }

    private long within(long nanos, Object original) throws BadRow {
        if (nanos < min || nanos > max) {
            throw new BadRow("timestamp %s means %s, not between timestamp.min and timestamp.max: a wrong unit?"
                    .formatted(original, Instant.EPOCH.plusNanos(nanos)));
        }
        return nanos;
    }

    /** A reader of {@code 2026-11-24T04:00:00.123456789+01:00}; the fraction and the zone (else UTC) are optional. */
    private static final class Iso {
        private final char[] text;
        private final int start;
        private final int end;
        private int at;

        Iso(char[] text, int start, int end) {
            this.text = text;
            this.start = start;
            this.at = start;
            this.end = end;
        }

        long nanos() {
            long day = LocalDate.of(digits(4), after('-', 2), after('-', 2)).toEpochDay();
            if (!skip('T') && !skip(' ')) {
                throw new DateTimeException("no T after the date");
            }
            long second = ((day * 24 + below(24, digits(2))) * 60 + below(60, after(':', 2))) * 60 + below(60, after(':', 2));
            long fraction = skip('.') || skip(',') ? fraction() : 0;
            second -= zone();
            if (at != end) {
                throw new DateTimeException("unexpected characters after the time");
            }
            return Math.addExact(Math.multiplyExact(second, 1_000_000_000L), fraction);
        }

        private int after(char separator, int count) {
            if (!skip(separator)) {
                throw new DateTimeException("no '" + separator + "' where one belongs");
            }
            return digits(count);
        }

        private boolean skip(char c) {
            boolean found = at < end && text[at] == c;
            at += found ? 1 : 0;
            return found;
        }

        private boolean digitAhead() {
            return at < end && text[at] >= '0' && text[at] <= '9';
        }

        private int digits(int count) {
            int value = 0;
            for (int i = 0; i < count; i++) {
                if (!digitAhead()) {
                    throw new DateTimeException("a digit is missing");
                }
                value = value * 10 + text[at++] - '0';
            }
            return value;
        }

        private static int below(int limit, int value) {
            if (value >= limit) {
                throw new DateTimeException(value + " is not below " + limit);
            }
            return value;
        }

        /** Any number of digits; those past nanoseconds are dropped, as no column could keep them. */
        private long fraction() {
            long value = digits(1);
            int count = 1;
            for (; digitAhead(); count++) {
                int digit = digits(1);
                value = count < 9 ? value * 10 + digit : value;
            }
            for (; count < 9; count++) {
                value *= 10;
            }
            return value;
        }

        private int zone() {
            if (at == end || skip('Z')) {
                return 0;
            }
            int sign = skip('-') ? -1 : skip('+') ? 1 : 0;
            if (sign == 0) {
                throw new DateTimeException("unknown zone");
            }
            int seconds = below(19, digits(2)) * 3600;
            if (skip(':') || digitAhead()) {
                seconds += below(60, digits(2)) * 60;
            }
            return sign * seconds;
        }

        @Override
        public String toString() {
            return new String(text, start, end - start);
        }
    }
}
