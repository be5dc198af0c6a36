package io.github.rta.questdb.config;

import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Importance;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.Validator;
import org.apache.kafka.common.config.ConfigDef.Width;

/** Defines settings that belong together, in the order in which a user interface shows them. */
final class Group {
    private final ConfigDef definition;
    private final String name;
    private int settings;

    Group(ConfigDef definition, String name) {
        this.definition = definition;
        this.name = name;
    }

    Group add(String key, Type type, Object otherwise, Importance importance, String title, String meaning) {
        return add(key, type, otherwise, null, importance, title, meaning);
    }

    Group add(
            String key,
            Type type,
            Object otherwise,
            Validator valid,
            Importance importance,
            String title,
            String meaning) {
        Width width = type == Type.STRING || type == Type.LIST || type == Type.PASSWORD ? Width.LONG : Width.SHORT;
        definition.define(key, type, otherwise, valid, importance, meaning, name, ++settings, width, title);
        return this;
    }
}
