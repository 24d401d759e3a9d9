package trial

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// fleet is the stations of a trial.
type fleet struct {
	seed     uint64
	reply    time.Duration // how long an answer may take before the station gives the connection up
	tick     time.Duration // about what lies between two events of a station
	stations []*station
	counts   counts
	run      atomic.Int64
	work     atomic.Bool // stations charge; else they end what they began

	readers sync.WaitGroup
	loops   sync.WaitGroup
	stop    context.CancelFunc

	mu       sync.Mutex
	doors    []string // ws://…/ocpp of each node
	failures map[string]int
	examples []string
	refusals map[string]int
}

var versions = []string{"1.6", "2.0.1"}

func newFleet(seed uint64, count int, reply, tick time.Duration) *fleet {
	f := &fleet{seed: seed, reply: reply, tick: tick, failures: map[string]int{}, refusals: map[string]int{}}
	for i := range count {
		f.stations = append(f.stations, &station{
			fleet: f, number: i, id: fmt.Sprintf("TRIAL-%04d", i), token: fmt.Sprintf("TRIAL%04X", i), version: versions[i%len(versions)],
			life: rand.New(rand.NewPCG(seed, uint64(i))), wake: make(chan struct{}, 1), register: int64(1000 * i),
		})
	}
	return f
}

func (f *fleet) password(id string) string {
	mac := hmac.New(sha256.New, fmt.Append(nil, "trial ", f.seed))
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// register makes the stations and their cards, as a customer would: by import.
func (f *fleet) register(ctx context.Context, a *rig.API) error {
	err := a.ImportRows(ctx, "/api/v1/charging-stations/import", "id,security_profile,password,active,connectors", len(f.stations), func(b *bytes.Buffer, i int) {
		id := f.stations[i].id
		fmt.Fprintf(b, "%s,1,%s,true,1.1 CCS2 CABLE DC 150kW", id, f.password(id))
	})
	if err != nil {
		return err
	}
	return a.ImportRows(ctx, "/api/v1/id-tokens/import", "id_token,type,status", len(f.stations), func(b *bytes.Buffer, i int) {
		fmt.Fprintf(b, "%s,ISO14443,active", f.stations[i].token)
	})
}

// move tells the stations where the platform is now.
func (f *fleet) move(doors ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doors = slices.Clone(doors)
}

// door is where a station tries next: at another node each time, as behind a
// load balancer.
func (f *fleet) door(s *station) rig.Door {
	f.mu.Lock()
	at := (s.number + s.dials) % len(f.doors)
	raw := f.doors[at]
	f.mu.Unlock()
	s.mu.Lock()
	s.node = at
	s.mu.Unlock()
	s.dials++
	address, host, path, _, _ := rig.SplitURL(raw) // as the server said it
	return rig.Door{
		Address: address, Host: host, Path: path + "/" + s.id, Protocol: "ocpp" + s.version,
		User: s.id, Password: f.password(s.id), Local: local(s.number),
	}
}

// start sets the stations going; they rest until resume.
func (f *fleet) start(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	for _, s := range f.stations {
		f.loops.Go(func() { s.talk(ctx) })
		f.loops.Go(func() { s.live(ctx) })
	}
}

// resume lets the stations charge, in a run.
func (f *fleet) resume(run int) {
	f.run.Store(int64(run))
	f.counts.pause()
	f.work.Store(true)
}

// rest lets the stations end what they began, and waits until everything is
// acknowledged.
func (f *fleet) rest(ctx context.Context, limit time.Duration) error {
	f.work.Store(false)
	for end := time.Now().Add(limit); ; {
		queued, open := 0, 0
		for _, s := range f.stations {
			if !s.idle() {
				s.mu.Lock()
				queued, open = queued+len(s.queue), open+1
				s.mu.Unlock()
			}
		}
		if open == 0 {
			f.counts.pause()
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d stations could not deliver %d events within %s", open, queued, limit)
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
}

// connected counts the stations that are connected and booted.
func (f *fleet) connected() (n int) {
	for _, s := range f.stations {
		s.mu.Lock()
		if s.sock != nil {
			n++
		}
		s.mu.Unlock()
	}
	return n
}

// close ends all connections.
func (f *fleet) close() {
	if f.stop != nil {
		f.stop()
	}
	for _, s := range f.stations {
		s.cut()
	}
	f.loops.Wait()
	f.readers.Wait()
}

// fail counts what must not happen, and keeps a few examples.
func (f *fleet) fail(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures[what]++
	if f.failures[what] <= 3 {
		f.examples = append(f.examples, fmt.Sprintf("%s: %v", what, err))
	}
}

// refusal counts what the platform did not serve, which a fault excuses.
func (f *fleet) refusal(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals[strings.TrimSpace(what)]++
}
