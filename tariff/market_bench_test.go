package tariff

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"sort"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/station"
)

var sessions = flag.Int("sessions", 100_000, "sessions that BenchmarkBacktest prices")

// benchRoom is the room over a fresh SQLite database with one organisation.
func benchRoom(b *testing.B) (*Service, *db.DB, identity.OrgID) {
	b.Helper()
	d := schematest.Open(b, db.SQLite, time.Now)
	people := identity.New(identity.Deps{DB: d})
	first, _, err := people.Bootstrap(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	locations, err := location.New(location.Deps{DB: d})
	if err != nil {
		b.Fatal(err)
	}
	stations, err := station.New(station.Deps{DB: d, Locations: locations, Secret: []byte("0123456789abcdef")})
	if err != nil {
		b.Fatal(err)
	}
	return New(Deps{DB: d, Log: slog.New(slog.DiscardHandler), Locations: locations, Stations: stations}), d, first.Organisation
}

func (s *Service) must(b *testing.B, fn func(tx *db.Tx) error) {
	b.Helper()
	if err := s.d.DB.Update(context.Background(), fn); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBacktest prices a past of -sessions under another tariff:
//
//	go test ./tariff -run '^$' -bench Backtest -benchtime 1x -sessions 1000000
func BenchmarkBacktest(b *testing.B) {
	s, _, org := benchRoom(b)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := 0; at < *sessions; at += 10_000 {
		s.must(b, func(tx *db.Tx) error {
			rows := make([][]any, 0, 10_000)
			for i := at; i < min(at+10_000, *sessions); i++ {
				u := benchUsage()
				shift := start.Add(time.Duration(i) * 27 * time.Second).Sub(u.Start)
				u.Start, u.End = u.Start.Add(shift), u.End.Add(shift)
				for j := range u.Periods {
					p := &u.Periods[j]
					p.Start, p.End, p.Energy = p.Start.Add(shift), p.End.Add(shift), p.Energy+unit.Energy(i%1000*int(p.Energy)/2000)
				}
				rows = append(rows, []any{fmt.Sprintf("s%08d", i), string(org), fmt.Sprintf("site%d", i%200), fmt.Sprintf("st%d", i%5000), 1, u.Start.UnixMicro(), 1,
					"Europe/Paris", "EUR", "v", "", "default", 15_000_000, 18_000_000, 39_000_000, u.Pack()})
			}
			cols := []db.Col{{Name: "session", Type: "text"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"}, {Name: "station", Type: "text"}, {Name: "evse", Type: "bigint"},
				{Name: "started_at", Type: "bigint"}, {Name: "revision", Type: "bigint"}, {Name: "zone", Type: "text"}, {Name: "currency", Type: "text"}, {Name: "version", Type: "text"},
				{Name: "tgroup", Type: "text"}, {Name: "audience", Type: "text"}, {Name: "excl", Type: "bigint"}, {Name: "incl", Type: "bigint"}, {Name: "energy", Type: "bigint"}, {Name: "usage", Type: "text"}}
			err := db.InsertRows(tx, "tariff_usage", cols, rows, "")
			return err
		})
	}
	t := parse(b, benchTariff)
	sel := Selection{Org: org, From: start.Add(-time.Hour), To: start.AddDate(5, 0, 0)}
	b.ResetTimer()
	for range b.N {
		out, err := s.replay(context.Background(), sel, t, func(int64) error { return nil })
		if err != nil || out.Total.Sessions != int64(*sessions) || out.Unread != 0 {
			b.Fatalf("%+v %v", out.Total, err)
		}
	}
	b.ReportMetric(float64(*sessions)*float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}

// BenchmarkResolve finds the price of a token among 10,000 groups on 50,000
// EVSEs, each EVSE in a group of its own site, its station and itself:
//
//	go test ./tariff -run '^$' -bench Resolve -benchtime 2000x
func BenchmarkResolve(b *testing.B) {
	s, _, org := benchRoom(b)
	const groups, evses, tariffs = 10_000, 50_000, 200
	uids := make([]uid, tariffs)
	s.must(b, func(tx *db.Tx) error {
		for i := range uids {
			o, err := benchOCPI(b, fmt.Sprintf("t%d", i))
			if err != nil {
				return err
			}
			v := Version{ID: VersionID(fmt.Sprintf("v%d", i)), uid: uid(fmt.Sprintf("u%d", i)), Org: org, Number: 1, CreatedAt: tx.Now, Tariff: o}
			uids[i] = v.uid
			if _, err := insertTariff(tx, v); err != nil {
				return err
			}
			if err := insertVersion(tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	for at := 0; at < groups; at += 1000 {
		s.must(b, func(tx *db.Tx) error {
			for i := at; i < at+1000; i++ {
				g := Group{ID: fmt.Sprintf("g%d", i), Org: org, Name: fmt.Sprintf("Group %d", i)}
				if err := insertGroup(tx, g); err != nil {
					return err
				}
				for j, a := range Audiences[1:] {
					e := Entry{ID: fmt.Sprintf("e%d-%d", i, j), Audience: a, uid: uids[(i+j)%tariffs], From: tx.Now}
					if a != AudienceDefault && a != AudienceAdHoc {
						e.Ref = fmt.Sprintf("ref%d", i%50)
					}
					if err := insertEntry(tx, g, e, "bench"); err != nil {
						return err
					}
				}
				for j := range 5 {
					n := i*5 + j
					p := Place{Org: org, Site: fmt.Sprintf("site%d", n%500), Station: fmt.Sprintf("st%d", n/2), EVSE: n%2 + 1}
					if err := insertBound(tx, g, Bound{ID: fmt.Sprintf("p%d", n), Place: p, From: tx.Now}, "bench"); err != nil {
						return err
					}
				}
				// and the group holds at a station and a site
				if err := insertBound(tx, g, Bound{ID: fmt.Sprintf("ps%d", i), Place: Place{Org: org, Station: fmt.Sprintf("st%d", i*2)}, From: tx.Now}, "bench"); err != nil {
					return err
				}
				if err := insertBound(tx, g, Bound{ID: fmt.Sprintf("pp%d", i), Place: Place{Org: org, Site: fmt.Sprintf("site%d", i%500)}, From: tx.Now}, "bench"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s.must(b, func(tx *db.Tx) error {
		m := Member{Org: org, Audience: AudienceFleet, Ref: "ref7", Token: "VAN7", From: tx.Now}
		return s.EnrolIn(identity.System(context.Background(), org), tx, "bench", &m)
	})
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		n := i * 7919 % evses
		begin := time.Now()
		err := s.d.DB.View(context.Background(), func(tx *db.Tx) error {
			v, err := s.ForEVSE(tx, string(org), fmt.Sprintf("site%d", n%500), fmt.Sprintf("st%d", n/2), n%2+1, "VAN7", tx.Now)
			if err == nil && v == nil {
				b.Fatal("no price")
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

func benchOCPI(b *testing.B, id string) (Tariff, error) {
	t := parse(b, benchTariff)
	t.Source.ID, t.Source.CountryCode, t.Source.PartyID = id, "FR", "FCT"
	return FromOCPI(t.Source)
}

// BenchmarkBulk copies a tariff to 5,000 EVSEs and takes it back:
//
//	go test ./tariff -run '^$' -bench Bulk -benchtime 1x
func BenchmarkBulk(b *testing.B) {
	s, d, org := benchRoom(b)
	ctx := identity.System(context.Background(), org)
	site, err := s.d.Locations.Create(ctx, location.Site{Org: string(org), Name: "Site", Address: location.Address{Country: "FR"}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 2500 {
		id := fmt.Sprintf("ST-%04d", i)
		if _, _, err := s.d.Stations.Create(ctx, station.Draft{ID: station.ID(id), Site: string(site.ID), Profile: 1}); err != nil {
			b.Fatal(err)
		}
		s.must(b, func(tx *db.Tx) error {
			return s.d.Stations.Describe(tx, id, []station.PortSpec{{EVSE: 1, MaxPower: 22_000}, {EVSE: 2, MaxPower: 22_000}})
		})
	}
	o, err := benchOCPI(b, "bulk")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Create(ctx, org, o.Source); err != nil {
		b.Fatal(err)
	}
	jobs := job.New(d, nil, "bench", slog.New(slog.DiscardHandler))
	s.Jobs(jobs)
	b.ResetTimer()
	for range b.N {
		plan, err := s.PlanChange(ctx, "", BulkRequest{Change: Alteration{Op: OpCopy, Tariff: "bulk"}}, false)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.ApplyChange(ctx, plan.ID, time.Time{}); err != nil {
			b.Fatal(err)
		}
		if _, err := jobs.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(b.Elapsed().Seconds(), "s-applied")
		if _, err := s.RollBackChange(ctx, plan.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := jobs.RunDue(ctx); err != nil {
			b.Fatal(err)
		}
		s.must(b, func(tx *db.Tx) error {
			done, err := bulkByID(tx, plan.ID, visibleAlways)
			if err == nil && (done.Done != 5000 || done.Failed != 0 || done.Status != BulkRolledBack) {
				b.Fatalf("%+v", done)
			}
			return err
		})
	}
}
