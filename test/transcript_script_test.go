package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// script is a transcript's file. It begins with what it is:
//
//	title    what happens, in own words
//	actions  the messages that count, "Name" or "Name~text" for those that hold a text;
//	         all others (a boot's synchronisation) are left out
//	evses    how many, 1 without
//	quirks   of the simulator
//	set      NAME=VALUE of the station's own configuration
//	volatile fields that the platform numbers across stations
//	given    METHOD PATH JSON: a request to the API before the station is switched on
//
// Then come the steps, one a line below "steps:":
//
//	renew USE (the station asks for a certificate)
//	plug E, unplug E, tap E CARD, break E CODE, repair E
//	offline, online, return (wait for it to come back from a restart)
//	clock +D (moves the station's clock, which stands still otherwise)
//	say ACTION JSON, send ACTION JSON (a SEND of 2.1)
//	answer ACTION JSON (the station's answer to a command from now on)
//	command ACTION JSON, raw ACTION JSON (POST /charging-stations/{id}/commands)
//	api METHOD PATH JSON, see PATH FIELD=VALUE … (waits until an item has it)
//	wait ACTION (for the next exchange of it that no step waited for)
//
// and below "frames:" what is recorded: "> " is the station, "< " the
// platform; "=" after the arrow is the answer, "!" an error, "~" a SEND.
// Lines with "= " tell what the API said. {id}, {card}, {tx}, {request} (the platform's last requestId), {url}, {image}, {signed image} and {now}, {+90s}
// stand for the station, its card, the transaction on EVSE 1 and instants of
// its clock.
type script struct {
	file, version, id string
	head              []string // as written, with comments
	title             string
	actions, quirks   []string
	volatile          []string
	evses             int
	variables         map[string]string
	given, steps      []string
	frames            []string
}

func readScript(file string) (*script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &script{file: file, version: filepath.Base(filepath.Dir(file)), id: strings.TrimSuffix(filepath.Base(file), ".txt"), evses: 1, variables: map[string]string{}}
	part := "header"
	for n, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		switch {
		case line == "steps:" || line == "frames:":
			part = strings.TrimSuffix(line, ":")
		case part == "frames":
			s.frames = append(s.frames, line)
			continue
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case part == "steps":
			s.steps = append(s.steps, line)
		default:
			if err := s.header(line); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, n+1, err)
			}
		}
		if part != "frames" {
			s.head = append(s.head, line)
		}
	}
	if s.title == "" || len(s.actions) == 0 || len(s.steps) == 0 {
		return nil, fmt.Errorf("%s needs a title, actions and steps", file)
	}
	return s, nil
}

func (s *script) header(line string) error {
	key, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch key {
	case "title":
		s.title = rest
	case "actions":
		s.actions = append(s.actions, strings.Fields(rest)...)
	case "quirks":
		s.quirks = strings.Fields(rest)
	case "volatile":
		s.volatile = strings.Fields(rest)
	case "evses":
		if _, err := fmt.Sscan(rest, &s.evses); err != nil {
			return err
		}
	case "set":
		name, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("set wants NAME=VALUE")
		}
		s.variables[name] = value
	case "given":
		s.given = append(s.given, rest)
	default:
		return fmt.Errorf("no such word: %s", key)
	}
	return nil
}

// counts tells whether a message belongs to the transcript.
func (s *script) counts(action, payload string) bool {
	for _, a := range s.actions {
		name, text, _ := strings.Cut(a, "~")
		if name == action && strings.Contains(payload, text) {
			return true
		}
	}
	return false
}
