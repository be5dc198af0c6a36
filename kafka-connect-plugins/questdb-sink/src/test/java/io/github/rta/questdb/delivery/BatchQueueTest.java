package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How long a request waits for more rows, by the rows of the one before. */
class BatchQueueTest {
    @ParameterizedTest
    @CsvSource({"0, 40", "8, 40", "500, 50", "2000, 80", "10000, 240", "100000, 240"})
    void intervalGrowsWithTheLoad(int rows, long interval) {
        assertEquals(interval, TimeUnit.NANOSECONDS.toMillis(BatchQueue.intervalAfter(rows, milliseconds(40))));
    }

    @Test
    void withoutAnIntervalThereIsNone() {
        assertEquals(0, BatchQueue.intervalAfter(100_000, 0));
    }

    @Test
    void longIntervalStaysAsItIsSet() {
        long tenMinutes = 600_000_000_000L;
        assertEquals(tenMinutes, BatchQueue.intervalAfter(1_000_000, tenMinutes));
        assertEquals(milliseconds(1_000), BatchQueue.intervalAfter(100_000, milliseconds(1_000)));
    }

    private static long milliseconds(long count) {
        return TimeUnit.MILLISECONDS.toNanos(count);
    }
}
