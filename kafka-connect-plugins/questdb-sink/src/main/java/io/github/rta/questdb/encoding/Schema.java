package io.github.rta.questdb.encoding;

import java.util.Map;
import java.util.Objects;

/**
 * A table as the server has it.
 *
 * @param id another one if a table of the same name was created anew; {@link #UNKNOWN} if it is not known
 * @param columns the type of each column, by its name in lower case, as the server compares names
 * @param designated the designated timestamp, or null
 * @param deduplicates whether it has DEDUP
 * @param rows about how many it has
 * @param settled false if the server knows of a later change that the columns don't show yet
 * @param fetched a System.nanoTime() from before the server was asked
 */
public record Schema(
        long id,
        Map<String, String> columns,
        String designated,
        boolean deduplicates,
        long rows,
        boolean settled,
        long fetched) {
    /** The id of a table that is not known. */
    public static final long UNKNOWN = -1;

    /** A table of which nothing is known but its name. */
    public static Schema unknown() {
        return unknown(System.nanoTime());
    }

    /** The same, when it was asked for then. */
    public static Schema unknown(long fetched) {
        return new Schema(UNKNOWN, Map.of(), "timestamp", false, 0, true, fetched);
    }

    /** Whether nothing that matters to the sink differs. */
    boolean isSameTable(Schema other) {
        return id == other.id && columns.equals(other.columns) && Objects.equals(designated, other.designated);
    }

    /** A number that is the same for the same table. */
    public int definition() {
        return Objects.hash(id, columns, designated);
    }
}
