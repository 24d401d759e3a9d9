package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h, merged Histogram
	if h.Quantile(.5) != 0 {
		t.Error("an empty one has a median")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(random.ExpFloat64()*3e6) * time.Nanosecond
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	merged.merge(h.counts(), h.Longest())
	for _, q := range []float64{.01, .5, .9, .99, .999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if off := (got - want).Abs(); off > want/50+5*time.Microsecond {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
		if merged.Quantile(q) != got {
			t.Errorf("quantile %v is another one after merging", q)
		}
	}
	for us := int64(0); us < 1<<37; us = us*5/4 + 1 {
		i := bucketOf(us)
		if i < histogramSize-1 && (bucketEnd(i) < us || i > 0 && bucketEnd(i-1) >= us) {
			t.Fatalf("%d µs lies in bucket %d, which ends at %d", us, i, bucketEnd(i))
		}
	}
}

func TestUsage(t *testing.T) {
	u, ok := usageOf(os.Getpid())
	if ok != (runtime.GOOS == "linux") {
		t.Fatalf("usage is told: %v", ok)
	}
	if ok && u.RSS < 1<<20 {
		t.Errorf("memory is %d bytes", u.RSS)
	}
	if _, ok := usageOf(0); ok {
		t.Error("process 0 has usage")
	}
}

func TestPlotIsXML(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Add(time.Duration(i*i) * time.Microsecond)
	}
	p := plot{{title: "a < b & c", x: "x", y: "y", bar: 12, series: []series{{name: "one", points: [][2]float64{{0, 0}, {15000, 10}}}, {name: "two"}}}, distribution("all", &h)}
	for _, text := range []string{p.svg(), plot{}.svg(), plot{{}}.svg(), plot{distribution("none", new(Histogram))}.svg()} {
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
		}
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("no number in\n%s", text)
		}
	}
}

func TestResultEndsWithOneLineOfJSON(t *testing.T) {
	r := Result{Bench: "mix", Stations: 3, RSSPerStation: 1024, CPUPerConnect: 1.5, MsgsPerS: 2, PersistedPerS: 2, P50: 1, P99: 2}
	r.note("said %d", 1)
	var out bytes.Buffer
	if err := r.print(&out, true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stations", "rss_per_station_bytes", "cpu_us_per_connect", "msgs_per_s", "persisted_per_s", "p50_ms", "p99_ms", "errors"} {
		if _, there := got[name]; !there {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, one := range []struct {
		r     Result
		sound bool
	}{{Result{}, true}, {Result{Errors: 1}, false}, {Result{Lost: 1}, false}, {Result{Doubled: 1}, false}} {
		if err := one.r.verdict(); (err == nil) != one.sound {
			t.Errorf("%+v: %v", one.r, err)
		}
	}
}

func TestMixture(t *testing.T) {
	count := map[kind]int{}
	for _, k := range mixture {
		count[k]++
	}
	if count[kindMeter] != 6 || count[kindHeartbeat] != 3 || count[kindStatus] != 1 {
		t.Errorf("the mixture is %v", count)
	}
}

func TestMessagesAreJSON(t *testing.T) {
	for _, l := range languages {
		f, err := newFleet(crew{Prefix: "B", Count: 1, Version: map[string]string{"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}[l.protocol], URLs: []string{"ws://127.0.0.1:1/ocpp"}})
		if err != nil {
			t.Fatal(err)
		}
		s := f.stations[0]
		s.transaction = "17"
		for k := range kinds {
			text := l.call(nil, s, k, 7, s.stamp(k))
			if !json.Valid(text) {
				t.Errorf("%s %s: %s", l.protocol, l.action[k], text)
			}
			if h, ok := parseFrame(text); !ok || string(h.id) != "7" || string(h.action) != l.action[k] || !json.Valid(h.payload()) {
				t.Errorf("%s is not read back: %+v", text, h)
			}
		}
	}
}

func TestWrongAnswersAreFound(t *testing.T) {
	l := languages["1.6"]
	s := &station{expected: "Accepted"}
	for k, texts := range map[kind][2]string{
		kindBoot:      {`{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":300}`, `{"status":"Pending","currentTime":"2026-01-01T00:00:00Z","interval":300}`},
		kindHeartbeat: {`{"currentTime":"2026-01-01T00:00:00Z"}`, `{}`},
		kindMeter:     {`{}`, `{`},
		kindAuthorize: {`{"idTagInfo":{"status":"Accepted"}}`, `{"idTagInfo":{"status":"Invalid"}}`},
		kindStart:     {`{"transactionId":5,"idTagInfo":{"status":"Accepted"}}`, `{"idTagInfo":{"status":"Accepted"}}`},
	} {
		if why := l.check(s, k, []byte(texts[0])); why != "" {
			t.Errorf("%s is refused: %s", texts[0], why)
		}
		if l.check(s, k, []byte(texts[1])) == "" {
			t.Errorf("%s passes for an answer to %s", texts[1], l.action[k])
		}
	}
}

// What the server tells of its times is what passed between the two readings.
func TestTimesInTheServer(t *testing.T) {
	at := func(name, end string) string { return name + `_bucket{le="` + end + `"}` }
	before := map[string]float64{at(decisionMetric, "0.001"): 10, at(decisionMetric, "0.002"): 10, at(decisionMetric, "+Inf"): 50, decisionMetric + "_sum": 40}
	after := map[string]float64{at(decisionMetric, "0.001"): 70, at(decisionMetric, "0.002"): 110, at(decisionMetric, "+Inf"): 150, decisionMetric + "_sum": 40.05,
		at(handleMetric, "0.002"): 60, at(handleMetric, "0.005"): 99, at(handleMetric, "+Inf"): 100, handleMetric + "_sum": .2}
	var r Result
	inside(&r, before, after)
	for name, want := range map[string]float64{"decision_p50_at_most_ms": 1, "decision_p99_at_most_ms": 2, "decision_mean_ms": .5, "inside_p50_at_most_ms": 2, "inside_p99_at_most_ms": 5, "inside_mean_ms": 2} {
		if got := r.More[name]; got < want-.001 || got > want+.001 {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
	if _, met := inTheServer(&r); !met {
		t.Error("the handling is judged, not the decision")
	}
	if _, met := inTheServer(&Result{}); met {
		t.Error("a server that tells nothing meets the bar")
	}
}
