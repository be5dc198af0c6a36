package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	whiteSpace      = " \t\r\n"
	longestInterval = 24 * time.Hour
)

// plan is what sets the time between two requests (CONTRACT.md, section 4).
type plan int

const (
	inTurn plan = iota
	polite
	fixed
)

// settings say what one run does (CONTRACT.md, section 2). Empty or zero: not set, or not limited; pollInterval belongs to
// the plan fixed.
type settings struct {
	feed             string
	apiURL           string
	token            string
	tokenSetting     string
	plan             plan
	pollInterval     time.Duration
	maxPolls         int
	bootstrapServers string
	securityProtocol string
	saslMechanism    string
	saslUsername     string
	saslPassword     string
	caLocation       string
	topic            string
	pollsTopic       string
	heartbeatFile    string
}

// variable is one environment variable: its default as text, what sets the value, and its line in the help.
type variable struct {
	name        string
	defaultText string
	parse       func(text string) error
	help        string
}

// read returns the settings of this environment, and one error naming every bad one. Arguments are errors.
func read(getenv func(string) string, arguments []string) (settings, error) {
	s := settings{tokenSetting: "GITHUB_TOKEN"}
	if value(getenv, "GITHUB_TOKEN_FILE") != "" {
		s.tokenSetting = "GITHUB_TOKEN_FILE"
	}
	var invalid []error
	if len(arguments) > 0 {
		invalid = append(invalid, errors.New("no arguments are taken: settings are environment variables, see --help"))
	}
	for _, v := range variables(&s, getenv) {
		text := value(getenv, v.name)
		if text == "" {
			text = v.defaultText
		}
		if text == "" {
			continue
		}
		if err := v.parse(text); err != nil {
			invalid = append(invalid, fmt.Errorf("%s: %w", shown(v.name, text), err))
		}
	}
	if value(getenv, "GITHUB_TOKEN") != "" && value(getenv, "GITHUB_TOKEN_FILE") != "" {
		invalid = append(invalid, errors.New("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one"))
	}
	login := []string{"KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
	unset := func(name string) bool { return value(getenv, name) == "" }
	if strings.HasPrefix(value(getenv, "KAFKA_SECURITY_PROTOCOL"), "SASL_") && slices.ContainsFunc(login, unset) {
		invalid = append(invalid, fmt.Errorf("KAFKA_SECURITY_PROTOCOL with SASL_ needs %s", strings.Join(login, ", ")))
	}
	return s, errors.Join(invalid...)
}

// usage returns the text of --help.
func usage(getenv func(string) string) string {
	text := "Reads GitHub's public events and writes them to Kafka.\nEnvironment variables:"
	for _, v := range variables(&settings{}, getenv) {
		text += fmt.Sprintf("\n  %-25s%s (default: %s)", v.name, v.help, cmp.Or(v.defaultText, "none"))
	}
	return text
}

func value(getenv func(string) string, name string) string {
	return strings.Trim(getenv(name), whiteSpace)
}

// shown returns NAME='value' on one line; the name alone where the value may be a secret.
func shown(name, text string) string {
	if name == "GITHUB_TOKEN" || name == "KAFKA_SASL_PASSWORD" || name == "GITHUB_TOKEN_FILE" && !strings.Contains(text, "/") ||
		name == "GITHUB_API_URL" && strings.Contains(text, "@") {
		return name
	}
	return fmt.Sprintf("%s='%s'", name, regexp.MustCompile(`[^ -~]`).ReplaceAllString(text, "?"))
}

func variables(s *settings, getenv func(string) string) []variable {
	apiURL := "https://api.github.com"
	if value(getenv, "FEED") == "simulator" {
		apiURL = "http://127.0.0.1:8090"
		if port := getenv("SIMULATOR_PORT"); port != "" {
			apiURL = "http://127.0.0.1:" + port
		}
	}
	return []variable{
		{"FEED", "github", matching(&s.feed, "github|simulator", "must be github or simulator"), "github, or simulator"},
		{"GITHUB_API_URL", apiURL, address(&s.apiURL), "where GET /events is answered"},
		{"GITHUB_TOKEN", "", token(&s.token), "5,000 requests an hour instead of 60"},
		{"GITHUB_TOKEN_FILE", "", content(&s.token), "a file that holds the token, instead of GITHUB_TOKEN"},
		{"POLL_INTERVAL", "", pollPlan(s), "seconds between two requests of a page; polite: as GitHub asks; none: the pages in turn"},
		{"MAX_POLLS", "", count(&s.maxPolls), "end after so many requests of each page"},
		{"KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", servers(&s.bootstrapServers), "host:port, several with commas"},
		{"KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", matching(&s.securityProtocol, "(SASL_)?(PLAINTEXT|SSL)", "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"), "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"},
		{"KAFKA_SASL_MECHANISM", "", matching(&s.saslMechanism, "PLAIN|SCRAM-SHA-(256|512)", "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"), "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"},
		{"KAFKA_SASL_USERNAME", "", anything(&s.saslUsername), "who logs in to Kafka"},
		{"KAFKA_SASL_PASSWORD", "", anything(&s.saslPassword), "the password of that user"},
		{"KAFKA_SSL_CA_LOCATION", "", readable(&s.caLocation), "a file with the certificates that Kafka's must come from"},
		{"KAFKA_TOPIC", "github_events", topic(&s.topic), "events; what can't be one goes to the same name plus _dlq"},
		{"KAFKA_POLLS_TOPIC", "github_polls", topic(&s.pollsTopic), "one row of statistics a request"},
		{"HEARTBEAT_FILE", "", anything(&s.heartbeatFile), "holds the Unix second until which the poller counts as healthy"},
	}
}

func address(target *string) func(string) error {
	return func(text string) error {
		parts, err := url.Parse(text)
		if err != nil || (parts.Scheme != "http" && parts.Scheme != "https") || parts.Hostname() == "" ||
			parts.RawQuery != "" || parts.Port() == "0" || strings.Contains(text, "@") {
			return errors.New("must be an address like https://api.github.com")
		}
		*target = strings.TrimRight(text, "/")
		return nil
	}
}

func content(target *string) func(string) error {
	return func(path string) error {
		text, err := contents(path)
		if err != nil {
			return err
		}
		return token(target)(strings.Trim(string(text), whiteSpace))
	}
}

func readable(target *string) func(string) error {
	return func(path string) error {
		*target = path
		_, err := contents(path)
		return err
	}
}

func contents(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New("can't be read")
	}
	return text, nil
}

