package io.github.rta.questdb.config;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.kafka.common.config.ConfigException;

/** Collects what is wrong with settings that are well-formed by themselves. */
final class Problems {
    private final Map<String, String> found = new TreeMap<>();

    /** Returns the value of a setting, or null if it is wrong: then the message is noted under the key. */
    <T> T value(String key, Supplier<T> reader) {
        try {
            return reader.get();
        } catch (IllegalArgumentException e) {
            add(key, e.getMessage());
            return null;
        }
    }

    void check(String key, Runnable test) {
        value(key, () -> {
            test.run();
            return null;
        });
    }

    void add(String key, String problem) {
        found.putIfAbsent(key, problem);
    }

    /** Key to message, which reads on from the key. */
    Map<String, String> found() {
        return found;
    }

    void throwFirst() {
        found.forEach((key, problem) -> {
            throw new ConfigException(key + " " + problem);
        });
    }
}
