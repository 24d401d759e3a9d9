// Package gateway is where charging stations connect: the websocket server on
// /ocpp/{stationId}, the connections it holds, the commands that go down to
// stations from any node, and the log of every message.
//
// # From a socket to a room
//
//	handshake  identity from the path, Basic password, certificate, limits
//	           → CSMS.Connect decides → 404, 401, 403, 429, 503 or 101
//	epoch      a row in connection; the higher epoch wins, the older socket is
//	           closed, wherever it is; two devices taking turns on one
//	           identity are quarantined (field note 10)
//	reader     one goroutine reads, logs and queues, as long as there is
//	           something to read; then another, which can do no more and has
//	           the smallest of stacks, waits for the socket (see pause.go)
//	worker     a pool of the node handles calls: Dialect.Handle → CSMS → reply
//
// A reply leaves after its handler returned, that is after the commit.
// Replies to our own calls are dealt with by the reader, so a handler waiting
// for the database does not hold them up. Per station there is one goroutine,
// no buffer while nothing is said, and no timer; pings, dead sockets and "last seen" come from one wheel that
// visits each connection once per ping interval.
//
// # Down to the station
//
// [Gateway.Send] is the ocpp.Commander. It looks for the connection on its own
// node, then in the table; a station elsewhere is asked for by a NATS request
// to gw.<node>.<station>. No row, a dead node or an unknown connection means
// offline at once. Calls wait by priority (field note 21), never before the
// boot reply (field note 2), and have a time-out per action. On the node that
// holds the station, a request that its version carries in several messages is
// sent part by part and answered as one; what the version puts into an answer
// and 2.x into messages of its own goes to CSMS.Notification. Dialects that
// need this have the methods Split and Join, or Follow.
//
// # Before acceptance
//
// A station that is connected but not accepted (inactive, or answered Pending
// or Rejected) gets SecurityError for what it may not send yet: OCPP 2.0.1
// B02.FR.09, B03.FR.07, OCPP-J 1.6 errata §3.10. Messages about transactions
// and security events are the exception: they are stored in every phase,
// because a refusal uses up the station's finite attempts to deliver them and
// the session would be lost (field note 4). Acceptance belongs to the station,
// not to the socket: a reconnect without BootNotification is served (field
// note 1).
//
// # Quirks
//
// quirks.json is the table of what stations in the field do (docs/quirks.md).
// What harms nobody is simply done, here, in rpc and in the dialects, and told
// as a Deviation. What could harm others is an ocpp.Tolerance: it is matched by
// vendor, model and firmware when a station connects and when it boots, with
// what a person has switched for the station over it, and travels in the Peer.
// Commands are adapted to the station in adapt.go.
//
// # The message log
//
// Every frame in and out is kept as text, passwords removed. It is written
// behind the replies, within about a second, from a bounded queue; under pressure it is the first
// thing to be sampled, which is counted, logged and told by
// [MessageLog.Sampled]. On PostgreSQL it is partitioned by day, with a DEFAULT
// partition so that a missing one loses nothing; retention (Stores) drops whole days.
//
// Tables owned: gateway_node, connection, message_log.
// Facts recorded: none; CSMS.Connected and Disconnected tell the rooms.
// Signals: "signal.<org>.connection.<station>".
package gateway
