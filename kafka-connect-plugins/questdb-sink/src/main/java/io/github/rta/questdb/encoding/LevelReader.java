package io.github.rta.questdb.encoding;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import org.apache.kafka.connect.data.Struct;

/** Reads the levels of a list, of JSON bytes or of Connect's objects. A level is an object or a list of numbers. */
final class LevelReader {
    private LevelReader() {}

    /** Reads up to the end of the array that the parser has just entered. */
    static void read(JsonParser parser, Levels levels) throws IOException, BadRow {
        levels.begin();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            levels.beginLevel();
            switch (parser.currentToken()) {
                case START_OBJECT -> {
                    while (parser.nextToken() != JsonToken.END_OBJECT) {
                        member(parser, levels, levels.member(parser.currentName()), parser.nextToken());
                    }
                }
                case START_ARRAY -> {
                    int position = 0;
                    for (JsonToken token = parser.nextToken();
                            token != JsonToken.END_ARRAY;
                            token = parser.nextToken()) {
                        member(parser, levels, levels.member(position++), token);
                    }
                }
                default -> throw levels.noLevel();
            }
            levels.endLevel();
        }
    }

    private static void member(JsonParser parser, Levels levels, int member, JsonToken token)
            throws IOException, BadRow {
        if (member < 0) {
            parser.skipChildren();
            return;
        }
        switch (token) {
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> levels.put(member, parser.getDoubleValue());
            case VALUE_STRING -> levels.put(member, parser.getText());
            case VALUE_NULL -> levels.put(member, Double.NaN);
            default -> throw levels.noNumber(member);
        }
    }

    static void read(Collection<?> items, Levels levels) throws BadRow {
        levels.begin();
        for (Object item : items) {
            levels.beginLevel();
            if (item instanceof Struct struct) {
                for (org.apache.kafka.connect.data.Field member :
                        struct.schema().fields()) {
                    member(levels, levels.member(member.name()), struct.get(member));
                }
            } else if (item instanceof Map<?, ?> map) {
                for (Map.Entry<?, ?> member : map.entrySet()) {
                    member(levels, levels.member(String.valueOf(member.getKey())), member.getValue());
                }
            } else if (item instanceof Collection<?> list) {
                int position = 0;
                for (Object member : list) {
                    member(levels, levels.member(position++), member);
                }
            } else {
                throw levels.noLevel();
            }
            levels.endLevel();
        }
    }

    private static void member(Levels levels, int member, Object value) throws BadRow {
        if (member < 0) {
            return;
        }
        if (value instanceof Number number) {
            levels.put(member, number.doubleValue());
        } else if (value instanceof String text) {
            levels.put(member, text);
        } else if (value == null) {
            levels.put(member, Double.NaN);
        } else {
            throw levels.noNumber(member);
        }
    }
}
