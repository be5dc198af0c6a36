package io.github.rta.questdb;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** A real broker and a real distributed worker, as child processes on free ports, with the packaged plugin. */
final class ConnectCluster implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final String bootstrap = "127.0.0.1:" + ChildProcess.freePort();
    private final int restPort = ChildProcess.freePort();
    private final String rest = "http://127.0.0.1:" + restPort;
    private final int jmxPort = ChildProcess.freePort();
    private final HttpClient http = HttpClient.newHttpClient();
    private final Path root = Files.createTempDirectory("connect");
    private final ChildProcess broker;
    private ChildProcess worker;

    ConnectCluster(Path plugins) throws Exception {
        Path brokerFile = brokerProperties();
        run(
                "format",
                List.of(
                        "kafka.tools.StorageTool",
                        "format",
                        "-t",
                        "AAAAAAAAAAAAAAAAAAAAAA",
                        "-c",
                        brokerFile.toString()));
        broker = start("broker", List.of("kafka.Kafka", brokerFile.toString()));
        write("worker.properties", workerProperties(plugins));
        startWorker();
    }

    private Path brokerProperties() throws IOException {
        String controller = "127.0.0.1:" + ChildProcess.freePort();
        return write(
                "broker.properties",
                Map.ofEntries(
                        Map.entry("process.roles", "broker,controller"),
                        Map.entry("node.id", "1"),
                        Map.entry("listeners", "PLAINTEXT://" + bootstrap + ",CONTROLLER://" + controller),
                        Map.entry("controller.listener.names", "CONTROLLER"),
                        Map.entry("controller.quorum.voters", "1@" + controller),
                        Map.entry("offsets.topic.replication.factor", "1"),
                        Map.entry("transaction.state.log.replication.factor", "1"),
                        Map.entry("transaction.state.log.min.isr", "1"),
                        Map.entry("transaction.state.log.num.partitions", "1"),
                        Map.entry("offsets.topic.num.partitions", "1"),
                        Map.entry("group.initial.rebalance.delay.ms", "0"),
                        Map.entry("log.dirs", root.resolve("data").toString())));
    }

    /** The product's own settings, from a file of this repository. */
    static Map<String, String> product(Path file) throws IOException {
        Properties product = new Properties();
        try (var in = Files.newBufferedReader(Path.of("..", "..").resolve(file))) {
            product.load(in);
        }
        Map<String, String> properties = new HashMap<>();
        product.forEach((key, value) -> properties.put(key.toString(), value.toString()));
        return properties;
    }

    /** The product's own, with the plugin under test and offsets committed more often. */
    private static Map<String, String> workerProperties(Path plugins) throws IOException {
        Map<String, String> properties = product(Path.of("kafka-connect-plugins", "worker.properties"));
        properties.put("plugin.path", plugins.toString());
        properties.put("offset.flush.interval.ms", "1000");
        return properties;
    }

    private Map<String, String> workerEnvironment() throws IOException {
        Map<String, String> variables = product(Path.of("operations", "security", "off", "connect.env"));
        variables.put("CONNECT_BOOTSTRAP_SERVERS", bootstrap);
        variables.put("CONNECT_BIND", "127.0.0.1");
        variables.put("CONNECT_HOST", "127.0.0.1");
        variables.put("CONNECT_PORT", Integer.toString(restPort));
        return variables;
    }

    private Path write(String name, Map<String, String> entries) throws IOException {
        Properties properties = new Properties();
        properties.putAll(entries);
        try (var out = Files.newBufferedWriter(root.resolve(name))) {
            properties.store(out, null);
        }
        return root.resolve(name);
    }

    private ChildProcess start(String name, List<String> mainAndArguments, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(options));
        command.addAll(List.of("-cp", ChildProcess.classPath()));
        command.addAll(mainAndArguments);
        return new ChildProcess(root.resolve(name + ".log"), workerEnvironment(), command);
    }

    private void run(String name, List<String> mainAndArguments) throws Exception {
        try (ChildProcess process = start(name, mainAndArguments)) {
            Conditions.await(name, Duration.ofSeconds(30), () -> !process.isAlive(), process::log);
        }
    }

    void startWorker() throws Exception {
        worker = start(
                "worker",
                List.of(
                        "org.apache.kafka.connect.cli.ConnectDistributed",
                        root.resolve("worker.properties").toString()),
                "-Dcom.sun.management.jmxremote.port=" + jmxPort,
                "-Dcom.sun.management.jmxremote.authenticate=false",
                "-Dcom.sun.management.jmxremote.ssl=false",
                "-Dcom.sun.management.jmxremote.host=127.0.0.1");
        Conditions.await(
                "the worker answers",
                Duration.ofSeconds(60),
                () -> {
                    try {
                        return request("GET", "/connectors", "").isArray();
                    } catch (IOException e) {
                        return false;
                    }
                },
                () -> worker.log() + broker.log());
    }

    void killWorker() {
        worker.close();
    }

    JsonNode request(String method, String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(rest + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        return JSON.readTree(response.body());
    }

    void connector(String name, Map<String, String> config) throws Exception {
        JsonNode answer = request("PUT", "/connectors/" + name + "/config", JSON.writeValueAsString(config));
        if (answer.has("error_code")) {
            throw new AssertionError(answer.toString());
        }
        Conditions.await(
                name + " runs", Duration.ofSeconds(30), () -> running(name), () -> status(name) + worker.log());
    }

    boolean running(String name) {
        return status(name).path("tasks").path(0).path("state").asText().equals("RUNNING");
    }

    JsonNode status(String name) {
        try {
            return request("GET", "/connectors/" + name + "/status", "");
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What the worker publishes over JMX. */
    Object attribute(String mbean, String attribute) throws Exception {
        JMXServiceURL url = new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + jmxPort + "/jmxrmi");
        try (JMXConnector connector = JMXConnectorFactory.connect(url)) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            return server.getAttribute(new ObjectName(mbean), attribute);
        }
    }

    String log() {
        return worker.log();
    }

    @Override
    public void close() {
        worker.close();
        broker.close();
        Folders.delete(root);
    }
}
