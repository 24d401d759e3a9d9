// Package app is the composition root: it reads the configuration, opens the
// database and the message bus, builds every room with what it needs, mounts
// their routes, starts consumers and jobs, and serves stations and people.
//
// Nothing is decided here. csms.go is the platform's table of contents: one
// line per message a station may send, naming the room that answers it.
// layout.json is the import table and arch_test.go holds the house rules.
package app
