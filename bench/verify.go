package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// sessionRow is what the API tells of a session.
type sessionRow struct {
	ID          string `json:"id"`
	Station     string `json:"station_id"`
	Transaction string `json:"transaction_id"`
	Status      string `json:"status"`
	EnergyWh    int64  `json:"energy_wh"`
}

// sampleRow is one reading: it holds three samples when all are there.
type sampleRow struct {
	At     time.Time `json:"at"`
	Energy *int64    `json:"energy_wh"`
	Power  *int64    `json:"power_w"`
	Amps   *string   `json:"current_a"`
}

// sessions reads the sessions of the fleet's stations, by transaction.
func (g *ground) sessions(ctx context.Context) (map[string][]sessionRow, error) {
	out := map[string][]sessionRow{}
	err := rig.List(ctx, g.api, "/api/v1/sessions", 1000, func(items []sessionRow) error {
		for _, one := range items {
			if strings.HasPrefix(one.Station, g.Prefix+"-") {
				key := one.Station + "\x00" + one.Transaction
				out[key] = append(out[key], one)
			}
		}
		return nil
	})
	return out, err
}

// readers is how many sessions are read back at once: the nodes may have other
// work, and ten thousand sessions take less than a minute so.
const readers = 4

// verifySamples compares the meter values that stations were told are stored
// with those that the API gives back. A session has one reading more, that of
// its start: in 1.6 the energy alone.
func (g *ground) verifySamples(ctx context.Context, stations []entry, r *Result) error {
	g.say("reading the samples of %d sessions back", len(stations))
	began := time.Now()
	all, err := g.sessions(ctx)
	if err != nil {
		return err
	}
	var found tally
	var next atomic.Int64
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(stations)) && found.sound(); i = next.Add(1) - 1 {
				s := stations[i]
				found.judge(ctx, g, s, all[s.Station+"\x00"+s.Transaction])
			}
		})
	}
	group.Wait()
	r.SamplesAcked, r.SamplesFound = found.acked, found.found
	r.Lost += found.lost
	r.Doubled += found.doubled
	r.failed(found.differ.wrong())
	if took := time.Since(began).Seconds(); took > 0 {
		r.more("sessions_read_back_per_s", float64(len(stations))/took)
	}
	return found.broken
}

// tally is what was found of the samples.
type tally struct {
	mu                          sync.Mutex
	acked, found, lost, doubled int64
	differ                      failures
	broken                      error // the API did not answer
}

func (t *tally) sound() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken == nil
}

// judge compares one station with its sessions, which are one. A message
// without an answer may be stored or not.
func (t *tally) judge(ctx context.Context, g *ground, s entry, rows []sessionRow) {
	var have int64
	var err error
	if len(rows) > 0 {
		have, err = g.samplesOf(ctx, rows[0].ID)
		have -= g.startSamples()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.broken = err
		return
	}
	told, perhaps := s.Acked*SamplesPerMessage, s.Unsure*SamplesPerMessage
	t.acked += told
	t.found += min(max(have, 0), told)
	t.lost += max(told-have, 0)
	t.doubled += max(have-told-perhaps, 0) + int64(max(len(rows)-1, 0))
	if have < told || have > told+perhaps {
		t.differ.fail("samples differ", fmt.Errorf("station %s was told that %d samples are stored, %d are", s.Station, told, have))
	}
}

// startSamples is how many samples the start of a session brings.
func (g *ground) startSamples() int64 {
	if g.OCPP == "1.6" {
		return 1
	}
	return SamplesPerMessage
}

// samplesOf counts the samples of a session; instants that repeat are counted
// each.
func (g *ground) samplesOf(ctx context.Context, session string) (n int64, err error) {
	err = rig.List(ctx, g.api, "/api/v1/sessions/"+session+"/samples", 10_000, func(items []sampleRow) error {
		for _, one := range items {
			for _, there := range []bool{one.Energy != nil, one.Power != nil, one.Amps != nil} {
				if there {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// entry is what a station knows of its session.
type entry struct {
	Station     string `json:"station"`
	Transaction string `json:"transaction"`
	EnergyWh    int64  `json:"energy_wh"`
	Acked       int64  `json:"acked"`  // meter messages answered well
	Unsure      int64  `json:"unsure"` // and sent, but never answered
}

// ledger is what the fleet's stations know of their sessions.
func (f *fleet) ledger() (all []entry) {
	for _, s := range f.stations {
		s.mu.Lock()
		if s.transaction != "" {
			all = append(all, entry{s.id, s.transaction, s.register, s.acked, s.unsure})
		}
		s.mu.Unlock()
	}
	return all
}

// verifySessions checks after the stations have stopped that each has exactly
// one session, with the energy its meter shows.
func (g *ground) verifySessions(ctx context.Context, stations []entry, r *Result) error {
	g.say("reading the sessions back")
	all, err := g.sessions(ctx)
	if err != nil {
		return err
	}
	of := map[string]int{}
	for _, rows := range all {
		of[rows[0].Station] += len(rows)
	}
	var wrong failures
	for _, s := range stations {
		rows := all[s.Station+"\x00"+s.Transaction]
		switch {
		case len(rows) == 0:
			r.Lost++
			wrong.fail("session lost", fmt.Errorf("station %s has no session %s", s.Station, s.Transaction))
		case of[s.Station] > 1:
			r.Doubled += int64(of[s.Station] - 1)
			wrong.fail("session doubled", fmt.Errorf("station %s has %d sessions", s.Station, of[s.Station]))
		case rows[0].EnergyWh != s.EnergyWh:
			wrong.fail("energy differs", fmt.Errorf("station %s counted %d Wh, its session has %d", s.Station, s.EnergyWh, rows[0].EnergyWh))
		}
	}
	r.failed(wrong.wrong())
	return nil
}

// logged is how many frames went into the message log, and how many were left
// out of it.
type logged struct{ written, leftOut float64 }

// messageLog adds up what all nodes that run have counted.
func (g *ground) messageLog(ctx context.Context) (sum logged, err error) {
	for _, a := range g.apis() {
		m, err := a.Metrics(ctx, "forecourt_gateway_log_")
		if err != nil {
			return sum, err
		}
		sum.written += m["forecourt_gateway_log_written_total"]
		sum.leftOut += m["forecourt_gateway_log_sampled_total"]
	}
	return sum, nil
}

// noteLog tells what became of the message log, and gives how many frames were
// left out of it.
func (g *ground) noteLog(ctx context.Context, r *Result) (leftOut int) {
	now, err := g.messageLog(ctx)
	if err != nil {
		r.note("the platform's metrics could not be read, so it is not known whether its message log is whole: %v", err)
		return 0
	}
	r.more("message_log_written", now.written-g.before.written)
	r.more("message_log_left_out", now.leftOut-g.before.leftOut)
	return int(now.leftOut - g.before.leftOut)
}

// wholeLog is noteLog for a load that the message log must stand: a platform
// that thins it out does less than it was measured for.
func (g *ground) wholeLog(ctx context.Context, r *Result) {
	if n := g.noteLog(ctx, r); n > 0 {
		r.failed(map[string]int{"message log thinned out": n}, []string{fmt.Sprintf("message log thinned out: %d frames were left out of it", n)})
	}
}
