// The settings of a poller, read from environment variables (CONTRACT.md, section 2).

import { readFileSync } from "node:fs";

const DAY = 86_400;

/** What sets the time between two requests (CONTRACT.md, section 4). */
export const Plan = Object.freeze({ IN_TURN: "in turn", POLITE: "polite", FIXED: "fixed" });

/** One line for each bad setting, naming its variable. */
export class SettingsError extends Error {}

/**
 * The settings of this environment. pollInterval: seconds, of the plan FIXED alone; undefined elsewhere: not set, or not limited.
 * Throws SettingsError naming every bad one. Arguments are errors.
 */
export function read(environ, args) {
  const settings = {
    tokenSetting: value(environ, "GITHUB_TOKEN_FILE") ? "GITHUB_TOKEN_FILE" : "GITHUB_TOKEN",
    plan: Plan.IN_TURN,
  };
  const errors = args.length > 0 ? ["no arguments are taken: settings are environment variables, see --help"] : [];
  for (const { field, name, defaultText, parse } of variables(environ)) {
    const text = value(environ, name) || defaultText;
    try {
      if (text) {
        Object.assign(settings, field ? { [field]: parse(text) } : parse(text));
      }
    } catch (error) {
      errors.push(`${shown(name, text)}: ${error.message}`);
    }
  }
  if (value(environ, "GITHUB_TOKEN") && value(environ, "GITHUB_TOKEN_FILE")) {
    errors.push("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one");
  }
  const login = ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"];
  if (value(environ, "KAFKA_SECURITY_PROTOCOL").startsWith("SASL_") && !login.every((name) => value(environ, name))) {
    errors.push(`KAFKA_SECURITY_PROTOCOL with SASL_ needs ${login.join(", ")}`);
  }
  if (errors.length > 0) {
    throw new SettingsError(errors.join("\n"));
  }
  return settings;
}

/** The text of --help. */
export function usage(environ) {
  const lines = variables(environ).map(
    ({ name, help, defaultText }) => `  ${name.padEnd(25)}${help} (default: ${defaultText || "none"})`,
  );
  return ["Reads GitHub's public events and writes them to Kafka.", "Environment variables:", ...lines].join("\n");
}

function value(environ, name) {
  return trimmed(environ[name] ?? "");
}

function trimmed(text) {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}

/** NAME='value' on one line; the name alone where the value may be a secret. */
function shown(name, text) {
  const places = {
    GITHUB_TOKEN: true,
    GITHUB_TOKEN_FILE: !text.includes("/"),
    GITHUB_API_URL: text.includes("@"),
    KAFKA_SASL_PASSWORD: true,
  };
  return places[name] ? name : `${name}='${text.replace(/[^ -~]/g, "?")}'`;
}

function variables(environ) {
  const simulator = `http://127.0.0.1:${environ.SIMULATOR_PORT || "8090"}`;
  const apiUrl = value(environ, "FEED") === "simulator" ? simulator : "https://api.github.com";
  return [
    ["feed", "FEED", "github", feed, "github, or simulator"],
    ["apiUrl", "GITHUB_API_URL", apiUrl, url, "where GET /events is answered"],
    ["token", "GITHUB_TOKEN", "", token, "5,000 requests an hour instead of 60"],
    ["token", "GITHUB_TOKEN_FILE", "", content, "a file that holds the token, instead of GITHUB_TOKEN"],
    [
      undefined,
      "POLL_INTERVAL",
      "",
      plan,
      "seconds between two requests of a page; polite: as GitHub asks; none: the pages in turn",
    ],
    ["maxPolls", "MAX_POLLS", "", count, "end after so many requests of each page"],
    ["bootstrapServers", "KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", servers, "host:port, several with commas"],
    ["securityProtocol", "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", protocol, "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"],
    ["saslMechanism", "KAFKA_SASL_MECHANISM", "", mechanism, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"],
    ["saslUsername", "KAFKA_SASL_USERNAME", "", String, "who logs in to Kafka"],
    ["saslPassword", "KAFKA_SASL_PASSWORD", "", String, "the password of that user"],
    ["ca", "KAFKA_SSL_CA_LOCATION", "", readable, "a file with the certificates that Kafka's must come from"],
    ["topic", "KAFKA_TOPIC", "github_events", topic, "events; what can't be one goes to the same name plus _dlq"],
    ["pollsTopic", "KAFKA_POLLS_TOPIC", "github_polls", topic, "one row of statistics a request"],
    ["heartbeatFile", "HEARTBEAT_FILE", "", String, "holds the Unix second until which the poller counts as healthy"],
  ].map(([field, name, defaultText, parse, help]) => ({ field, name, defaultText, parse, help }));
}

function feed(text) {
  return matching(/^(github|simulator)$/, text, "must be github or simulator");
}

function url(text) {
  const parts = URL.canParse(text) ? new URL(text) : {};
  if (
    !["http:", "https:"].includes(parts.protocol) ||
    !/^https?:\/\//i.test(text) ||
    parts.search ||
    text.includes("@") ||
    parts.port === "0"
  ) {
    throw new Error("must be an address like https://api.github.com");
  }
  return text.replace(/\/+$/, "");
}

function content(path) {
  return token(trimmed(readable(path)));
}

function readable(path) {
  try {
    return readFileSync(path, "latin1");
  } catch {
    throw new Error("can't be read");
  }
}

function token(text) {
  return matching(/^[!-~]+$/, text, "must hold a token and nothing else: visible ASCII, no spaces");
}

function plan(text) {
  if (text === Plan.POLITE) {
    return { plan: Plan.POLITE };
  }
  const message = "must be polite, or a number of seconds above 0, at most 86400";
  const seconds = Number(matching(/^(?=.*[1-9])\d+(\.\d+)?$/, text, message));
  if (seconds > DAY) {
    throw new Error(message);
  }
  return { plan: Plan.FIXED, pollInterval: seconds };
}

function count(text) {
  return Number(matching(/^(?=.*[1-9])\d{1,9}$/, text, "must be a whole number above 0, of at most nine digits"));
}

function servers(text) {
  return matching(/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/, text, "must be host:port, several with commas");
}

function protocol(text) {
  return matching(/^(SASL_)?(PLAINTEXT|SSL)$/, text, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
}

function mechanism(text) {
  return matching(/^(PLAIN|SCRAM-SHA-(256|512))$/, text, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
}

function topic(text) {
  return matching(/^[A-Za-z0-9._-]{1,245}$/, text, "must be 1 to 245 letters, digits, dots, dashes or underscores");
}

function matching(pattern, text, error) {
  if (!pattern.test(text)) {
    throw new Error(error);
  }
  return text;
}
