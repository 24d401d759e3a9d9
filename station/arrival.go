package station

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// arrivalWait is how long an opened connection waits for the station's boot.
// Boots come right behind the handshake if they come, and are stored within
// bootRest of the device room, four times that on a slow database, and its
// commit. A station that sends something else first is not waited for.
const arrivalWait = time.Second

// arrival is a connection that is open and not stored yet.
type arrival struct {
	peer   ocpp.Peer
	at     time.Time
	taken  atomic.Bool
	stored chan struct{} // closed once a boot has stored it
}

// Arrived is Connected for a connection on which a boot may be on its way: a
// boot that comes soon stores both, with one look at the station and one
// change of it. It returns when the connection is stored, whichever way.
func (s *Service) Arrived(ctx context.Context, p ocpp.Peer) error {
	s.forgetFailures(p)
	a := &arrival{peer: p, at: s.now(), stored: make(chan struct{})}
	key := ID(p.Station).Key()
	s.mu.Lock()
	s.arrivals[key] = a
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.arrivals[key] == a {
			delete(s.arrivals, key)
		}
	}()
	wait := time.NewTimer(arrivalWait)
	defer wait.Stop()
	select {
	case <-a.stored:
		return nil
	case <-ocpp.Unbooted(ctx):
	case <-wait.C:
	case <-ctx.Done():
	}
	return s.joins.Add(ctx, change{station: p.Station, at: a.at, do: func(t *tree) { t.connect(p, a.at) }})
}

// arrive takes the connection on which a boot came into the tree, if that is
// still to be done: who is told of the boot must find the station online.
func (s *Service) arrive(tx *db.Tx, t *tree, p ocpp.Peer) {
	if p.Epoch <= t.Epoch { // it may even be over
		return
	}
	s.mu.Lock()
	a := s.arrivals[t.ID.Key()]
	s.mu.Unlock()
	at := tx.Now // the boot may have overtaken Arrived
	if a != nil && a.peer.Epoch == p.Epoch {
		at = a.at
		tx.AfterCommit(func() {
			if a.taken.CompareAndSwap(false, true) { // two boots may have come
				close(a.stored)
			}
		})
	}
	t.connect(p, at)
	t.settle(at)
	t.quiet = false
}
