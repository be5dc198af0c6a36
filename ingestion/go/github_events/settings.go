package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

const whiteSpace = " \t\r\n"

// Settings say what one run does. Times in seconds; zero or empty: not limited, or as GitHub asks (CONTRACT.md, section 2).
type Settings struct {
	Feed             string
	APIURL           string
	Token            string
	TokenSetting     string
	PollInterval     float64
	MaxPolls         int
	BootstrapServers string
	Topic            string
	PollsTopic       string
	HeartbeatFile    string
}

// variable is one environment variable: its default as text, what takes a value of it, and its line in the help.
type variable struct {
	name     string
	standard string
	take     func(text string) error
	help     string
}

// read returns the settings of this environment, and one error naming every bad one. Arguments are errors.
func read(getenv func(string) string, arguments []string) (Settings, error) {
	settings := Settings{TokenSetting: "GITHUB_TOKEN"}
	if given(getenv, "GITHUB_TOKEN_FILE") != "" {
		settings.TokenSetting = "GITHUB_TOKEN_FILE"
	}
	var problems []error
	if len(arguments) > 0 {
		problems = append(problems, errors.New("no arguments are taken: settings are environment variables, see --help"))
	}
	for _, v := range variables(&settings, getenv) {
		text := given(getenv, v.name)
		if text == "" {
			text = v.standard
		}
		if text == "" {
			continue
		}
		if err := v.take(text); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", shown(v.name, text), err))
		}
	}
	if given(getenv, "GITHUB_TOKEN") != "" && given(getenv, "GITHUB_TOKEN_FILE") != "" {
		problems = append(problems, errors.New("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one"))
	}
	return settings, errors.Join(problems...)
}

// usage returns the text of --help.
func usage(getenv func(string) string) string {
	text := "Reads GitHub's public events and writes them to Kafka.\nEnvironment variables:"
	for _, v := range variables(&Settings{}, getenv) {
		standard := v.standard
		if standard == "" {
			standard = "none"
		}
		text += fmt.Sprintf("\n  %-25s%s (default: %s)", v.name, v.help, standard)
	}
	return text
}

func given(getenv func(string) string, name string) string {
	return strings.Trim(getenv(name), whiteSpace)
}

// shown returns NAME='value' on one line; the name alone where the value may be a secret.
func shown(name, text string) string {
	if name == "GITHUB_TOKEN" || name == "GITHUB_TOKEN_FILE" && !strings.Contains(text, "/") ||
		name == "GITHUB_API_URL" && strings.Contains(text, "@") {
		return name
	}
	return fmt.Sprintf("%s='%s'", name, regexp.MustCompile(`[^ -~]`).ReplaceAllString(text, "?"))
}

func variables(s *Settings, getenv func(string) string) []variable {
	apiURL := "https://api.github.com"
	if given(getenv, "FEED") == "simulator" {
		apiURL = "http://127.0.0.1:8090"
		if port := getenv("SIMULATOR_PORT"); port != "" {
			apiURL = "http://127.0.0.1:" + port
		}
	}
	return []variable{
		{"FEED", "github", matching(&s.Feed, "github|simulator", "must be github or simulator"), "github, or simulator"},
		{"GITHUB_API_URL", apiURL, address(&s.APIURL), "where GET /events is answered"},
		{"GITHUB_TOKEN", "", token(&s.Token), "5,000 requests an hour instead of 60"},
		{"GITHUB_TOKEN_FILE", "", content(&s.Token), "a file that holds the token, instead of GITHUB_TOKEN"},
		{"POLL_INTERVAL", "", interval(&s.PollInterval), "seconds between two requests of a page; none: as GitHub asks"},
		{"MAX_POLLS", "", count(&s.MaxPolls), "end after so many requests of each page"},
		{"KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", servers(&s.BootstrapServers), "host:port, several with commas"},
		{"KAFKA_TOPIC", "github_events", topic(&s.Topic), "events; what can't be one goes to the same name plus _dlq"},
		{"KAFKA_POLLS_TOPIC", "github_polls", topic(&s.PollsTopic), "one row of statistics a request"},
		{"HEARTBEAT_FILE", "", anything(&s.HeartbeatFile), "holds the Unix second until which the poller counts as healthy"},
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
		text, err := os.ReadFile(path)
		if err != nil {
			return errors.New("can't be read")
		}
		return token(target)(strings.Trim(string(text), whiteSpace))
	}
}

func token(target *string) func(string) error {
	return matching(target, `[!-~]+`, "must hold a token and nothing else: visible ASCII, no spaces")
}

func interval(target *float64) func(string) error {
	const problem = "must be a number of seconds above 0, at most 86400"
	var digits string
	check := matching(&digits, `\d+(\.\d+)?`, problem)
	return func(text string) error {
		if err := check(text); err != nil {
			return err
		}
		number, err := strconv.ParseFloat(digits, 64)
		if err != nil || number <= 0 || number > day {
			return errors.New(problem)
		}
		*target = number
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

func matching(target *string, pattern, problem string) func(string) error {
	whole := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(text string) error {
		if !whole.MatchString(text) {
			return errors.New(problem)
		}
		*target = text
		return nil
	}
}
