// Command ocppgen writes the Go types of one OCPP version from its official
// JSON schemas.
//
// The schemas are never part of this repository (their licence forbids
// derivatives, and the generated types need none of their prose), so
// the directories that hold them are named by flags. All versions at once:
//
//	FORECOURT_SHARED=/path/to/shared go generate ./ocpp/...
//
// It writes, each as *_gen.go:
//
//   - one struct per type and message, one string type per enumeration;
//   - Validate methods without reflection, for what we send;
//   - shapes (ocpp.Shape), by which ocpp.Conform reads what others send;
//   - the list of actions with factories for their requests and responses;
//   - with -neutral, functions that copy between the types of this version
//     and those of package ocpp, for every field that both have.
//
// Types that the schemas define inline (1.6) are named by the table in
// names.go. The output is a pure function of the schemas: running it twice
// changes nothing.
package main
