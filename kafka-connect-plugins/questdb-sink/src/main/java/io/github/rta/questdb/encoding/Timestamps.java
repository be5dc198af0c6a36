package io.github.rta.questdb.encoding;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;

/**
 * Turns what producers call a timestamp into a number since 1970-01-01 UTC, in the unit that its column keeps.
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

        /** For AUTO the unit in which so many digits are a time of our days. */
        private Unit ofDigits(int digits) {
            if (this != AUTO) {
                return this;
            }
            if (digits <= 10) {
                return SECONDS;
            }
            if (digits <= 13) {
                return MILLIS;
            }
            return digits <= 16 ? MICROS : NANOS;
        }

        /** So many seconds and nanoseconds in this unit; fails with ArithmeticException if that is too much. */
        long of(long seconds, int nanoOfSecond) {
            return Math.addExact(Math.multiplyExact(seconds, SECONDS.nanos / nanos), nanoOfSecond / nanos);
        }

        /** A number of this unit in the other one. */
        private long to(Unit other, long value) {
            return nanos >= other.nanos
                    ? Math.multiplyExact(value, nanos / other.nanos)
                    : Math.floorDiv(value, other.nanos / nanos);
        }

        private long of(Instant instant) {
            return of(instant.getEpochSecond(), instant.getNano());
        }

        Instant instant(long value) {
            long perSecond = SECONDS.nanos / nanos;
            return Instant.ofEpochSecond(Math.floorDiv(value, perSecond), Math.floorMod(value, perSecond) * nanos);
        }
    }

    /** More digits than any timestamp has, before or after the point: not worth the time to compute with. */
    private static final int MAX_DIGITS = 100;

    private final Unit unit;
    private final DateTimeFormatter format;
    private final Instant min;
    private final Instant max;
    private final long minNanos;
    private final long maxNanos;

    /**
     * @param unit of numbers
     * @param pattern of strings in QuestDB's letters; null when they are ISO 8601
     * @param min the earliest that is accepted, null for any
     * @param max the latest that is accepted, null for any
     */
    public Timestamps(Unit unit, String pattern, Instant min, Instant max) {
        this.unit = unit;
        this.format = pattern == null ? null : TimestampPattern.formatter(pattern);
        this.min = min;
        this.max = max;
        this.minNanos = min == null ? Long.MIN_VALUE : nanos(min);
        this.maxNanos = max == null ? Long.MAX_VALUE : nanos(max);
    }

    public static long nanos(Instant instant) {
        return ChronoUnit.NANOS.between(Instant.EPOCH, instant);
    }

    /** A number of the configured unit, in the unit of the column. */
    long ofNumber(long value, Unit column) throws BadRow {
        return of(value, unit == Unit.AUTO ? unit.ofDigits(digits(value)) : unit, column);
    }

    private static int digits(long value) {
        return Long.toString(Math.abs(value)).length();
    }

    /** A number of the given unit, in the unit of the column. */
    long of(long value, Unit unit, Unit column) throws BadRow {
        long result;
        try {
            result = unit.to(column, value);
        } catch (ArithmeticException e) {
            throw new BadRow("timestamp %d taken as %s is beyond the year 2262".formatted(value, unit));
        }
        return within(result, column);
    }

    /** A number with a fraction, such as Python's {@code time.time()}: the digits before the point decide as ever. */
    long ofDecimal(BigDecimal value, Unit column) throws BadRow {
        int digits = value.precision() - value.scale();
        if (digits > MAX_DIGITS || value.scale() > MAX_DIGITS) {
            throw new BadRow("timestamp %s is no time".formatted(value));
        }
        BigDecimal nanos = value.multiply(BigDecimal.valueOf(unit.ofDigits(Math.max(1, digits)).nanos));
        try {
            return within(
                    nanos.divide(BigDecimal.valueOf(column.nanos), 0, RoundingMode.FLOOR)
                            .longValueExact(),
                    column);
        } catch (ArithmeticException e) {
            throw new BadRow("timestamp %s is beyond the year 2262".formatted(value));
        }
    }

    long ofText(char[] text, int offset, int count, Unit column) throws BadRow {
        long result;
        try {
            result = Iso8601.parse(text, offset, offset + count, column);
        } catch (DateTimeException | ArithmeticException e) {
            return ofPattern(new String(text, offset, count), e, column);
        }
        return within(result, column);
    }

    private long ofPattern(String text, RuntimeException isoProblem, Unit column) throws BadRow {
        if (format == null) {
            throw new BadRow("timestamp '%s' is not ISO 8601: %s".formatted(text, isoProblem.getMessage()));
        }
        try {
            return within(column.of(ZonedDateTime.parse(text, format).toInstant()), column);
        } catch (DateTimeException | ArithmeticException e) {
            throw new BadRow("timestamp: " + e.getMessage());
        }
    }

    private long within(long value, Unit column) throws BadRow {
        boolean tooSmall = column == Unit.NANOS ? value < minNanos : min != null && value < column.of(min);
        boolean tooLarge = column == Unit.NANOS ? value > maxNanos : max != null && value > column.of(max);
        if (tooSmall || tooLarge) {
            throw new BadRow("timestamp %s is not between timestamp.min and timestamp.max: a wrong unit?"
                    .formatted(column.instant(value)));
        }
        return value;
    }
}
