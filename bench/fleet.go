package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// crew says which stations a fleet has and how they are reached. It is also
// what a worker process is told.
type crew struct {
	Prefix  string        `json:"prefix"`
	First   int           `json:"first"`
	Count   int           `json:"count"`
	Version string        `json:"version"` // 1.6 or 2.0.1
	Secret  string        `json:"secret"`  // passwords are derived from it
	URLs    []string      `json:"urls"`    // ws://…/ocpp of each node; station i begins at i mod n
	Sources int           `json:"sources"` // addresses to come from; 1: the system's choice
	Network int           `json:"network"` // second number of those: 127.N.0.x
	Reply   time.Duration `json:"reply"`   // how long an answer may take

	Authority *keyPair `json:"authority,omitempty"` // signs their certificates; nil: plain
}

// fleet is the stations of this process.
type fleet struct {
	crew
	language  *language
	stations  []*station
	doors     []rig.Door // of each node
	tls       func(s *station) *tls.Config
	replyWait time.Duration

	readers  sync.WaitGroup
	ended    atomic.Bool // drops are expected from now on
	commands atomic.Int64
	attempts atomic.Int64
	delays   Histogram // of the load
	answered atomic.Int64
	warmed   int64                            // of them before the measured load
	offline  atomic.Int64                     // messages that came due while their station was away
	onReply  atomic.Pointer[func(s *station)] // closed loop: what to do next
	onDrop   atomic.Pointer[func(s *station)] // nil: a drop is an error

	failures
}

// failures is what went wrong, and how often.
type failures struct {
	mu       sync.Mutex
	counts   map[string]int
	examples []string
}

// stationID names station i.
func (c crew) stationID(i int) string { return fmt.Sprintf("%s-%06d", c.Prefix, i) }

// tokenID is the token that station i charges with.
func (c crew) tokenID(i int) string { return fmt.Sprintf("%s%08X", c.Prefix, i) }

// password of a station: 32 hex digits, known only to who knows the secret of
// this run.
func (c crew) password(id string) string {
	mac := hmac.New(sha256.New, []byte(c.Secret))
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func newFleet(c crew) (*fleet, error) {
	f := &fleet{crew: c, language: languages[c.Version], replyWait: c.Reply}
	if f.language == nil {
		return nil, fmt.Errorf("the bench speaks OCPP 1.6 and 2.0.1, not %q", c.Version)
	}
	if c.Authority != nil {
		a, err := c.Authority.open()
		if err != nil {
			return nil, err
		}
		if f.tls, err = a.certify(c, time.Now()); err != nil {
			return nil, err
		}
	}
	for _, raw := range c.URLs {
		address, host, path, secure, err := rig.SplitURL(raw)
		if err != nil {
			return nil, err
		}
		d := rig.Door{Address: address, Host: host, Path: path, Protocol: f.language.protocol}
		if secure {
			d.TLS = &tls.Config{}
		}
		f.doors = append(f.doors, d)
	}
	f.stations = make([]*station, c.Count)
	for i := range f.stations {
		n := c.First + i
		f.stations[i] = &station{fleet: f, number: n, id: c.stationID(n), token: c.tokenID(n), expected: "Accepted", status: "SuspendedEV", turn: n % len(mixture)}
	}
	return f, nil
}

// door is where a station connects; each attempt goes to another node.
func (f *fleet) door(s *station) rig.Door {
	i := s.number
	s.mu.Lock()
	n := len(f.doors)
	d := f.doors[(i+s.dials*(1+i/n%max(n-1, 1)))%n] // the stations of one node spread over all others
	s.dials++
	s.mu.Unlock()
	d.Path += "/" + s.id
	d.User, d.Password = s.id, f.password(s.id)
	if d.TLS != nil && f.tls != nil {
		d.TLS = f.tls(s)
	}
	if d.TLS != nil && len(d.TLS.Certificates) > 0 {
		d.User, d.Password = "", "" // OCPP security profile 3 has no password
	}
	if f.Sources > 1 { // one address has about 28,000 ports
		d.Local = net.IPv4(127, byte(f.Network), 0, byte(1+i%f.Sources))
	}
	return d
}

// fail counts what went wrong, and keeps a few examples.
func (f *failures) fail(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[what]++
	if f.counts[what] <= 3 {
		f.examples = append(f.examples, fmt.Sprintf("%s: %v", what, err))
	}
}

// wrong gives how often what went wrong, and examples.
func (f *failures) wrong() (what map[string]int, examples []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.counts), slices.Clone(f.examples)
}

