// Package ocpptest tests dialects with data.
//
// Transcripts runs recorded conversations: frames in, the neutral calls they
// become, frames out; neutral commands, the frames they become, and the
// station's answers. Conformance compares the generated types with the
// official schemas. Recorder is the platform of such tests: it notes what it
// is asked and answers what the transcript says.
package ocpptest
