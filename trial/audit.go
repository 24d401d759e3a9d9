package trial

import (
	"context"
	"fmt"
	"strings"
	"sync"
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
	StartWh     int64  `json:"meter_start_wh"`
	StopWh      int64  `json:"meter_stop_wh"`
}

type sampleRow struct {
	Energy *int64 `json:"energy_wh"`
}

type billRow struct {
	Kind     string `json:"kind"`
	Session  string `json:"session_id"`
	EnergyWh int64  `json:"energy_wh"`
}

// told is all that the platform tells.
type told struct {
	sessions map[string][]sessionRow // by station and transaction
	of       map[string]int          // sessions by station
	bills    map[string][]billRow    // by session
	events   map[string]edges        // by session, from the database itself
}

func key(station, transaction string) string { return station + "\x00" + transaction }

// audit compares what the stations know with what the platform tells, for the
// transactions since the last audit; the last audit of a trial for all.
func (t *trial) audit(ctx context.Context, last bool) error {
	if err := t.delivered(ctx); err != nil {
		return err
	}
	p, err := t.read(ctx)
	if err != nil {
		return err
	}
	var all []*transaction
	for _, s := range t.fleet.stations {
		all = append(all, s.transactions[t.checkedTo[s]:]...)
		t.checkedTo[s] = len(s.transactions)
	}
	if err := t.each(ctx, all, func(x *transaction) error { return t.compare(ctx, p, x) }); err != nil {
		return err
	}
	if last {
		t.strangers(p)
	}
	return nil
}

