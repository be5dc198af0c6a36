package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	remembered = 200_000
	// Below Kafka's limit of 1 MiB a message.
	longestDeadLetter = 900_000
)

// fieldPaths of a message in their order, and the object in which each is found (CONTRACT.md, section 6).
var fieldPaths = []struct {
	key, parent, name string
	required          bool
}{
	{"id", "", "id", true},
	{"type", "", "type", false},
	{"action", "payload", "action", false},
	{"repo", "repo", "name", false},
	{"actor", "actor", "login", false},
	{"org", "org", "login", false},
	{"created_at", "", "created_at", true},
}

// message is one Kafka message; a reason makes it a dead letter. The identity tells whether it was sent before.
type message struct {
	key       []byte
	value     []byte
	identity  string
	createdAt string
	reason    string
}

// object is a JSON object whose values are read when they are needed.
type object map[string]json.RawMessage

// messages returns one message for each element of a page, in page order.
func messages(events []json.RawMessage) []message {
	found := make([]message, len(events))
	for i, event := range events {
		found[i] = newMessage(event)
	}
	return found
}

// seen holds the identities of the last messages: at least 200,000 of them, at most 400,000.
type seen struct {
	young, old map[string]struct{}
}

func newSeen() *seen {
	return &seen{young: map[string]struct{}{}}
}

// add remembers this identity and returns whether it is new.
func (s *seen) add(identity string) bool {
	if _, ok := s.young[identity]; ok {
		return false
	}
	_, isKnown := s.old[identity]
	if len(s.young) >= remembered {
		s.old, s.young = s.young, map[string]struct{}{}
	}
	s.young[identity] = struct{}{}
	return !isKnown
}

func newMessage(event json.RawMessage) message {
	texts, err := fields(event)
	if err != nil {
		value := wellFormed(event[:min(len(event), longestDeadLetter)])
		hash := sha256.Sum256(value)
		return message{value: value, identity: hex.EncodeToString(hash[:]), reason: err.Error()}
	}
	createdAt := texts["created_at"]
	found := message{value: encode(texts), identity: texts["id"] + " " + createdAt, createdAt: createdAt}
	if repo := texts["repo"]; repo != "" {
		found.key = []byte(repo)
	}
	return found
}

// fields returns the texts of a message; the error says why an event can't be one.
func fields(event json.RawMessage) (map[string]string, error) {
	var root object
	if json.Unmarshal(event, &root) != nil || root == nil {
		return nil, errors.New("event is not an object")
	}
	texts := map[string]string{}
	for _, k := range fieldPaths {
		holder, err := root, error(nil)
		if k.parent != "" {
			holder, err = optional[object](root[k.parent], k.parent+" is not an object")
		}
		if err != nil {
			return nil, err
		}
		text, err := optional[string](holder[k.name], k.key+" is not a string")
		if err != nil {
			return nil, err
		}
		if text == "" && k.required {
			return nil, fmt.Errorf("%s is missing", k.key)
		}
		texts[k.key] = text
	}
	return texts, nil
}

// optional returns a value of this kind, its zero when it is absent.
func optional[T any](value json.RawMessage, reason string) (T, error) {
	var found T
	if len(value) == 0 || bytes.Equal(value, []byte(`""`)) {
		return found, nil
	}
	if json.Unmarshal(value, &found) != nil {
		return found, errors.New(reason)
	}
	return found, nil
}

// encode writes the keys that are there; encoding/json would escape more than the contract says.
func encode(texts map[string]string) []byte {
	var out bytes.Buffer
	separator := byte('{')
	for _, k := range fieldPaths {
		if text := texts[k.key]; text != "" {
			out.WriteByte(separator)
			quote(&out, k.key)
			out.WriteByte(':')
			quote(&out, text)
			separator = ','
		}
	}
	out.WriteByte('}')
	return out.Bytes()
}

func quote(out *bytes.Buffer, text string) {
	short := map[byte]byte{'"': '"', '\\': '\\', '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}
	out.WriteByte('"')
	for i := range len(text) {
		c := text[i]
		if letter, ok := short[c]; ok {
			out.Write([]byte{'\\', letter})
		} else if c < ' ' {
			fmt.Fprintf(out, `\u%04x`, c)
		} else {
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
}

// wellFormed replaces what is not UTF-8, one U+FFFD for each beginning of a character that is cut short.
func wellFormed(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	var out bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		out.WriteRune(r)
		for r == utf8.RuneError && size < len(text) && !utf8.FullRune(text[:size+1]) {
			size++
		}
		text = text[size:]
	}
	return out.Bytes()
}