func token(target *string) func(string) error {
	return matching(target, `[!-~]+`, "must hold a token and nothing else: visible ASCII, no spaces")
}

func pollPlan(s *settings) func(string) error {
	const message = "must be polite, or a number of seconds above 0, at most 86400"
	var digits string
	check := matching(&digits, `\d+(\.\d+)?`, message)
	return func(text string) error {
		if text == "polite" {
			s.plan = polite
			return nil
		}
		if err := check(text); err != nil {
			return err
		}
		number, err := strconv.ParseFloat(digits, 64)
		if err != nil || number <= 0 || number > longestInterval.Seconds() {
			return errors.New(message)
		}
		s.plan, s.pollInterval = fixed, max(time.Duration(number*float64(time.Second)), 1)
		return nil
	}
}

func count(target *int) func(string) error {
	return func(text string) error {
		number, err := strconv.ParseUint(text, 10, 31)
		if err != nil || number == 0 || len(text) > 9 {
			return errors.New("must be a whole number above 0, of at most nine digits")
		}
		*target = int(number)
		return nil
	}
}

func servers(target *string) func(string) error {
	return matching(target, `[^\s,:]+:\d+(,[^\s,:]+:\d+)*`, "must be host:port, several with commas")
}

func topic(target *string) func(string) error {
	return matching(target, `[A-Za-z0-9._-]{1,245}`, "must be 1 to 245 letters, digits, dots, dashes or underscores")
}

func anything(target *string) func(string) error {
	return matching(target, `(?s).*`, "")
}

func matching(target *string, pattern, message string) func(string) error {
	whole := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(text string) error {
		if !whole.MatchString(text) {
			return errors.New(message)
		}
		*target = text
		return nil
	}
}
