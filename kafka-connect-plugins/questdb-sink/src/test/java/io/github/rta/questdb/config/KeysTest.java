package io.github.rta.questdb.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/sink.md tells what becomes of each key of the official connector, and of ours; each has a test. */
class KeysTest {
    /** Of versions 0.23 (its source) and 0.24 (its documentation). */
    private static final List<String> OFFICIAL = List.of(
            "allowed.lag",
            "client.conf.string",
            "dlq.send.batch.on.error",
            "doubles",
            "host",
            "include.key",
            "key.prefix",
            "max.retries",
            "qwp.*",
            "retry.backoff.ms",
            "skip.unsupported.types",
            "symbols",
            "table",
            "timestamp.field.name",
            "timestamp.kafka.native",
            "timestamp.string.fields",
            "timestamp.string.format",
            "timestamp.units",
            "tls",
            "tls.validation.mode",
            "token",
            "topics",
            "username",
            "value.format",
            "value.prefix");

    /** The framework's, which the table has too. */
    private static final Set<String> OF_CONNECT = Set.of("topics", "topics.regex");

    @Test
    void thePageHasEachKey() throws IOException {
        Set<String> expected = new TreeSet<>(OFFICIAL);
        expected.addAll(SinkConfig.DEF.names());
        expected.addAll(OF_CONNECT);
        assertEquals(expected, keysOnThePage());
    }

    @Test
    void eachKeyHasATest() throws IOException {
        StringBuilder tests = new StringBuilder();
        try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java") && !path.endsWith("KeysTest.java"))
                    .toList()) {
                tests.append(Files.readString(file));
            }
        }
        Set<String> missing = new TreeSet<>(keysOnThePage());
        missing.removeIf(key -> isNamed(key, tests));
        assertEquals(Set.of(), missing);
    }

    /** In quotes, or in a cell of a table. */
    private static boolean isNamed(String key, CharSequence tests) {
        String name = key.endsWith("*") ? Pattern.quote(key.replace("*", "")) + "\\w+" : Pattern.quote(key);
        return Pattern.compile("[\" ]" + name + "[\" ]").matcher(tests).find();
    }

    private static Set<String> keysOnThePage() throws IOException {
        String page = Files.readString(Path.of("..", "..", "docs", "sink.md"));
        String table = page.replaceFirst("(?s).*\n\\| key \\|[^\n]*\n", "").replaceFirst("(?s)\n\n.*", "");
        Set<String> keys = new TreeSet<>();
        table.lines().skip(1).forEach(row -> {
            Matcher name = Pattern.compile("`([^`]+)`").matcher(row.split("\\|")[1]);
            while (name.find()) {
                keys.add(name.group(1));
            }
        });
        return keys;
    }
}
