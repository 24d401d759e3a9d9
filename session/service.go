package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/access"
	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/tariff"
)

// Deps are what the room needs.
type Deps struct {
	DB        *db.DB
	Bus       *cluster.Bus // nil: no live signals
	Log       *slog.Logger
	Access    *access.Service
	Tariffs   *tariff.Service
	Commander ocpp.Commander
	Config    Config

	// Zone gives the time zone that prices at a site follow; nil: UTC.
	Zone func(tx *db.Tx, org, site string) (*time.Location, error)
	// Currency gives the currency of a site, for what has no tariff; nil: none.
	Currency func(tx *db.Tx, org, site string) (money.Currency, error)
	// Rating gives the power that an EVSE can deliver, 0 when it is not
	// known; nil: it never is.
	Rating func(tx *db.Tx, station string, evse int) (unit.Watts, error)
	// Groups gives the driver groups that the holder of a token is in at an
	// instant; nil: none.
	Groups func(tx *db.Tx, org, token string, at time.Time) ([]string, error)
	// Waiting gives when others waited for an EVSE within [from, until); nil:
	// nobody ever did.
	Waiting func(tx *db.Tx, station string, evse int, from, until time.Time) ([]tariff.TimeSpan, error)
	// Cap gives the most energy that a session at a site may deliver by the
	// rules of its market, if there is such a rule; nil: there never is.
	Cap func(tx *db.Tx, site string) (most unit.Energy, ok bool, err error)
	// Display gives what a station can show of prices; nil: none can.
	Display func(tx *db.Tx, station string) (Display, error)
	// Placed gives where a station stands and its EVSEs; nil: no station is
	// sent tariffs.
	Placed func(tx *db.Tx, station string) (Placed, error)
	// ConnectionTimeout gives how long a station waits for the cable after a
	// remote start, 0 when it has not told; nil: it never has.
	ConnectionTimeout func(tx *db.Tx, station string) (time.Duration, error)
	// Offline gives when a station was out of reach within [from, until), in
	// order; nil: never.
	Offline func(tx *db.Tx, station string, evse int, from, until time.Time) ([]Span, error)
	// PortUse tells the station room what ports are used for, each of another
	// session; nil: nobody.
	PortUse func(tx *db.Tx, uses ...PortUse) error
	// Unbilled names settled sessions whose end somebody has not dealt with
	// yet: their samples are kept; nil: none.
	Unbilled func(ctx context.Context) ([]ID, error)
}

// Service holds the use-cases of sessions.
type Service struct {
	d      Deps
	hot    *db.Batch[*reading]
	recent recent

	mu     sync.Mutex
	clocks map[string]*stationClock
}

// hotRest lets readings of a busy node share commits on SQLite: one waits a
// millisecond for it, or four where many come. The station room's changes rest
// on the same beat.
const hotRest = 4 * time.Millisecond

// New makes the room. Close ends it.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.Config.defaults()
	s := &Service{d: d, clocks: map[string]*stationClock{}, recent: recent{sessions: map[ID]*Session{}}}
	s.hot = db.NewLanes(d.DB, db.BatchOptions{Rest: hotRest}, func(r *reading) string { return r.m.peer.Station }, s.flush)
	return s
}

// Close waits for readings that are being stored.
func (s *Service) Close() { s.hot.Close() }

// stationClock is the measured clock of a station that talks to this node.
type stationClock struct {
	mu     sync.Mutex
	clock  Clock
	stored Clock // as the database has it
	loaded bool
}

// begin goes on from the clock as it is stored.
func (c *stationClock) begin(stored Clock) {
	c.clock, c.stored, c.loaded = stored, stored, true
}

func (s *Service) clockOf(station string) *stationClock {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clocks[station]
	if c == nil {
		c = &stationClock{}
		s.clocks[station] = c
	}
	return c
}

// Disconnected forgets what is only worth knowing of a connected station. It
// ends no session: the transaction goes on without us.
func (s *Service) Disconnected(p ocpp.Peer) {
	s.mu.Lock()
	delete(s.clocks, p.Station)
	s.mu.Unlock()
}

// skew takes in the times of a message and gives the skew to correct it by,
// and the clock if it is to be stored: one that goes right is what is assumed
// of a clock that was never measured.
func (s *Service) skew(ctx context.Context, p ocpp.Peer, station, received time.Time) (time.Duration, *Clock, error) {
	c := s.clockOf(p.Station)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		var stored map[string]Clock
		if err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
			stored, err = storedClocks(tx, []string{p.Station})
			return err
		}); err != nil {
			return 0, nil, err
		}
		c.begin(stored[p.Station])
	}
	if !station.IsZero() {
		c.clock = c.clock.Observe(station, received)
	}
	var store *Clock
	if off := c.clock.Skew - c.stored.Skew; c.clock.Known && (off > clockSpread || off < -clockSpread) {
		c.stored = c.clock
		copied := c.clock
		store = &copied
	}
	return c.clock.Skew, store, nil
}

// Booted notes that a station began anew; app calls it for an accepted
// BootNotification. Timestamps before 2015 only mean something within a boot.
func (s *Service) Booted(ctx context.Context, p ocpp.Peer) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.BootedIn(tx, p) })
}

// BootedIn is Booted for different stations, in the transaction that stores
// their boots.
func (s *Service) BootedIn(tx *db.Tx, all ...ocpp.Peer) error {
	if err := countBoots(tx, all); err != nil {
		return err
	}
	stations := make([]string, len(all))
	for i, p := range all {
		stations[i] = p.Station
	}
	stored, err := storedClocks(tx, stations)
	if err == nil {
		tx.AfterCommit(func() { s.expect(stored) })
	}
	return err
}

// expect has the clocks of stations that booted at hand when their first
// message comes.
func (s *Service) expect(stored map[string]Clock) {
	for station, clock := range stored {
		c := s.clockOf(station)
		c.mu.Lock()
		if !c.loaded {
			c.begin(clock)
		}
		c.mu.Unlock()
	}
}

// signal is the form of everything published under "signal.".
type signal struct {
	Kind    string    `json:"kind"`
	Org     string    `json:"org"`
	Site    string    `json:"site,omitempty"`
	Station string    `json:"station"`
	At      time.Time `json:"at"`
	Data    Tick      `json:"data"`
}

// signal tells live listeners of a session's power after the commit.
func (s *Service) signal(tx *db.Tx, r *Session) {
	if s.d.Bus == nil {
		return
	}
	st := &r.State
	subject := "signal." + cluster.Token(r.Org) + "." + cluster.Token(SignalPower) + "." + cluster.Token(r.Station)
	sig := signal{Kind: SignalPower, Org: r.Org, Site: r.Site, Station: r.Station, At: tx.Now,
		Data: Tick{ID: r.ID, EVSE: st.EVSE, At: st.LastAt(), Power: st.Power, Energy: st.Energy, SoC: st.soc()}}
	tx.AfterCommit(func() {
		b, err := json.Marshal(sig)
		if err == nil {
			err = s.d.Bus.Publish(subject, b)
		}
		if err != nil {
			s.d.Log.Debug("live signal lost", "station", r.Station, "session", r.ID, "err", err)
		}
	})
}
