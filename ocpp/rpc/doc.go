// Package rpc speaks OCPP-J, the remote procedure calls that every OCPP
// version puts into websocket text messages: CALL (2), CALLRESULT (3),
// CALLERROR (4) and, in 2.1, CALLRESULTERROR (5) and SEND (6).
//
// It has two halves.
//
// Parse and the Append functions turn text into a Frame and back. Parse
// accepts what does no harm (blanks, a numeric message id, an empty or absent
// payload) and notes it as a Quirk; whatever it cannot accept is a *BadFrame
// with an exact Reason, and Answer says what the version's specification
// wants sent back, if anything.
//
// Conn is one connection, from either side: it keeps the rule of one
// outstanding CALL in each direction, queues our own calls by priority, times
// them out, recognises late and repeated replies, and handles the peer's
// calls one at a time and in their order. It owns no goroutine and no
// socket: the owner reads messages into Receive, writes what it is given, and
// runs Work on a worker of its choice, so that a reply to our call is
// processed while a handler of the same connection waits for the database.
//
// Guarantees
//   - Calls of one peer are handled strictly one after the other, in order.
//   - Receive blocks when the peer's queue is full; a reader that stops
//     reading is the back-pressure. Memory per connection is bounded.
//   - Every Call returns: with the reply, the peer's *ocpp.CallError, or a
//     fault of kind Unavailable (time-out, closed, queue full).
//   - A reply is written only after its handler returned.
//
// Specifications: OCPP-J 1.6 with its errata sheet 2025-04; OCPP 2.0.1
// edition 3 part 4; OCPP 2.1 part 4.
package rpc
