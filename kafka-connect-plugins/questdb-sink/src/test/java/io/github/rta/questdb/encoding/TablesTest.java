package io.github.rta.questdb.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.rta.questdb.config.SinkConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How many tables are remembered, and how long a put() asks about new ones. */
class TablesTest {
    private final List<String> asked = new ArrayList<>();
    private final Tables tables = new Tables(new SinkConfig(EncoderTest.CONFIG), this::answer);

    private Schema answer(String table) {
        asked.add(table);
        return new Schema(1, Map.of(), "timestamp", false, 0, true, 0);
    }

    @Test
    void thoseNotUsedForLongestAreForgotten() throws Exception {
        for (int i = 0; i < 2000; i++) {
            tables.of("t" + i, System.nanoTime());
            tables.of("t0", System.nanoTime());
        }
        assertEquals(2000, asked.size());
        tables.of("t1500", System.nanoTime());
        assertEquals(2000, asked.size());
        tables.of("t500", System.nanoTime());
        assertEquals("t500", asked.get(2000));
    }

    @Test
    void aPutThatHasTakenLongAsksNoMore() throws Exception {
        tables.of("known", System.nanoTime());
        long longAgo = System.nanoTime() - TimeUnit.SECONDS.toNanos(2);
        assertEquals("known", tables.of("known", longAgo).name);
        assertThrows(Unavailable.TimeIsUp.class, () -> tables.of("new", longAgo));
    }

    @Test
    void aNameLongerThanQuestDbAllowsIsABadRecord() {
        BadRow e = assertThrows(BadRow.class, () -> tables.of("x".repeat(70_000), System.nanoTime()));
        assertEquals(501, e.getMessage().length());
        assertEquals(List.of(), asked);
    }
}