func (f *fleet) dropped(s *station, why error) {
	if f.ended.Load() {
		return
	}
	if next := f.onDrop.Load(); next != nil {
		(*next)(s)
		return
	}
	f.fail("connection lost", fmt.Errorf("station %s: %w", s.id, why))
}

// replied takes an answer to a message of the load.
func (f *fleet) replied(s *station, p pending, at time.Time, wrong error) {
	if wrong != nil {
		f.fail("wrong answer", fmt.Errorf("station %s: %w", s.id, wrong))
	} else {
		f.delays.Add(at.Sub(p.from))
		f.answered.Add(1)
	}
	if next := f.onReply.Load(); next != nil {
		(*next)(s)
	}
}

// mostAttempts bounds how often a station tries to get in.
const mostAttempts = 100

// bring connects one station and boots it, again and again until it is
// accepted or ctx ends: as a real one does, after the time the server asks
// for or about a second.
func (f *fleet) bring(ctx context.Context, s *station) error {
	s.coming.Store(true)
	for attempt := 1; ; attempt++ {
		f.attempts.Add(1)
		err := s.connect(ctx)
		if err == nil {
			if err = s.ask(ctx, kindBoot); err == nil {
				s.coming.Store(false)
				if s.connected() || !s.coming.CompareAndSwap(false, true) {
					return nil
				}
				err = errOffline // its end fell into these lines
			}
			s.cut()
		}
		if ctx.Err() != nil || attempt >= mostAttempts {
			s.coming.Store(false)
			return fmt.Errorf("station %s did not get in with %d attempts: %w", s.id, attempt, err)
		}
		wait := time.Second/2 + time.Duration(s.number%1000)*time.Millisecond
		var refused *rig.Refusal
		if errors.As(err, &refused) {
			if refused.Status < 500 && refused.Status != 429 {
				s.coming.Store(false)
				return fmt.Errorf("station %s was refused: %w", s.id, err)
			}
			wait = max(wait, refused.RetryAfter)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// connect brings stations in, rate a second (0: all at once), and returns
// when each has booted.
func (f *fleet) connect(ctx context.Context, stations []*station, rate float64) error {
	return f.each(ctx, stations, len(stations), paced(ctx, rate), func(s *station) error {
		err := f.bring(ctx, s)
		if err != nil {
			f.fail("not connected", err)
		}
		return err
	})
}

// each runs work for every station, so many at a time, and gives the first
// error. before, if any, is called before each begins.
func (f *fleet) each(ctx context.Context, stations []*station, atOnce int, before func(i int), work func(s *station) error) error {
	var group sync.WaitGroup
	var first atomic.Pointer[error]
	slots := make(chan struct{}, max(atOnce, 1))
	for i, s := range stations {
		if before != nil {
			before(i)
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			group.Wait()
			return ctx.Err()
		}
		group.Go(func() {
			defer func() { <-slots }()
			if err := work(s); err != nil {
				first.CompareAndSwap(nil, &err)
			}
		})
	}
	group.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}

// paced gives a function that waits until the i-th event of a rate is due.
func paced(ctx context.Context, rate float64) func(i int) {
	if rate <= 0 {
		return nil
	}
	began := time.Now()
	return func(i int) {
		if wait := time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
}

// ask has every station send one message and waits for the answers.
func (f *fleet) ask(ctx context.Context, stations []*station, k kind) error {
	return f.each(ctx, stations, 200, nil, func(s *station) error {
		err := s.ask(ctx, k)
		if err != nil {
			f.fail(f.language.action[k], fmt.Errorf("station %s: %w", s.id, err))
		}
		return err
	})
}

// stop has every station tell its meter and end its session.
func (f *fleet) stop(ctx context.Context, stations []*station) error {
	for _, k := range []kind{kindMeter, kindStop} {
		if err := f.ask(ctx, stations, k); err != nil {
			return err
		}
	}
	return nil
}

// watched counts answers that do not come, until stop: also after the run.
func (f *fleet) watched(ctx context.Context) (stop func()) {
	ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	go f.watch(ctx)
	return stop
}

// watch counts answers that do not come, until ctx ends.
func (f *fleet) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, s := range f.stations {
				if s.overdue(now, f.replyWait) {
					f.fail("no answer", fmt.Errorf("station %s had none within %s", s.id, f.replyWait))
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// connected counts the stations that are connected.
func (f *fleet) connected() (n int) {
	for _, s := range f.stations {
		if s.connected() {
			n++
		}
	}
	return n
}

// close ends every connection and waits for the readers.
func (f *fleet) close() {
	f.ended.Store(true)
	for _, s := range f.stations {
		s.cut()
	}
	f.readers.Wait()
}
