package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.ArrayMapping;
import java.util.Arrays;
import java.util.List;

/** The members of a list of levels, such as one side of an order book, collected into an array for each. */
final class Levels {
    private final String source;
    private final List<String> members;
    /** The members that are named by numbers, so that no number of a level has to become text. */
    private final int[] positions;

    private final Field[] targets;
    private final double[][] values;
    /** Which level each member came in last, counted from 1. */
    private final int[] latest;

    private int count;

    Levels(ArrayMapping mapping, Table table) {
        this.source = mapping.source();
        this.members = mapping.members();
        this.positions = members.stream().mapToInt(Levels::position).toArray();
        this.targets =
                mapping.targets().stream().map(path -> new Field(table, path)).toArray(Field[]::new);
        this.values = new double[members.size()][16];
        this.latest = new int[members.size()];
    }

    void begin() {
        count = 0;
        Arrays.fill(latest, 0);
    }

    /** The position of a member by its name, -1 if nobody wants it. */
    int member(String name) {
        return members.indexOf(name);
    }

    /** The same for a member of a level that is a list. */
    int member(int position) {
        for (int i = 0; i < positions.length; i++) {
            if (positions[i] == position) {
                return i;
            }
        }
        return -1;
    }

    private static int position(String member) {
        return member.matches("0|[1-9][0-9]{0,8}") ? Integer.parseInt(member) : -1;
    }

    void beginLevel() {
        if (count == values[0].length) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Arrays.copyOf(values[i], 2 * count);
            }
        }
        count++;
    }

    void put(int member, double value) {
        values[member][count - 1] = value;
        latest[member] = count;
    }

    void put(int member, String text) throws BadRow {
        try {
            put(member, Double.parseDouble(text));
        } catch (NumberFormatException e) {
            throw noNumber(member);
        }
    }

    BadRow noNumber(int member) {
        return new BadRow("field '%s': '%s' of level %d is no number".formatted(source, members.get(member), count));
    }

    BadRow noLevel() {
        return new BadRow("field '%s' has a level that is neither object nor list, but array.mappings names it"
                .formatted(source));
    }

    void endLevel() throws BadRow {
        for (int i = 0; i < latest.length; i++) {
            if (latest[i] != count) {
                throw new BadRow("field '%s': level %d lacks '%s'".formatted(source, count, members.get(i)));
            }
        }
    }

    void end(ArrayFields arrays) throws BadRow {
        if (targets.length == values.length) {
            for (int i = 0; i < targets.length; i++) {
                add(arrays.begin(targets[i]), i);
                arrays.end(targets[i]);
            }
        } else {
            DoubleArray array = arrays.begin(targets[0]);
            array.open();
            for (int i = 0; i < values.length; i++) {
                add(array, i);
            }
            array.close();
            arrays.end(targets[0]);
        }
    }

    private void add(DoubleArray array, int member) {
        array.open();
        for (int i = 0; i < count; i++) {
            array.add(values[member][i]);
        }
        array.close();
    }
}
