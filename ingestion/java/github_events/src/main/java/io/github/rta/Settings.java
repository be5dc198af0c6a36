package io.github.rta;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The settings of a poller, read from environment variables (CONTRACT.md, section 2). Null: not set, or not limited;
 * {@code pollInterval} belongs to the plan FIXED.
 */
record Settings(
        String apiUrl,
        String token,
        String tokenSetting,
        Plan plan,
        Duration pollInterval,
        Long maxPolls,
        String bootstrapServers,
        Login login,
        String topic,
        String pollsTopic,
        String heartbeatFile) {

    /** How to reach a Kafka that encrypts or asks for a login. Null: not set. */
    record Login(String protocol, String mechanism, String username, String password, String caLocation) {}

    /** What sets the time between two requests (CONTRACT.md, section 4). */
    enum Plan {
        IN_TURN,
        POLITE,
        FIXED
    }

    private static final Duration LONGEST_INTERVAL = Duration.ofDays(1);

    /** One line for each bad setting, naming its variable. */
    static final class BadException extends Exception {
        private static final long serialVersionUID = 1;

        final transient List<String> errors;

        BadException(List<String> errors) {
            super(String.join("\n", errors));
            this.errors = errors;
        }
    }

    /** One environment variable: its default as text, what makes a value of it, and its line in the help. */
    private record Variable(String name, String defaultText, Function<String, Object> parse, String help) {}

    /** Returns the settings of this environment. Arguments are errors. */
    static Settings read(Map<String, String> environ, List<String> arguments) throws BadException {
        List<String> errors = new ArrayList<>();
        if (!arguments.isEmpty()) {
            errors.add("no arguments are taken: settings are environment variables, see --help");
        }
        Map<String, Object> values = new HashMap<>();
        for (Variable variable : variables(environ)) {
            String value = value(environ, variable.name);
            String text = value.isEmpty() ? variable.defaultText : value;
            try {
                if (!text.isEmpty()) {
                    values.put(variable.name, variable.parse.apply(text));
                }
            } catch (IllegalArgumentException error) {
                errors.add(shown(variable.name, text) + ": " + error.getMessage());
            }
        }
        if (!value(environ, "GITHUB_TOKEN").isEmpty()
                && !value(environ, "GITHUB_TOKEN_FILE").isEmpty()) {
            errors.add("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one");
        }
        List<String> login = List.of("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD");
        boolean whole = login.stream().noneMatch(name -> value(environ, name).isEmpty());
        if (value(environ, "KAFKA_SECURITY_PROTOCOL").startsWith("SASL_") && !whole) {
            errors.add("KAFKA_SECURITY_PROTOCOL with SASL_ needs " + String.join(", ", login));
        }
        if (!errors.isEmpty()) {
            throw new BadException(errors);
        }
        return of(values);
    }

    /** Returns the text of --help. */
    static String usage(Map<String, String> environ) {
        return variables(environ).stream()
                .map(variable -> "  %-25s%s (default: %s)"
                        .formatted(
                                variable.name,
                                variable.help,
                                variable.defaultText.isEmpty() ? "none" : variable.defaultText))
                .collect(Collectors.joining(
                        "\n", "Reads GitHub's public events and writes them to Kafka.\nEnvironment variables:\n", ""));
    }

    private static Settings of(Map<String, Object> values) {
        return new Settings(
                (String) values.get("GITHUB_API_URL"),
                (String) values.getOrDefault("GITHUB_TOKEN", values.get("GITHUB_TOKEN_FILE")),
                values.containsKey("GITHUB_TOKEN_FILE") ? "GITHUB_TOKEN_FILE" : "GITHUB_TOKEN",
                plan(values.get("POLL_INTERVAL")),
                values.get("POLL_INTERVAL") instanceof Duration interval ? interval : null,
                (Long) values.get("MAX_POLLS"),
                (String) values.get("KAFKA_BOOTSTRAP_SERVERS"),
                new Login(
                        (String) values.get("KAFKA_SECURITY_PROTOCOL"),
                        (String) values.get("KAFKA_SASL_MECHANISM"),
                        (String) values.get("KAFKA_SASL_USERNAME"),
                        (String) values.get("KAFKA_SASL_PASSWORD"),
                        (String) values.get("KAFKA_SSL_CA_LOCATION")),
                (String) values.get("KAFKA_TOPIC"),
                (String) values.get("KAFKA_POLLS_TOPIC"),
                (String) values.get("HEARTBEAT_FILE"));
    }

    private static String value(Map<String, String> environ, String name) {
        return trimmed(environ.getOrDefault(name, ""));
    }

    private static String trimmed(String text) {
        return text.replaceAll("^[ \\t\\r\\n]+|[ \\t\\r\\n]+$", "");
    }

    /** Returns NAME='value' on one line; the name alone where the value may be a secret. */
    private static String shown(String name, String text) {
        boolean secret =
                switch (name) {
                    case "GITHUB_TOKEN", "KAFKA_SASL_PASSWORD" -> true;
                    case "GITHUB_TOKEN_FILE" -> !text.contains("/");
                    case "GITHUB_API_URL" -> text.contains("@");
                    default -> false;
                };
        return secret ? name : name + "='" + text.replaceAll("[^ -~]", "?") + "'";
    }

    private static List<Variable> variables(Map<String, String> environ) {
        boolean simulated = value(environ, "FEED").equals("simulator");
        String port = environ.getOrDefault("SIMULATOR_PORT", "");
        String simulator = "http://127.0.0.1:" + (port.isEmpty() ? "8090" : port);
        return List.of(
                new Variable("FEED", "github", Settings::feed, "github, or simulator"),
                new Variable(
                        "GITHUB_API_URL",
                        simulated ? simulator : "https://api.github.com",
                        Settings::url,
                        "where GET /events is answered"),
                new Variable("GITHUB_TOKEN", "", Settings::token, "5,000 requests an hour instead of 60"),
                new Variable(
                        "GITHUB_TOKEN_FILE",
                        "",
                        Settings::content,
                        "a file that holds the token, instead of GITHUB_TOKEN"),
                new Variable(
                        "POLL_INTERVAL",
                        "",
                        Settings::pollInterval,
                        "seconds between two requests of a page; polite: as GitHub asks; none: the pages in turn"),
                new Variable("MAX_POLLS", "", Settings::count, "end after so many requests of each page"),
                new Variable(
                        "KAFKA_BOOTSTRAP_SERVERS",
                        "localhost:9092",
                        Settings::servers,
                        "host:port, several with commas"),
                new Variable(
                        "KAFKA_SECURITY_PROTOCOL",
                        "PLAINTEXT",
                        Settings::protocol,
                        "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
                new Variable("KAFKA_SASL_MECHANISM", "", Settings::mechanism, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
                new Variable("KAFKA_SASL_USERNAME", "", text -> text, "who logs in to Kafka"),
                new Variable("KAFKA_SASL_PASSWORD", "", text -> text, "the password of that user"),
                new Variable(
                        "KAFKA_SSL_CA_LOCATION",
                        "",
                        Settings::readable,
                        "a file with the certificates that Kafka's must come from"),
                new Variable(
                        "KAFKA_TOPIC",
                        "github_events",
                        Settings::topic,
                        "events; what can't be one goes to the same name plus _dlq"),
                new Variable("KAFKA_POLLS_TOPIC", "github_polls", Settings::topic, "one row of statistics a request"),
                new Variable(
                        "HEARTBEAT_FILE",
                        "",
                        text -> text,
                        "holds the Unix second until which the poller counts as healthy"));
    }

    private static Object feed(String text) {
        return matching("github|simulator", text, "must be github or simulator");
    }

    private static Object url(String text) {
        try {
            URI url = new URI(text);
            boolean http = url.getScheme() != null && Set.of("http", "https").contains(url.getScheme());
            if (http && !text.contains("@") && url.getHost() != null && url.getQuery() == null && url.getPort() != 0) {
                return text.replaceAll("/+$", "");
            }
        } catch (URISyntaxException error) {
            // Said below.
        }
        throw new IllegalArgumentException("must be an address like https://api.github.com");
    }

    private static Object content(String path) {
        return token(trimmed(new String(bytes(path), StandardCharsets.ISO_8859_1)));
    }

    private static Object readable(String path) {
        bytes(path);
        return path;
    }

    private static byte[] bytes(String path) {
        try {
            return Files.readAllBytes(Path.of(path));
        } catch (IOException | InvalidPathException error) {
            throw new IllegalArgumentException("can't be read", error);
        }
    }

    private static Object token(String text) {
        return matching("[!-~]+", text, "must hold a token and nothing else: visible ASCII, no spaces");
    }

    private static Object pollInterval(String text) {
        if (text.equals("polite")) {
            return Plan.POLITE;
        }
        String message = "must be polite, or a number of seconds above 0, at most 86400";
        double seconds = Double.parseDouble(matching("(?=.*[1-9])\\d+(\\.\\d+)?", text, message));
        if (seconds > LONGEST_INTERVAL.toSeconds()) {
            throw new IllegalArgumentException(message);
        }
        return Answer.scaled(LONGEST_INTERVAL, seconds / LONGEST_INTERVAL.toSeconds());
    }

    private static Plan plan(Object pollInterval) {
        return pollInterval == null ? Plan.IN_TURN : pollInterval instanceof Plan plan ? plan : Plan.FIXED;
    }

    private static Object count(String text) {
        return Long.valueOf(
                matching("(?=.*[1-9])\\d{1,9}", text, "must be a whole number above 0, of at most nine digits"));
    }

    private static Object servers(String text) {
        return matching("[^\\s,:]+:\\d+(,[^\\s,:]+:\\d+)*", text, "must be host:port, several with commas");
    }

    private static Object protocol(String text) {
        return matching("(SASL_)?(PLAINTEXT|SSL)", text, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
    }

    private static Object mechanism(String text) {
        return matching("PLAIN|SCRAM-SHA-(256|512)", text, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
    }

    private static Object topic(String text) {
        return matching("[A-Za-z0-9._-]{1,245}", text, "must be 1 to 245 letters, digits, dots, dashes or underscores");
    }

    private static String matching(String pattern, String text, String message) {
        if (!text.matches(pattern)) {
            throw new IllegalArgumentException(message);
        }
        return text;
    }
}
