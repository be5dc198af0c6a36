package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.List;

/** The line of ILP of one row while it is written: symbols, then fields, each column once. */
final class RowLine {
    private final List<String> required;
    private final IlpBuffer symbols = new IlpBuffer(1024);
    private final IlpBuffer fields = new IlpBuffer(4096);
    private Table table;
    private long row;
    /** A bit for each required column that has not come yet. */
    private long missing;

    RowLine(SinkConfig config) {
        this.required = config.required;
    }

    /** @param number of the row; no other has it */
    void begin(Table table, long number) {
        this.table = table;
        this.row = number;
        symbols.clear();
        fields.clear();
        missing = lowestBits(required.size());
    }

    /** As many ones, from the lowest bit on. */
    private static long lowestBits(int count) {
        return count == 0 ? 0 : -1L >>> (64 - count);
    }

    /** Begins a field; its value has to follow. */
    IlpBuffer field(Column column) throws BadRow {
        claim(column);
        return fields.put(column.written);
    }

    /** Begins a symbol; its value has to follow. */
    IlpBuffer symbol(Column column) throws BadRow {
        claim(column);
        return symbols.put(column.written);
    }

    private void claim(Column column) throws BadRow {
        if (!column.claim(row)) {
            throw new BadRow("two fields go to column '%s'".formatted(column.name));
        }
        missing &= ~column.requiredBit;
    }

    void check() throws BadRow {
        if (missing != 0) {
            throw new BadRow(
                    "required field '%s' is missing".formatted(required.get(Long.numberOfTrailingZeros(missing))));
        }
        if (symbols.length() + fields.length() == 0) {
            throw new BadRow("no field but the timestamp");
        }
    }

    /** Appends the line, and returns its time: nanoseconds since 1970. */
    long end(long nanos, IlpBuffer target) {
        columns(target).put(' ').putLong(nanos).put('\n');
        return nanos;
    }

    /** Appends the line without a time: QuestDB takes that of its arrival. Returns one that is never late. */
    long endWithoutTime(IlpBuffer target) {
        columns(target).put('\n');
        return Long.MAX_VALUE;
    }

    private IlpBuffer columns(IlpBuffer target) {
        target.put(table.written).put(symbols);
        separateFields();
        return target.put(fields);
    }

    /** Each field starts with a comma; in ILP the first one follows a space. */
    private void separateFields() {
        if (fields.length() > 0) {
            fields.bytes()[0] = ' ';
        }
    }
}
