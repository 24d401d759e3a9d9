// Package bench measures the platform under load: `forecourt bench`.
//
// The client is this process, and workers that it starts; the server is another
// one, either this same program with `serve` on an empty database, or whatever
// --url names. Nothing of the server is imported here: what is measured went
// over sockets.
//
// # The client
//
// A station is one TCP connection with a goroutine that reads it, and a few
// hundred bytes of state; frames are built by hand. So thousands of stations
// take little of the machine that both sides share, and what they do take is
// reported beside what the server took ([Usage]). Every reply is checked: the
// message it answers, its type, its content. What does not fit is an error
// in the result and never a reply.
//
// A closed loop sends a station's next message when the last was answered:
// it finds the greatest throughput. An open loop sends by the clock and
// measures from the instant a message was due, so that a server that stalls
// cannot hide it by slowing the client down.
//
// # What is told
//
// Each command fills a [Result], printed as a table and, with --json, as one
// line at the end. Figures that could not be had are absent, never zero:
// CPU and memory are read from /proc, which only Linux has.
//
// # Checks after the load
//
// mix, storm and cluster read back, through the public API, what the stations
// were told was stored, and count what is missing or there twice. That the message
// log of a node that runs was thinned out is an error, but for bad, which
// floods on purpose: there it is a figure. A run with errors, or with anything
// lost or doubled, tells its result and then fails.
package bench
