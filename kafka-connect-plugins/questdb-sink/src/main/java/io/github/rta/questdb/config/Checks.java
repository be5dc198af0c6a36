package io.github.rta.questdb.config;

import static io.github.rta.questdb.config.Require.require;

import io.github.rta.questdb.encoding.Timestamps;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What settings must be beyond their type. Each message reads on from the name of the setting. */
final class Checks {
    /** One bit of a long each. */
    private static final int MAX_REQUIRED = 64;

    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");

    private Checks() {}

    static boolean isTemplate(String table) {
        return PLACEHOLDER.matcher(table).find();
    }

    static void template(String table) {
        Matcher placeholder = PLACEHOLDER.matcher(table);
        while (placeholder.find()) {
            require(
                    Set.of("topic", "key", "partition").contains(placeholder.group(1)),
                    "has the unknown " + placeholder.group());
        }
    }

    static void lookup(boolean wanted, boolean strict) {
        require(wanted || !strict, "may be false only with columns=extend: strict needs to know the columns");
    }

    static void timestampSource(List<String> fields, boolean kafka, boolean server) {
        require(
                !fields.isEmpty() || kafka || server,
                "is missing: name the field with the row's time, or set timestamp.kafka.native=true");
        require(fields.isEmpty() || !kafka, "contradicts timestamp.kafka.native=true");
        require(fields.isEmpty() || !server, "contradicts timestamp.server=true");
        require(!kafka || !server, "is not given, but timestamp.kafka.native=true contradicts timestamp.server=true");
    }

    static Instant bound(String text) {
        try {
            Instant instant = Instant.parse(text);
            Timestamps.nanos(instant);
            return instant;
        } catch (DateTimeException | ArithmeticException e) {
            throw new IllegalArgumentException("must be an instant like 2000-01-01T00:00:00Z before 2262", e);
        }
    }

    static void doubles(Collection<String> doubles, Collection<String> symbols) {
        require(doubles.stream().noneMatch(symbols::contains), "names a column of symbols too");
    }

    static void required(Collection<String> required, List<String> timestampFields) {
        require(required.size() <= MAX_REQUIRED, "names over 64");
        require(
                timestampFields.stream()
                        .map(field -> field.toLowerCase(Locale.ROOT))
                        .noneMatch(required::contains),
                "names a field of timestamp.field.name, which is required anyway: take it out");
    }
}
