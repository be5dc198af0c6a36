package io.github.rta.questdb;

import io.github.rta.questdb.config.SinkConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** Stores Kafka records in QuestDB over ILP/HTTP. See docs/sink.md. */
public final class QuestDbSinkConnector extends SinkConnector {
    static final String VERSION = readVersion();

    private Map<String, String> properties;

    private static String readVersion() {
        Properties build = new Properties();
        try (InputStream in = QuestDbSinkConnector.class.getResourceAsStream("version.properties")) {
            build.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return build.getProperty("version");
    }

    @Override
    public String version() {
        return VERSION;
    }

    @Override
    public ConfigDef config() {
        return SinkConfig.DEF;
    }

    @Override
    public Config validate(Map<String, String> given) {
        List<ConfigValue> values = new ArrayList<>(super.validate(given).configValues());
        SinkConfig.problems(given).forEach((key, problem) -> {
            ConfigValue value = values.stream()
                    .filter(candidate -> candidate.name().equals(key))
                    .findFirst()
                    .orElseGet(() -> {
                        values.add(new ConfigValue(key));
                        return values.get(values.size() - 1);
                    });
            value.addErrorMessage(key + " " + problem);
        });
        return new Config(values);
    }

    @Override
    public void start(Map<String, String> given) {
        new SinkConfig(given); // Fails here, with the key's name, rather than in every task.
        properties = given;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return QuestDbSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int maxTasks) {
        List<Map<String, String>> configs = new ArrayList<>();
        for (int i = 0; i < maxTasks; i++) {
            Map<String, String> config = new HashMap<>(properties);
            config.put("task.id", Integer.toString(i));
            configs.add(config);
        }
        return configs;
    }

    @Override
    public void stop() {
        // Nothing runs here: the tasks do the work.
    }
}
