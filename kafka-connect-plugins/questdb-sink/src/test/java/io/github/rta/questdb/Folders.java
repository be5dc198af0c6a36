package io.github.rta.questdb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.apache.kafka.common.utils.Utils;

/** Temporary folders of the tests: half a gigabyte each, where a QuestDB has run. */
final class Folders {
    private Folders() {}

    static void delete(Path folder) {
        try {
            Utils.delete(folder.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