// delivered waits until every consumer of facts has come to the end, and
// counts what has not.
func (t *trial) delivered(ctx context.Context) error {
	var waiting int64
	var who []string
	for end := time.Now().Add(t.Deliver); ; {
		var all struct {
			Items []struct {
				Consumer string
				Behind   int64
				Parked   int64
			}
		}
		if err := t.api.Do(ctx, "GET", "/api/v1/system/consumers", "", nil, &all); err != nil {
			return err
		}
		waiting, who = 0, nil
		for _, one := range all.Items {
			if n := one.Behind + one.Parked; n > 0 {
				waiting += n
				who = append(who, fmt.Sprintf("%s: %d behind, %d parked", one.Consumer, one.Behind, one.Parked))
			}
		}
		if len(all.Items) == 0 {
			return fmt.Errorf("the platform names no consumers of facts")
		}
		if waiting == 0 || time.Now().After(end) {
			break
		}
		if !sleep(ctx, 50*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	if waiting > 0 {
		t.result.Undelivered += waiting
		t.fleet.fail("facts undelivered", fmt.Errorf("%s", strings.Join(who, "; ")))
	}
	return nil
}

func (t *trial) read(ctx context.Context) (*told, error) {
	p := &told{sessions: map[string][]sessionRow{}, of: map[string]int{}, bills: map[string][]billRow{}}
	err := rig.List(ctx, t.api, "/api/v1/sessions", 1000, func(items []sessionRow) error {
		for _, one := range items {
			k := key(one.Station, one.Transaction)
			p.sessions[k] = append(p.sessions[k], one)
			p.of[one.Station]++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = rig.List(ctx, t.api, "/api/v1/cdrs", 1000, func(items []billRow) error {
		for _, one := range items {
			p.bills[one.Session] = append(p.bills[one.Session], one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.events, err = t.edges(ctx)
	return p, err
}

// compare looks for one transaction.
func (t *trial) compare(ctx context.Context, p *told, x *transaction) error {
	rows := p.sessions[key(x.station.id, x.id)]
	var have []sampleRow
	if len(rows) > 0 {
		err := rig.List(ctx, t.api, "/api/v1/sessions/"+rows[0].ID+"/samples", 10_000, func(items []sampleRow) error {
			have = append(have, items...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	t.fleet.mu.Lock()
	defer t.fleet.mu.Unlock()
	t.tally(p, x, rows, have)
	return nil
}

// tally counts one transaction. The caller holds fleet.mu.
func (t *trial) tally(p *told, x *transaction, rows []sessionRow, have []sampleRow) {
	r := t.result
	r.Transactions++
	wrong := func(what, format string, args ...any) {
		t.fleet.failures[what]++
		if t.fleet.failures[what] <= 3 {
			t.fleet.examples = append(t.fleet.examples, fmt.Sprintf("%s: station %s (OCPP %s), transaction %s: %s", what, x.station.id, x.station.version, x.id, fmt.Sprintf(format, args...)))
		}
	}
	shown := map[int64]int{}
	for _, one := range have {
		if one.Energy != nil {
			shown[*one.Energy]++
		}
	}
	for _, e := range x.events {
		if e.acked.IsZero() || e.gone {
			continue
		}
		r.Acknowledged++
		times := 0
		if len(rows) > 0 {
			times = t.times(p, e, rows[0], shown)
		}
		switch {
		case times == 0:
			r.Lost++
			wrong("event lost", "event %d (%v, %d Wh) acknowledged at %s is not there", e.seq, e.kind, e.register, stamp(e.acked))
		case times > 1:
			r.Doubled++
			wrong("event doubled", "event %d (%v, %d Wh) is there %d times", e.seq, e.kind, e.register, times)
		default:
			r.Found++
		}
	}
	if len(rows) > 1 {
		r.Doubled += int64(len(rows) - 1)
		wrong("session doubled", "%d sessions", len(rows))
	}
	if len(rows) == 0 || !x.over() || x.torn() {
		return
	}
	if rows[0].EnergyWh != x.energy() {
		r.EnergyWrong++
		wrong("energy differs", "the station counted %d Wh, its session has %d", x.energy(), rows[0].EnergyWh)
	}
	t.bills(p, x, rows[0], wrong)
}

// times tells how often an event is there: a start and an end by their rows
// in the database, and what the session says of them; a reading by its value.
func (t *trial) times(p *told, e *event, row sessionRow, shown map[int64]int) int {
	one := edges{1, 1}
	if !t.blind {
		one = p.events[row.ID]
	}
	switch e.kind {
	case started:
		if row.StartWh != e.register {
			return 0
		}
		return one.starts
	case ended:
		// A session with a hole in the middle waits for what is missing.
		if row.Status != "completed" && !e.of.torn() || row.StopWh != e.register {
			return 0
		}
		return one.ends
	}
	return shown[e.register]
}

// bills checks that a session that is over has one bill, of its energy.
func (t *trial) bills(p *told, x *transaction, row sessionRow, wrong func(what, format string, args ...any)) {
	r := t.result
	var bills, credits int
	for _, one := range p.bills[row.ID] {
		if one.Kind == "credit" {
			credits++
			continue
		}
		if bills++; one.EnergyWh != x.energy() {
			r.EnergyWrong++
			wrong("bill differs", "the station counted %d Wh, the bill says %d", x.energy(), one.EnergyWh)
		}
	}
	switch {
	case bills == 0:
		r.Undelivered++
		wrong("no bill", "the session is %s and has no CDR", row.Status)
	case bills-credits > 1:
		r.Doubled++
		wrong("billed twice", "%d CDRs, %d credits", bills, credits)
	case credits > 0:
		wrong("billed again", "%d CDRs, %d credits", bills, credits)
	}
}

// strangers counts sessions that no station knows of.
func (t *trial) strangers(p *told) {
	for _, s := range t.fleet.stations {
		if n := p.of[s.id] - len(s.transactions); n > 0 {
			t.result.Doubled += int64(n)
			t.fleet.fail("session of nobody", fmt.Errorf("station %s had %d transactions, there are %d sessions", s.id, len(s.transactions), p.of[s.id]))
		}
	}
}

// each works on transactions, a few at a time, and gives the first error.
func (t *trial) each(ctx context.Context, all []*transaction, work func(x *transaction) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan *transaction)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for x := range todo {
				if err := work(x); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, x := range all {
		if ctx.Err() != nil {
			break
		}
		todo <- x
	}
	close(todo)
	workers.Wait()
	return context.Cause(ctx)
}
