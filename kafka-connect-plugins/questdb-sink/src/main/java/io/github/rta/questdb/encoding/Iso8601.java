package io.github.rta.questdb.encoding;

import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;

/**
 * Reads {@code 2026-11-24T04:00:00.123456789+01:00}. The time of day, its seconds, their fraction and the zone may be
 * missing: midnight, 0 and UTC. Digits that the unit can't keep are dropped.
 */
final class Iso8601 {
    private static final int DATE = 10;
    private static final int MINUTES = 16;
    private static final int SECONDS = 19;

    private Iso8601() {}

    /** Returns the time since 1970 in the unit; fails with DateTimeException or ArithmeticException. */
    static long parse(char[] text, int start, int end, Unit unit) {
        if (end - start < DATE || text[start + 4] != '-' || text[start + 7] != '-') {
            throw malformed();
        }
        long day = LocalDate.of(number(text, start, 4), number(text, start + 5, 2), number(text, start + 8, 2))
                .toEpochDay();
        if (end - start == DATE) {
            return unit.of(day * 86_400, 0);
        }
        if (end - start < MINUTES || "T ".indexOf(text[start + DATE]) < 0 || text[start + 13] != ':') {
            throw malformed();
        }
        boolean seconds = end - start >= SECONDS && text[start + MINUTES] == ':';
        int second = LocalTime.of(
                        number(text, start + 11, 2),
                        number(text, start + 14, 2),
                        seconds ? number(text, start + 17, 2) : 0)
                .toSecondOfDay();
        int at = start + (seconds ? SECONDS : MINUTES);
        int zone = seconds ? endOfFraction(text, at, end) : at;
        return unit.of(day * 86_400 + second - offset(text, zone, end), nanos(text, at, zone));
    }

    private static DateTimeException malformed() {
        return new DateTimeException("not like 2026-11-24T04:00:00Z");
    }

    private static int endOfFraction(char[] text, int start, int end) {
        if (start == end || text[start] != '.') {
            return start;
        }
        int at = start + 1;
        while (at < end && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        if (at == start + 1) {
            throw malformed();
        }
        return at;
    }

    private static int nanos(char[] text, int point, int end) {
        int nanos = 0;
        int unit = 100_000_000;
        for (int i = point + 1; i < end; i++) {
            nanos += unit * (text[i] - '0');
            unit /= 10;
        }
        return nanos;
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
