// Package trial breaks the platform on purpose and counts what was lost:
// `forecourt trial`.
//
// # A run
//
// Server processes of this same program run on a database of their own.
// Seeded stations, half of them OCPP 1.6 and half 2.0.1, charge one short
// session after another. Then something goes wrong, then it is mended, and
// the stations end what they had begun. After each run the platform's public
// API must tell what the stations' own books say.
//
// # The stations
//
// A station here does what real ones do with messages about transactions: it
// keeps them until they are acknowledged, in order, and goes on making them
// while nobody listens. A message whose answer did not come (the connection
// went, or a CALLERROR) is sent again, the same content under a new message
// id. So one that the server had committed before it died is told twice, and
// must be stored once. A station does not boot again when it comes back: it
// never lost its power.
//
// # The books
//
// Every event is entered when it is made and ticked off when it is
// acknowledged ([transaction]). Each carries a meter reading that the station
// shows only once, so that one reading found in a session is one event found.
// The audit compares, for every transaction: one session; the readings, each
// once; the energy; the end; one bill with the same energy; one row each for
// start and end in the database, which the API does not show. And for the
// facts: every consumer has come to the end, none has parked anything.
package trial
