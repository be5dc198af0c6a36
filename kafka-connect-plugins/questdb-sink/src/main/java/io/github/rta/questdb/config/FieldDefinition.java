package io.github.rta.questdb.config;

import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.Type.BOOLEAN;
import static org.apache.kafka.common.config.ConfigDef.Type.LIST;
import static org.apache.kafka.common.config.ConfigDef.Type.STRING;

import java.util.List;
import org.apache.kafka.common.config.ConfigDef.ValidString;

/** What each setting is that says which field goes to which column, and how. */
final class FieldDefinition {
    private FieldDefinition() {}

    static void add(Group group) {
        columns(group);
        keyAndValue(group);
        forms(group);
    }

    private static void columns(Group group) {
        ValidString columns = ValidString.in("strict", "extend");
        group.add(Key.COLUMNS, STRING, "strict", columns, MEDIUM, "New columns", "What a field without a column means.")
                .add(
                        Key.REQUIRED,
                        LIST,
                        List.of(),
                        MEDIUM,
                        "Required columns",
                        "Columns without which a record is refused.")
                .add(Key.SYMBOLS, LIST, List.of(), MEDIUM, "Symbols", "Columns to create as SYMBOL, where QuestDB may.")
                .add(
                        Key.DOUBLES,
                        LIST,
                        List.of(),
                        MEDIUM,
                        "Doubles",
                        "Fields sent as DOUBLE even when they look like integers.");
    }

    private static void keyAndValue(Group group) {
        group.add(Key.INCLUDE_KEY, BOOLEAN, true, MEDIUM, "Include the key", "Store the record's key too.")
                .add(
                        Key.KEY_PREFIX,
                        STRING,
                        "key",
                        LOW,
                        "Prefix of the key",
                        "The column of the key, or what precedes its fields.")
                .add(
                        Key.VALUE_PREFIX,
                        STRING,
                        "",
                        LOW,
                        "Prefix of the value",
                        "What precedes the fields of the value.");
    }

    private static void forms(Group group) {
        ValidString arrays = ValidString.in("error", "skip", "json");
        group.add(Key.ARRAYS, STRING, "error", arrays, MEDIUM, "Arrays", "What to do with a field that is an array.")
                .add(
                        Key.ARRAY_MAPPINGS,
                        STRING,
                        "",
                        LOW,
                        "Lists of levels",
                        "Lists of objects or lists to store as arrays: field:column,column:member,member;…")
                .add(
                        Key.VALUE_FORMAT,
                        STRING,
                        "json",
                        ValidString.in("json", "json_envelope"),
                        LOW,
                        "Form of bytes",
                        "json_envelope for JSON with its schema around it, read by ByteArrayConverter.")
                .add(
                        Key.SKIP_UNSUPPORTED,
                        BOOLEAN,
                        false,
                        MEDIUM,
                        "Skip unsupported types",
                        "Leave out what is of another type.");
    }
}
