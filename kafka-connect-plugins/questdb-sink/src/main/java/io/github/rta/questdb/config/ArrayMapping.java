package io.github.rta.questdb.config;

import static io.github.rta.questdb.config.Require.require;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How a field that is a list of levels becomes columns of numbers, each from one member of the levels.
 *
 * @param source the field, by the path that its column would have
 * @param targets one DOUBLE[] column for each member, or one DOUBLE[][] column for all
 * @param members their names, or their positions where a level is a list itself
 */
public record ArrayMapping(String source, List<String> targets, List<String> members) {
    /** Parses {@code bids:bid_price,bid_size:price,size;asks:book:0,1}. */
    static List<ArrayMapping> parse(String text) {
        List<ArrayMapping> mappings = new ArrayList<>();
        Set<String> sources = new HashSet<>();
        Set<String> targets = new HashSet<>();
        for (String entry : text.split(";")) {
            if (!entry.isBlank()) {
                ArrayMapping mapping = one(entry.strip());
                require(sources.add(mapping.source), "maps '%s' twice".formatted(mapping.source));
                mapping.targets.forEach(
                        target -> require(targets.add(target), "has the column '%s' twice".formatted(target)));
                mappings.add(mapping);
            }
        }
        return mappings;
    }

    private static ArrayMapping one(String entry) {
        List<String> parts = split(entry, ":");
        require(parts.size() == 3, "must read like field:column,column:member,member; and not " + entry);
        List<String> targets = split(parts.get(1), ",");
        List<String> members = split(parts.get(2), ",");
        require(
                targets.size() == 1 || targets.size() == members.size(),
                "names %d columns for %d members of '%s': give one column for each, or one for all"
                        .formatted(targets.size(), members.size(), parts.get(0)));
        return new ArrayMapping(parts.get(0), targets, members);
    }

    private static List<String> split(String text, String separator) {
        List<String> parts =
                Arrays.stream(text.split(separator, -1)).map(String::strip).toList();
        require(parts.stream().noneMatch(String::isEmpty), "has an empty name in " + text);
        return parts;
    }
}
