package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How long a request waits for more rows, by the rows of the one before. */
class BatchQueueTest {
    @ParameterizedTest
    @CsvSource({"0, 40", "8, 40", "500, 50", "2000, 80", "10000, 240", "100000, 240"})
    void intervalGrowsWithTheLoad(int rows, long interval) {
        assertEquals(interval, BatchQueue.intervalAfter(rows, 40));
    }

    @Test
    void withoutAnIntervalThereIsNone() {
        assertEquals(0, BatchQueue.intervalAfter(100_000, 0));
    }

    @Test
    void longestIntervalDoesNotOverflow() {
        long tenMinutes = 600_000_000_000L;
        assertTrue(BatchQueue.intervalAfter(1_000_000, tenMinutes) >= tenMinutes);
    }
}
