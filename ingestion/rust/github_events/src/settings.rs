//! The settings of a poller, read from environment variables (CONTRACT.md, section 2).

use std::fs;
use std::time::Duration;

use reqwest::Url;

const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
const DAY: f64 = 86_400.0;

/// What sets the time between two requests (CONTRACT.md, section 4).
#[derive(Clone, Copy)]
pub enum Plan {
    InTurn,
    Polite,
    Fixed(Duration),
}

/// What one run does; `None`: not set, or not limited.
pub struct Settings {
    pub api_url: String,
    pub token: Option<String>,
    pub token_setting: &'static str,
    pub plan: Plan,
    pub max_polls: Option<u64>,
    pub bootstrap_servers: String,
    pub security_protocol: String,
    pub sasl_mechanism: Option<String>,
    pub sasl_username: Option<String>,
    pub sasl_password: Option<String>,
    pub ca_location: Option<String>,
    pub topic: String,
    pub polls_topic: String,
    pub heartbeat_file: Option<String>,
}

/// Gives the value of an environment variable, empty when it is not set.
pub type Environ<'a> = &'a dyn Fn(&str) -> String;

type Parsed<T> = Result<T, &'static str>;

/// One environment variable: its default as text, and its line in the help.
struct Variable {
    name: &'static str,
    default: String,
    help: &'static str,
}

/// Returns the settings of this environment, or one line for each bad one. Arguments are errors.
pub fn read(environ: Environ, arguments: &[String]) -> Result<Settings, Vec<String>> {
    let explain = |_| "no arguments are taken: settings are environment variables, see --help".into();
    let errors = arguments.first().map(explain).into_iter().collect();
    let mut reader = Reader { environ, variables: variables(environ), errors };
    reader.value("FEED", feed);
    let settings = Settings {
        api_url: reader.value("GITHUB_API_URL", url).unwrap_or_default(),
        token: reader.token(),
        token_setting: reader.token_setting(),
        plan: reader.value("POLL_INTERVAL", plan).unwrap_or(Plan::InTurn),
        max_polls: reader.value("MAX_POLLS", count),
        bootstrap_servers: reader.value("KAFKA_BOOTSTRAP_SERVERS", servers).unwrap_or_default(),
        security_protocol: reader.value("KAFKA_SECURITY_PROTOCOL", protocol).unwrap_or_default(),
        sasl_mechanism: reader.value("KAFKA_SASL_MECHANISM", mechanism),
        sasl_username: reader.value("KAFKA_SASL_USERNAME", |text| Ok(text.into())),
        sasl_password: reader.value("KAFKA_SASL_PASSWORD", |text| Ok(text.into())),
        ca_location: reader.value("KAFKA_SSL_CA_LOCATION", readable),
        topic: reader.value("KAFKA_TOPIC", topic).unwrap_or_default(),
        polls_topic: reader.value("KAFKA_POLLS_TOPIC", topic).unwrap_or_default(),
        heartbeat_file: reader.value("HEARTBEAT_FILE", |text| Ok(text.into())),
    };
    reader.require_whole_login();
    if reader.errors.is_empty() { Ok(settings) } else { Err(reader.errors) }
}

/// Returns the text of --help.
pub fn usage(environ: Environ) -> String {
    let head = "Reads GitHub's public events and writes them to Kafka.\nEnvironment variables:";
    variables(environ).iter().fold(head.into(), |text, Variable { name, default, help }| {
        let shown = if default.is_empty() { "none" } else { default };
        format!("{text}\n  {name:25}{help} (default: {shown})")
    })
}

struct Reader<'a> {
    environ: Environ<'a>,
    variables: Vec<Variable>,
    errors: Vec<String>,
}

impl Reader<'_> {
    /// Returns the value of a variable or of its default; `None` when there is none, or a bad one.
    fn value<T>(&mut self, name: &str, parse: fn(&str) -> Parsed<T>) -> Option<T> {
        let default = self.variables.iter().find(|variable| variable.name == name).map(|found| found.default.clone());
        let value = value_of(self.environ, name);
        let text = if value.is_empty() { default.unwrap_or_default() } else { value };
        if text.is_empty() {
            return None;
        }
        parse(&text).map_err(|error| self.errors.push(format!("{}: {error}", shown(name, &text)))).ok()
    }

    fn token(&mut self) -> Option<String> {
        let found = self.value("GITHUB_TOKEN", token).or(self.value("GITHUB_TOKEN_FILE", content));
        if ["GITHUB_TOKEN", "GITHUB_TOKEN_FILE"].iter().all(|name| !value_of(self.environ, name).is_empty()) {
            self.errors.push("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one".into());
        }
        found
    }

    fn require_whole_login(&mut self) {
        let names = ["KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"];
        let wanted = value_of(self.environ, "KAFKA_SECURITY_PROTOCOL").starts_with("SASL_");
        if wanted && names.iter().any(|name| value_of(self.environ, name).is_empty()) {
            self.errors.push(format!("KAFKA_SECURITY_PROTOCOL with SASL_ needs {}", names.join(", ")));
        }
    }

    fn token_setting(&self) -> &'static str {
        let file = "GITHUB_TOKEN_FILE";
        if value_of(self.environ, file).is_empty() { "GITHUB_TOKEN" } else { file }
    }
}

