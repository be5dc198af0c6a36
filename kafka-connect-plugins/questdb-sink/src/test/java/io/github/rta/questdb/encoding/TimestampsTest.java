package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampsTest {
    private static final Instant MIN = Instant.parse("2000-01-01T00:00:00Z");
    private static final Instant MAX = Instant.parse("2100-01-01T00:00:00Z");

    private static Timestamps timestamps(Unit unit, String pattern) {
        return new Timestamps(unit, pattern, MIN, MAX);
    }

    private static long text(String pattern, String text) throws BadRow {
        return timestamps(Unit.AUTO, pattern).ofText(("x" + text).toCharArray(), 1, text.length(), Unit.NANOS);
    }

    @ParameterizedTest
    @CsvSource({
        "2023-11-14T22:13:20Z, 0",
        "2023-11-14T22:13:20, 0",
        "2023-11-14 22:13:20Z, 0",
        "2023-11-14T22:13:20.1Z, 100000000",
        "2023-11-14T22:13:20.123456Z, 123456000",
        "2023-11-14T22:13:20.1234567891234Z, 123456789",
        "2023-11-14T23:13:20.5+01:00, 500000000",
        "2023-11-14T12:43:20-0930, 0",
        "2023-11-15T00:13:20+02, 0",
        "2023-11-14T22:13, -20000000000",
        "2023-11-14T22:13Z, -20000000000",
        "2023-11-14 23:13+01:00, -20000000000",
        "2023-11-14, -80000000000000",
    })
    void iso(String text, long nanos) throws BadRow {
        assertEquals(1_700_000_000_000_000_000L + nanos, text(null, text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "zzz",
                "2023-11",
                "2023-11-14Z",
                "2023-11-14T",
                "2023-11-14T22Z",
                "2023-11-14T22:13:",
                "2023-11-14T22:13.5Z",
                "2023-11-14T22:13:2",
                "2023-11-14T22:13:20.",
                "2023-02-29T00:00:00Z",
                "2023-11-14T24:00:00Z",
                "2023-11-14T22:13:60Z",
                "2023-11-14T22:13:20ZZ",
                "2023-11-14T22:13:20+25:00",
                "1700000000",
                "2023-11-14T22:13:20.١Z",
                "1999-12-31T23:59:59Z",
                "9999-01-01T00:00:00Z"
            })
    void notATimestamp(String text) {
        assertThrows(BadRow.class, () -> text(null, text));
    }

    @ParameterizedTest
    @CsvSource({
        "yyyy-MM-ddTHH:mm:ss.SSSUUUZ, 2023-11-14T22:13:20.000001Z, 1000",
        "yyyy-MM-ddTHH:mm:ss.SSSUUUNNNZ, 2023-11-14T22:13:20.000000001Z, 1",
        "yyyy-MM-ddTHH:mm:ssZ, 2023-11-14T22:13:20Z, 0",
        "dd/MM/yyyy HH:mm:ss, 14/11/2023 22:13:20, 0",
        "yyyyMMddHHmmssSSS, 20231114221320007, 7000000",
        "dd/MM/yyyy, 14/11/2023, -80000000000000",
    })
    void pattern(String pattern, String text, long nanos) throws BadRow {
        assertEquals(1_700_000_000_000_000_000L + nanos, text(pattern, text));
    }

    /** What QuestDB 9.3.4 makes of the same by to_timestamp_ns(). */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            MM/dd/yyyy hh:mm:ss a         | 01/13/2026 03:15:00 PM         | 2026-01-13T15:15:00Z
            MM/dd/yyyy hh:mm:ss a         | 01/13/2026 12:15:00 am         | 2026-01-13T00:15:00Z
            M/d/y h:mm a                  | 1/3/2026 3:15 PM               | 2026-01-03T15:15:00Z
            M/d/yy h:mm a                 | 1/3/26 12:15 PM                | 2026-01-03T12:15:00Z
            MM/dd/yyyy KK:mm a            | 01/13/2026 00:15 PM            | 2026-01-13T12:15:00Z
            MM/dd/yyyy kk:mm              | 01/13/2026 24:15               | 2026-01-13T00:15:00Z
            yyyy-MM-dd hh:mm              | 2023-11-14 03:15               | 2023-11-14T03:15:00Z
            yyyy-MM-dd HH:mm:ss.S         | 2023-11-14 22:13:20.5          | 2023-11-14T22:13:20.5Z
            yyyy-MM-dd HH:mm:ss.S         | 2023-11-14 22:13:20.123        | 2023-11-14T22:13:20.123Z
            yyyy-MM-dd HH:mm:ss.U+        | 2023-11-14 22:13:20.123456     | 2023-11-14T22:13:20.123456Z
            yyyy-MM-dd HH:mm:ss.N+        | 2023-11-14 22:13:20.123456789  | 2023-11-14T22:13:20.123456789Z
            yyyy-MM-dd HH:mm:ss.N+        | 2023-11-14 22:13:20.5          | 2023-11-14T22:13:20.5Z
            yyyy-MM-dd HH:mm:ss.SSSUUU    | 2023-11-14 22:13:20.123456     | 2023-11-14T22:13:20.123456Z
            yyyy-MM-dd HH:mm:ss.SSSUUUN   | 2023-11-14 22:13:20.1234567    | 2023-11-14T22:13:20.1234567Z
            yyyyMMddHHmmssUUU             | 20231114221320123              | 2023-11-14T22:13:20.000123Z
            yyyyMMddHHmmssU+              | 20231114221320123456           | 2023-11-14T22:13:20.123456Z
            yyyy-MM-ddTHH:mm:ss.SSSUUU z  | 2023-11-14T22:13:20.123456 UTC | 2023-11-14T22:13:20.123456Z
            yyyy-MM-dd HH:mm:ss z         | 2023-11-14 22:13:20 EST        | 2023-11-15T03:13:20Z
            yyyy-MM-dd HH:mm:ss z         | 2023-11-14 22:13:20 PST        | 2023-11-15T06:13:20Z
            yyyy-MM-dd HH:mm:ss z         | 2023-11-14 22:13:20 Europe/Berlin | 2023-11-14T21:13:20Z
            yyyy-MM-dd HH:mm:ssz          | 2023-11-14 22:13:20+01:00      | 2023-11-14T21:13:20Z
            yyyy-MM-dd HH:mm:ss Z         | 2023-11-14 22:13:20 +0100      | 2023-11-14T21:13:20Z
            yyyy-MM-dd HH:mm:ssx          | 2023-11-14 22:13:20+01         | 2023-11-14T21:13:20Z
            yyyy-MM                       | 2023-11                        | 2023-11-01T00:00:00Z
            yyyy                          | 2023                           | 2023-01-01T00:00:00Z
            dd MMM yyyy                   | 14 Nov 2023                    | 2023-11-14T00:00:00Z
            dd MMMM yyyy                  | 14 november 2023               | 2023-11-14T00:00:00Z
            EE, dd MMM yyyy HH:mm:ss z    | Tuesday, 14 Nov 2023 22:13:20 GMT | 2023-11-14T22:13:20Z
            E, dd MMM yyyy HH:mm:ss z     | Tue, 14 Nov 2023 22:13:20 GMT  | 2023-11-14T22:13:20Z
            yyyy-MM-dd G                  | 2023-11-14 AD                  | 2023-11-14T00:00:00Z
            """)
    void patternsOfQuestDb(String pattern, String text, Instant expected) throws BadRow {
        assertEquals(Timestamps.nanos(expected), text(pattern, text));
    }

    @Test
    void literalsAndWhatIsNoPattern() throws BadRow {
        assertEquals(
                Timestamps.nanos(Instant.parse("2023-11-14T22:00:00Z")),
                text("yyyy-MM-dd 'at' HH", "2023-11-14 at 22"));
        assertThrows(BadRow.class, () -> text("yyyy-MM-dd", "2023-02-30"), "no such day");
        for (String pattern : List.of("HH:mm", "yyyy-{}-QQQQQQQQQ", "yyyy 'at", "")) {
            assertThrows(IllegalArgumentException.class, () -> timestamps(Unit.AUTO, pattern), pattern);
        }
    }

    /** As Python's time.time() and JavaScript's performance.timeOrigin are written. */
    @ParameterizedTest
    @CsvSource({
        "1700000000.0, 0",
        "1700000000.1234567, 123456700",
        "1.7E9, 0",
        "1700000000123.25, 123250000",
        "1700000000123456.5, 123456500",
    })
    void decimals(BigDecimal value, long nanos) throws BadRow {
        assertEquals(
                1_700_000_000_000_000_000L + nanos, timestamps(Unit.AUTO, null).ofDecimal(value, Unit.NANOS));
    }

    @ParameterizedTest
    @CsvSource({"SECONDS, 1700000000", "MILLIS, 1700000000000", "MICROS, 1700000000000000", "NANOS, 1700000000000000000"
    })
    void numbers(Unit unit, long value) throws BadRow {
        assertEquals(1_700_000_000_000_000_000L, timestamps(unit, null).ofNumber(value, Unit.NANOS));
        assertEquals(1_700_000_000_000_000_000L, timestamps(Unit.AUTO, null).ofNumber(value, Unit.NANOS));
        for (Unit other : Unit.values()) {
            if (other != unit && other != Unit.AUTO) {
                assertThrows(
                        BadRow.class, () -> timestamps(other, null).ofNumber(value, Unit.NANOS), "taken as " + other);
            }
        }
    }

    @Test
    void overflow() {
        assertThrows(BadRow.class, () -> timestamps(Unit.SECONDS, null).ofNumber(Long.MAX_VALUE, Unit.NANOS));
        assertThrows(BadRow.class, () -> timestamps(Unit.AUTO, null).ofNumber(Long.MIN_VALUE, Unit.NANOS));
    }
}
