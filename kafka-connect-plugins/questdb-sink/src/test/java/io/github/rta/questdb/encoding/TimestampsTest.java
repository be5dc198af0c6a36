package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.time.Instant;
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
        return timestamps(Unit.AUTO, pattern).ofText(("x" + text).toCharArray(), 1, text.length());
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
    })
    void iso(String text, long nanos) throws BadRow {
        assertEquals(1_700_000_000_000_000_000L + nanos, text(null, text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "zzz",
                "2023-11-14",
                "2023-11-14T22:13Z",
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

    @ParameterizedTest
    @CsvSource({"SECONDS, 1700000000", "MILLIS, 1700000000000", "MICROS, 1700000000000000", "NANOS, 1700000000000000000"
    })
    void numbers(Unit unit, long value) throws BadRow {
        assertEquals(1_700_000_000_000_000_000L, timestamps(unit, null).ofNumber(value));
        assertEquals(1_700_000_000_000_000_000L, timestamps(Unit.AUTO, null).ofNumber(value));
        for (Unit other : Unit.values()) {
            if (other != unit && other != Unit.AUTO) {
                assertThrows(BadRow.class, () -> timestamps(other, null).ofNumber(value), "taken as " + other);
            }
        }
    }

    @Test
    void overflow() {
        assertThrows(BadRow.class, () -> timestamps(Unit.SECONDS, null).ofNumber(Long.MAX_VALUE));
        assertThrows(BadRow.class, () -> timestamps(Unit.AUTO, null).ofNumber(Long.MIN_VALUE));
    }
}