fn value_of(environ: Environ, name: &str) -> String {
    environ(name).trim_matches(WHITE_SPACE).into()
}

/// Returns NAME='value' on one line; the name alone where the value may be a secret.
fn shown(name: &str, text: &str) -> String {
    let secret = match name {
        "GITHUB_TOKEN" | "KAFKA_SASL_PASSWORD" => true,
        "GITHUB_TOKEN_FILE" => !text.contains('/'),
        "GITHUB_API_URL" => text.contains('@'),
        _ => false,
    };
    let visible = |letter: char| if (' '..='~').contains(&letter) { letter } else { '?' };
    if secret { name.into() } else { format!("{name}='{}'", text.chars().map(visible).collect::<String>()) }
}

fn variables(environ: Environ) -> Vec<Variable> {
    let port = Some(environ("SIMULATOR_PORT")).filter(|port| !port.is_empty()).unwrap_or("8090".into());
    let simulated = value_of(environ, "FEED") == "simulator";
    let api_url = if simulated { format!("http://127.0.0.1:{port}") } else { "https://api.github.com".into() };
    [
        ("FEED", "github", "github, or simulator"),
        ("GITHUB_API_URL", &api_url, "where GET /events is answered"),
        ("GITHUB_TOKEN", "", "5,000 requests an hour instead of 60"),
        ("GITHUB_TOKEN_FILE", "", "a file that holds the token, instead of GITHUB_TOKEN"),
        (
            "POLL_INTERVAL",
            "",
            "seconds between two requests of a page; polite: as GitHub asks; none: the pages in turn",
        ),
        ("MAX_POLLS", "", "end after so many requests of each page"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", "host:port, several with commas"),
        ("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("KAFKA_SASL_USERNAME", "", "who logs in to Kafka"),
        ("KAFKA_SASL_PASSWORD", "", "the password of that user"),
        ("KAFKA_SSL_CA_LOCATION", "", "a file with the certificates that Kafka's must come from"),
        ("KAFKA_TOPIC", "github_events", "events; what can't be one goes to the same name plus _dlq"),
        ("KAFKA_POLLS_TOPIC", "github_polls", "one row of statistics a request"),
        ("HEARTBEAT_FILE", "", "holds the Unix second until which the poller counts as healthy"),
    ]
    .map(|(name, default, help)| Variable { name, default: default.into(), help })
    .into()
}

fn feed(text: &str) -> Parsed<String> {
    valid(matches!(text, "github" | "simulator"), text, "must be github or simulator")
}

fn url(text: &str) -> Parsed<String> {
    let good = |url: Url| {
        ["http", "https"].contains(&url.scheme()) && url.has_host() && url.query().is_none() && url.port() != Some(0)
    };
    let good = |url: Url| good(url) && !text.contains('@');
    let text = text.trim_end_matches('/');
    valid(Url::parse(text).is_ok_and(good), text, "must be an address like https://api.github.com")
}

fn content(path: &str) -> Parsed<String> {
    let bytes = fs::read(path).or(Err("can't be read"))?;
    token(String::from_utf8_lossy(&bytes).trim_matches(WHITE_SPACE))
}

fn token(text: &str) -> Parsed<String> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    valid(good, text, "must hold a token and nothing else: visible ASCII, no spaces")
}

fn plan(text: &str) -> Parsed<Plan> {
    if text == "polite" {
        return Ok(Plan::Polite);
    }
    let error = "must be polite, or a number of seconds above 0, at most 86400";
    let seconds = decimal(text).filter(|seconds| *seconds > 0.0 && *seconds <= DAY).ok_or(error)?;
    Duration::try_from_secs_f64(seconds).map(Plan::Fixed).or(Err(error))
}

fn count(text: &str) -> Parsed<u64> {
    let plain = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let error = "must be a whole number above 0, of at most nine digits";
    text.parse().ok().filter(|count| plain && *count > 0).ok_or(error)
}

fn servers(text: &str) -> Parsed<String> {
    let good = |server: &str| {
        server.split_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
        })
    };
    valid(text.split(',').all(good), text, "must be host:port, several with commas")
}

fn protocol(text: &str) -> Parsed<String> {
    let good = matches!(text, "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL");
    valid(good, text, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
}

fn mechanism(text: &str) -> Parsed<String> {
    let good = matches!(text, "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512");
    valid(good, text, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
}

fn readable(path: &str) -> Parsed<String> {
    valid(fs::read(path).is_ok(), path, "can't be read")
}

fn topic(text: &str) -> Parsed<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let good = text.len() <= 245 && text.bytes().all(legal);
    valid(good, text, "must be 1 to 245 letters, digits, dots, dashes or underscores")
}

fn valid(good: bool, text: &str, error: &'static str) -> Parsed<String> {
    if good { Ok(text.into()) } else { Err(error) }
}

/// Returns a number written as digits, with or without decimals; `None` for anything else.
pub fn decimal(text: &str) -> Option<f64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if digits(whole) && digits(fraction) { text.parse().ok() } else { None }
}
