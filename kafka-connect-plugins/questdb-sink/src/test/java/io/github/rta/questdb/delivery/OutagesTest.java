package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.rta.questdb.Warnings;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** When the log speaks of an outage. */
class OutagesTest {
    private final AtomicLong clock = new AtomicLong(-5);
    private final Outages outages = new Outages("task", clock::get);

    private void pass(long seconds) {
        clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }

    @Test
    void aReasonIsNamedOnceAndAgainAfterTenMinutesAndANewOneAtOnce() {
        try (Warnings warnings = new Warnings()) {
            for (int i = 0; i < 601; i++) {
                outages.goOn(Outages.SERVER, i == 0 ? "reset" : i % 2 == 0 ? "refused" : "HTTP 401");
                pass(1);
            }
            assertEquals(601_000, outages.ageMs());
            outages.goOn(Outages.SERVER, "HTTP 401");
            outages.end(Outages.SERVER);
            outages.end(Outages.SERVER);
            String again = "task: QuestDB can't store rows, retrying until it can (for %d s now): %s";
            assertEquals(
                    List.of(
                            "task: QuestDB can't store rows, retrying until it can: reset",
                            again.formatted(1, "HTTP 401"),
                            again.formatted(2, "refused"),
                            again.formatted(601, "HTTP 401"),
                            "task: QuestDB is back after 601 s"),
                    warnings.messages);
            assertEquals(0, outages.ageMs());
        }
    }

    @Test
    void aServerThatWordsEachFailureDifferentlyDoesNotFillTheLog() {
        try (Warnings warnings = new Warnings()) {
            for (int i = 0; i < 1000; i++) {
                outages.goOn(Outages.SERVER, "failure " + i);
            }
            assertEquals(10, warnings.messages.size());
        }
    }

    @Test
    void tablesComeAndGo() {
        try (Warnings warnings = new Warnings()) {
            outages.only(Map.of("a", "missing"));
            outages.only(Map.of("a", "missing"));
            pass(3);
            outages.only(Map.of());
            assertEquals(
                    List.of(
                            "task: QuestDB can't store the records for table 'a', which wait, retrying until it can: missing",
                            "task: no record waits for table 'a' any more, after 3 s"),
                    warnings.messages);
        }
    }
}
