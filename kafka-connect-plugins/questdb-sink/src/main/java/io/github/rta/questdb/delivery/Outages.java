package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What keeps a task's rows from being stored or acknowledged at present: QuestDB as a whole, or single tables. Says so in the log: when
 * it begins, when there is a reason that was not named in the last ten minutes, and when it is over.
 */
final class Outages {
    // No table has such a name.
    static final String SERVER = "";
    static final String QUERIES = "?";

    private record Words(String begin, String end) {}

    private static final Map<String, Words> WORDS = Map.of(
            SERVER, new Words("QuestDB can't store rows", "QuestDB is back"),
            QUERIES,
                    new Words(
                            "QuestDB answers no question about tables, so no offset is committed",
                            "QuestDB answers questions about tables again,"));
    private static final Logger LOG = LoggerFactory.getLogger(Outages.class);
    private static final long AGAIN = TimeUnit.MINUTES.toNanos(10);
    /** A server may word each failure differently. */
    private static final int MOST_REASONS = 10;

    private final String task;
    private final LongSupplier clock;
    private final Map<String, Outage> present = new HashMap<>();

    /** When it began, and when each reason was named last. */
    private record Outage(long since, Map<String, Long> named) {}

    Outages(String task) {
        this(task, System::nanoTime);
    }

    /** @param clock as System.nanoTime() */
    Outages(String task, LongSupplier clock) {
        this.task = task;
        this.clock = clock;
    }

    boolean isAny() {
        return !present.isEmpty();
    }

    boolean has(String what) {
        return present.containsKey(what);
    }

    /** How long there has been one, 0 if there is none. */
    long ageMs() {
        long now = clock.getAsLong();
        return present.values().stream()
                        .mapToLong(each -> now - each.since)
                        .max()
                        .orElse(0)
                / 1_000_000;
    }

    /** Why, in the words of servers and networks. */
    String reasons() {
        return present.values().stream()
                .flatMap(each -> each.named.keySet().stream())
                .distinct()
                .collect(Collectors.joining("; "));
    }

    /** @param what {@link #SERVER}, {@link #QUERIES} or the name of a table */
    void goOn(String what, String reason) {
        long now = clock.getAsLong();
        Outage outage = present.computeIfAbsent(what, none -> new Outage(now, new HashMap<>()));
        outage.named.values().removeIf(last -> now - last >= AGAIN);
        if (!outage.named.containsKey(reason) && outage.named.size() < MOST_REASONS) {
            outage.named.put(reason, now);
            long seconds = (now - outage.since) / 1_000_000_000;
            LOG.warn(
                    "{}: {}, retrying until it can{}: {}",
                    task,
                    words(what).begin,
                    seconds == 0 ? "" : " (for " + seconds + " s now)",
                    reason);
        }
    }

    private static Words words(String what) {
        String table = "table '" + what + "'";
        Words ofTable = new Words(
                "QuestDB can't store the records for " + table + ", which wait",
                "no record waits for " + table + " any more,");
        return WORDS.getOrDefault(what, ofTable);
    }

    void end(String what) {
        Outage outage = present.remove(what);
        if (outage != null) {
            LOG.warn("{}: {} after {} s", task, words(what).end, (clock.getAsLong() - outage.since) / 1_000_000_000);
        }
    }

    /** These tables have an outage, and no others. */
    void only(Map<String, String> tables) {
        Collection<String> over = List.copyOf(present.keySet());
        over.stream()
                .filter(what -> !WORDS.containsKey(what) && !tables.containsKey(what))
                .forEach(this::end);
        tables.forEach(this::goOn);
    }

    /** None of it is this task's business any more. */
    void forget() {
        present.clear();
    }
}
