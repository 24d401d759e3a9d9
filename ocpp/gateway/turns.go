package gateway

import "runtime"

// turns are the places in which TLS handshakes compute. A handshake does so
// after what it has read, for up to milliseconds; hundreds that may at the same
// time stand before the messages of all other stations. While one waits for the
// other side it has no turn.
type turns chan struct{}

func newTurns() turns { return make(turns, runtime.GOMAXPROCS(0)) }

// take waits for a turn, first come, first served.
func (t turns) take() { t <- struct{}{} }

func (t turns) give() { <-t }
