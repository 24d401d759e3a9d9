// Package session knows what was charged: the sessions, from what stations
// tell of their transactions.
//
// # How a message travels
//
// A dialect hands a transaction event to TransactionEvent, whatever version
// told it. It is taken apart into atoms (translate): what the message says of
// the transaction, and each meter value by itself. The atoms are stored, the
// session takes them in, and what follows is done (follow): the tariff is
// locked, the price computed, facts are recorded, the session is settled when
// nothing more is waited for. All of it is one database transaction, and the
// station is answered after its commit. A refused token changes the answer,
// never what is stored.
//
// Messages that only bring readings, by far the most, share a transaction
// with those of other stations (flush).
//
// # The rule
//
// Next takes one event into a session. It is pure: no clock, no SQL, and one
// function for OCPP 1.6, 2.0.1 and 2.1. Events have a canonical order (Key).
// One that comes in that order costs the same however long the session is; one
// that comes late makes the room fold all stored events anew (Fold). So the
// same set of events gives the same session in any order of arrival, with any
// repetition and however it was cut into messages. A property test and a
// fuzzer hold that.
//
// # What is guaranteed
//
//   - An acknowledged message is stored, once. Repetitions are told by
//     station, incarnation, transaction, sequence number and content; 1.6
//     starts by connector, tag, time and meter reading while the transaction
//     runs or its number is unused, before 2015 also by the boot. The same
//     number with another content is kept and flagged.
//   - A session ends by its station's word. Everything else (Available, the
//     next start, silence) closes it for now; whatever comes later opens it
//     again, and another session.ended with a higher revision follows.
//   - The energy comes from one series of readings. It never falls, and the
//     slices stored of a session sum to it, to the milliwatt-hour.
//   - Station time, receipt time and the skew used are stored with every
//     event; the corrected time is used.
//
// Raw samples are removed by age (stores.go), the intervals made of them stay.
//
// OCPP 2.0.1 E01–E15, F01–F03, J01–J03; OCPP 1.6 §4.8–4.10, §5.11, §5.16.
//
//   - The version belongs to the connection: a station that changes it keeps
//     its sessions, and no energy is counted in two of them (reconcile).
//   - What no car explains is flagged; a session that claims to charge without
//     any energy is ended, and its time is not billed (ghost).
//
// # Rows that lag
//
// Readings are stored before they are answered; the session's row follows from
// them. Of a session that sends more than once in two seconds the row is
// written once in two seconds and marked as stale (lag.go): lists may show such
// a session two seconds late, while limits, prices and facts never wait for it.
//
// Owned tables: session, session_event, meter_sample, session_interval,
// remote_start, session_station, session_counter, session_quote,
// session_tariff, session_settlement, session_priority.
// Recorded facts: session.started, session.updated, session.reopened (payload
// Told), session.ended (payload Finished), session.settlement (Settlement),
// session.priority_charging (Priority). Signal: session.power (Tick).
// Consumed facts: station.boot, station.replaced.
package session
