package session

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// BenchmarkMeterValues measures readings that are stored and acknowledged
// after the commit, from many stations at once: three values a message, each
// station waiting for its answer before it sends the next.
//
//	go test ./session -run '^$' -bench MeterValues -benchtime 3s
func BenchmarkMeterValues(b *testing.B) {
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		for _, v := range []ocpp.Version{ocpp.V16, ocpp.V201} {
			for _, stations := range []int{50, 500} {
				b.Run(fmt.Sprintf("%s/%s/stations=%d", dialect, v, stations), func(b *testing.B) { benchmarkMeterValues(b, dialect, v, stations) })
			}
		}
	}
}

func benchmarkMeterValues(b *testing.B, dialect db.Dialect, v ocpp.Version, stations int) {
	clock := schematest.NewClock(testStart)
	h := newHouse(b, schematest.Open(b, dialect, clock.Now), clock, Config{})
	h.s.d.PortUse = nil
	running := make([]string, stations)
	peers := make([]ocpp.Peer, stations)
	for i := range stations {
		peers[i] = h.peer(fmt.Sprintf("CS%05d", i), v)
		if v == ocpp.V16 {
			running[i], _ = (&station16{h: h, p: peers[i]}).start(1, "A", testStart, 0)
		} else {
			running[i] = "tx"
			(&station2{h: h, p: peers[i]}).tell(event2("Started", "tx", 0, testStart, onEVSE(1), withMeter(register(testStart, 0))))
		}
	}
	clock.Set(testStart.Add(1000 * time.Hour))
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range stations {
		wg.Go(func() {
			for n := int64(1); next.Add(1) <= int64(b.N); n++ {
				at := testStart.Add(time.Duration(n) * 10 * time.Second)
				soc := ocpp.SampledValue{Value: register(at, 50).SampledValue[0].Value, Measurand: ocpp.MeasurandEnumSoC}
				values := []ocpp.MeterValue{register(at, n*20, power(7200), soc)}
				e := event2("Updated", "tx", int(n), at, withMeter(values...))
				if v == ocpp.V16 {
					e = meterEvent(1, running[i], values)
				}
				if _, err := h.s.TransactionEvent(h.ctx, peers[i], e); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
