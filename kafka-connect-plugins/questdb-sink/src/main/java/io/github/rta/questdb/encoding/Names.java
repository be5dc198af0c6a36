package io.github.rta.questdb.encoding;

/** QuestDB's rules for the names of tables and columns. */
final class Names {
    /** The longest name of a column, in characters. */
    static final int MAX_LENGTH = 127;

    private static final String NOT_IN_COLUMNS = "?.,'\"\\/:)(+-*%~";
    private static final String NOT_IN_TABLES = "?,'\"\\/:)(+*%~";

    private Names() {}

    static void checkColumn(String name) throws BadRow {
        if (!isName(name, NOT_IN_COLUMNS)) {
            throw new BadRow("field '%s' can't be the name of a column".formatted(name));
        }
    }

    static void checkTable(String name) throws BadRow {
        if (!isName(name, NOT_IN_TABLES) || name.startsWith(".") || name.endsWith(".")) {
            throw new BadRow("'%s' can't be the name of a table".formatted(name));
        }
    }

    private static boolean isName(String name, String forbidden) {
        return !name.isEmpty()
                && name.chars().noneMatch(c -> c < ' ' || c == 0x7F || c == 0xFEFF || forbidden.indexOf(c) >= 0);
    }
}
