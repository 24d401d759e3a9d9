package bench

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

type authorizeCmd struct {
	options  `embed:""`
	Tokens   int     `help:"How many tokens there are." default:"1000000" env:"-"`
	Stations int     `help:"How many stations ask." default:"200" env:"-"`
	Rate     float64 `help:"Questions a second of all stations, by the clock; 0: closed loop." default:"500" env:"-"`
	Seconds  float64 `help:"How long." default:"30" env:"-"`
}

// Run asks for random tokens.
func (c *authorizeCmd) Run(ctx context.Context, s Streams) error {
	var flags []string
	if c.Rate == 0 {
		flags = append(flags, "--messages-per-minute", "1000000", "--org-messages-per-second", "1000000")
	}
	return c.run(ctx, s, false, flags, c.measure)
}

// preloadedToken is token i of the many; every tenth is blocked.
func preloadedToken(i int) (id, status string) {
	id = fmt.Sprintf("04%010X", uint64(i)*2654435761%(1<<40))
	if i%10 == 9 {
		return id, "Blocked"
	}
	return id, "Accepted"
}

func (c *authorizeCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	r := g.result("authorize", c.Stations)
	g.say("importing %d tokens", c.Tokens)
	began := time.Now()
	err := g.api.ImportRows(ctx, "/api/v1/id-tokens/import", "id_token,type,status", c.Tokens, func(b *bytes.Buffer, i int) {
		id, status := preloadedToken(i)
		fmt.Fprintf(b, "%s,ISO14443,%s", id, map[string]string{"Accepted": "active", "Blocked": "blocked"}[status])
	})
	if err != nil {
		return nil, err
	}
	r.more("import_s", time.Since(began).Seconds())
	r.more("tokens", float64(c.Tokens))
	f, err := g.enlist(ctx, 0, c.Stations)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.connect(ctx, f.stations, 200); err != nil {
		return nil, err
	}
	before, err := serverTimes(ctx, g)
	if err != nil {
		return nil, err
	}
	lasts := time.Duration(c.Seconds * float64(time.Second))
	l := g.measured(ctx, func() {
		if c.Rate > 0 {
			f.openLoop(ctx, lasts, c.Rate, f.stations, c.pick)
		} else {
			f.closedLoop(ctx, lasts, c.pick)
		}
	})
	after, err := serverTimes(ctx, g)
	if err != nil {
		return nil, err
	}
	g.memory(r)
	r.load(f, l)
	inside(r, before, after)
	g.wholeLog(ctx, r)
	r.failures(f)
	title := fmt.Sprintf("Authorize among %d tokens, by wire", c.Tokens)
	return r, plot{distribution(title, &f.delays)}.write(c.SVG)
}

// pick gives the station another token to ask for, and what must be said.
func (c *authorizeCmd) pick(s *station) kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pending.open { // a question under way keeps its token
		s.token, s.expected = preloadedToken(rand.IntN(c.Tokens))
	}
	return kindAuthorize
}

// Histograms that the server keeps of a message and of a decision in it.
const (
	handleMetric   = "forecourt_gateway_handle_seconds"
	decisionMetric = "forecourt_authorize_decision_seconds"
)

// serverTimes reads both histograms.
func serverTimes(ctx context.Context, g *ground) (map[string]float64, error) {
	all, err := g.api.Metrics(ctx, handleMetric)
	if err != nil {
		return nil, err
	}
	decisions, err := g.api.Metrics(ctx, decisionMetric)
	maps.Copy(all, decisions)
	return all, err
}

// inside tells how long the server took to decide, and from a message to its
// reply, from histograms that it keeps itself: the upper end of the bucket in
// which the part lies.
func inside(r *Result, before, after map[string]float64) {
	told(r, "decision", decisionMetric, before, after)
	told(r, "inside", handleMetric, before, after)
	r.note("inside: from taking the message to writing its reply; decision: the part of it in which the token is looked up and judged; both as the server's own histograms have them")
}

func told(r *Result, name, metric string, before, after map[string]float64) {
	type bucket struct{ end, count float64 }
	var buckets []bucket
	for key, v := range after {
		if label, found := strings.CutPrefix(key, metric+`_bucket{le="`); found {
			end, err := strconv.ParseFloat(strings.TrimSuffix(label, `"}`), 64)
			if err == nil {
				buckets = append(buckets, bucket{end, v - before[key]})
			}
		}
	}
	slices.SortFunc(buckets, func(a, b bucket) int { return cmp.Compare(a.end, b.end) })
	if len(buckets) == 0 || buckets[len(buckets)-1].count == 0 {
		return
	}
	total := buckets[len(buckets)-1].count
	for _, q := range []struct {
		name string
		part float64
	}{{"_p50_at_most_ms", .5}, {"_p99_at_most_ms", .99}} {
		for _, b := range buckets {
			if b.count >= q.part*total && !math.IsInf(b.end, 1) {
				r.more(name+q.name, b.end*1000)
				break
			}
		}
	}
	r.more(name+"_mean_ms", 1000*(after[metric+"_sum"]-before[metric+"_sum"])/total)
}
