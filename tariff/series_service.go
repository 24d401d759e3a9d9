package tariff

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
)

// Kinds of the facts about price series.
const (
	KindSeriesFed  = "tariff.series_fed"  // payload SeriesTold
	KindSeriesLate = "tariff.series_late" // payload SeriesTold: tariffs fall back to their own price
)

// SeriesTold is the payload of the facts about series.
type SeriesTold struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	LastAt *time.Time `json:"last_at,omitempty"` // end of the newest interval
}

// Series is prices of electricity over time, such as a day-ahead market's.
type Series struct {
	ID        string
	Org       identity.OrgID
	Name      string
	Currency  money.Currency
	Minutes   int // length of an interval: 15, 30 or 60
	Source    string
	LastAt    *time.Time // end of the newest interval
	FedAt     *time.Time
	LateAt    *time.Time
	CreatedAt time.Time
}

// ahead is how far prices are written into a tariff that follows its series.
const ahead = 48 * time.Hour

// CreateSeries makes a series without prices.
func (s *Service) CreateSeries(ctx context.Context, v Series) (Series, error) {
	_, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return v, err
	}
	asked := v
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		v = asked
		if v.Org, err = identity.Place(ctx, tx, v.Org); err != nil {
			return err
		}
		if v.Currency, err = money.ParseCurrency(string(v.Currency)); err != nil {
			return fault.New(fault.Invalid, "tariff.currency", "The currency is not known.").With("body.currency", "must be an ISO 4217 code", asked.Currency)
		}
		v.ID, v.CreatedAt = id.New[string](tx.Now), tx.Now
		if err := insertSeries(tx, v); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: v.Org, Action: "tariff.series_created", Subject: v.ID, Changes: map[string]identity.Change{"name": {nil, v.Name}}})
	})
	return v, err
}

// SeriesList pages through the series the caller may see.
func (s *Service) SeriesList(ctx context.Context, req db.ListRequest) (out []Series, next string, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out, next, err = db.List(tx, seriesSpec, []db.Cond{c.Scope.Where("p.org")}, req, scanSeries)
		return err
	})
	return out, next, err
}

// SeriesPoints gives the intervals of a series between two instants, at most
// 31 days.
func (s *Service) SeriesPoints(ctx context.Context, series string, from, to time.Time) (v Series, out []PricePoint, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return v, nil, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if v, err = seriesByID(tx, series, c.Scope.Where("p.org")); err != nil {
			return err
		}
		if from.IsZero() {
			from = tx.Now
		}
		if to.IsZero() {
			to = from.Add(ahead)
		}
		if to.Sub(from) > 31*24*time.Hour || to.Before(from) {
			return fault.New(fault.Invalid, "tariff.period", "Ask for at most 31 days.").With("query.to", "must be after from, by at most 31 days", to)
		}
		out, err = pointsOf(tx, v, from, to)
		return err
	})
	return v, out, err
}

// Feed writes prices of intervals, in place of earlier ones of the same
// intervals. Sessions that have started keep their price.
func (s *Service) Feed(ctx context.Context, series string, points []PricePoint) (v Series, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return v, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if v, err = seriesByID(tx, series, c.Scope.Where("p.org")); err != nil {
			return err
		}
		grid := time.Duration(v.Minutes) * time.Minute
		bad := fault.New(fault.Invalid, "tariff.points", "Some prices cannot be used.")
		seen := map[time.Time]bool{}
		for i := range points {
			p := &points[i]
			at := fmt.Sprintf("body.prices[%d]", i)
			if p.Start = p.Start.UTC(); !p.Start.Truncate(grid).Equal(p.Start) {
				bad.With(at+".start", fmt.Sprintf("must be a whole multiple of %d minutes", v.Minutes), p.Start)
			}
			if seen[p.Start] {
				bad.With(at+".start", "is given twice", p.Start)
			}
			if p.Price > 1000_000_000 || p.Price < -1000_000_000 {
				bad.With(at+".price", "must be within ±1000 per kWh; are these prices per MWh?", p.Price)
			}
			seen[p.Start], p.End = true, p.Start.Add(grid)
			if len(bad.Fields) >= 100 {
				break
			}
		}
		if len(bad.Fields) > 0 {
			return bad
		}
		if err := writePoints(tx, v, points); err != nil {
			return err
		}
		if v, err = seriesByID(tx, series, visibleAlways); err != nil {
			return err
		}
		return event.Record(tx, event.Fact{Org: string(v.Org), Subject: "price-series/" + v.ID, Kind: KindSeriesFed}, SeriesTold{v.ID, v.Name, v.LastAt})
	})
	return v, err
}

// SeriesColumns are the columns of a price file.
var SeriesColumns = []sheet.Column{
	{Name: "start", Kind: sheet.Text, Required: true, Doc: "Beginning of the interval, with its offset from UTC", Example: "2026-11-22T00:00:00+01:00",
		Aliases: []string{"start_at", "from", "begin", "time", "timestamp", "datetime", "début", "beginn", "von", "mtu"}},
	{Name: "price", Required: true, Doc: "Per kWh, or per MWh as the request says", Example: "87.31", Aliases: []string{"prix", "preis", "value", "day-ahead price", "spot"}},
}

var seriesLimits = sheet.Limits{Bytes: 4 << 20, Rows: 50_000}

// FeedFile is Feed from a CSV or XLSX file.
func (s *Service) FeedFile(ctx context.Context, series string, file io.Reader, per PriceUnit) (Series, error) {
	table, err := sheet.Read(file, SeriesColumns, seriesLimits)
	if err != nil {
		return Series{}, err
	}
	bad := sheet.NewErrors("tariff.prices")
	var points []PricePoint
	for _, r := range table.Rows {
		at, err := time.Parse(time.RFC3339, r.Get("start"))
		if err != nil {
			bad.Add(r.At("start"), "must be an instant with its offset such as 2026-11-22T00:00:00+01:00", r.Get("start"))
			continue
		}
		price, err := unit.ParseDecimal(r.Get("price"))
		micros, ok := per.micros(price)
		if err != nil || !ok {
			bad.Add(r.At("price"), "must be a number such as 87.31", r.Get("price"))
			continue
		}
		points = append(points, PricePoint{Start: at, Price: micros})
	}
	if err := bad.Err(); err != nil {
		return Series{}, err
	}
	return s.Feed(ctx, series, points)
}

// PriceUnit is what a price is for.
type PriceUnit string

const (
	PerKWh PriceUnit = "kWh"
	PerMWh PriceUnit = "MWh"
)

// micros gives a price per kWh in millionths.
func (p PriceUnit) micros(d unit.Decimal) (money.Micro, bool) {
	power := 6
	if p == PerMWh {
		power = 3
	}
	v, ok := d.Scaled(power)
	return money.Micro(v), ok
}

// Follow makes a tariff's price per kWh follow a series from now on; an empty
// series ends that.
func (s *Service) Follow(ctx context.Context, tariff ID, series string, f Formula) (d Dynamic, err error) {
	c, err := identity.Require(ctx, identity.TariffWrite)
	if err != nil {
		return d, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		r, err := one(tx, c, tariff, 0)
		if err != nil {
			return err
		}
		if series != "" {
			if err := f.check(); err != nil {
				return err
			}
			v, err := seriesByID(tx, series, c.Scope.Where("p.org"))
			if fault.Is(err, fault.NotFound) {
				return fault.New(fault.Invalid, "tariff.series_unknown", "There is no price series %q.", series).With("body.series", "must be one that you can see", series)
			}
			if err != nil {
				return err
			}
			if v.Currency != r.Tariff.Currency {
				return fault.New(fault.Invalid, "tariff.currency", "The series is in %s and the tariff in %s.", v.Currency, r.Tariff.Currency).With("body.series", "must be in the tariff's currency", v.Currency)
			}
			if !r.Tariff.prices("ENERGY") {
				return fault.New(fault.Invalid, "tariff.fallback", "A tariff that follows a series has a price per kWh of its own, which holds while the series is late.").
					With("body.series", "give the tariff an ENERGY price first", series)
			}
		}
		d = Dynamic{ID: id.New[string](tx.Now), Series: series, Formula: f, CreatedAt: tx.Now}
		if err := insertDynamic(tx, r.Org, r.uid, d, c.Actor()); err != nil {
			return err
		}
		return s.note(ctx, tx, nil, KindChanged, "tariff.dynamic", r.Version)
	})
	return d, err
}

// materialise gives a version as its price series makes it for a session that
// starts at an instant; the version itself when it follows none.
func (s *Service) materialise(tx *db.Tx, v Version, at spot, when time.Time) (*Version, *Dynamic, error) {
	d, ok, err := dynamicAt(tx, v.uid, when)
	if err != nil || !ok {
		return &v, nil, err
	}
	series, err := seriesByID(tx, d.Series, visibleAlways)
	if err != nil {
		return &v, nil, err
	}
	zone, locked, err := s.habits(tx, at, d.Formula)
	if err != nil {
		return &v, nil, err
	}
	d.base, d.Locked = v.ID, locked
	if d.Points, err = s.priced(tx, series, d.Formula, when, when.Add(ahead)); err != nil {
		return &v, nil, err
	}
	made, ok := Materialise(v.Tariff.Source, d.Formula, d.Points, zone, when, locked)
	if !ok {
		d.Fallback = true
		return &v, &d, nil
	}
	if locked {
		d.Points = slices.DeleteFunc(d.Points, func(p PricePoint) bool { return when.Before(p.Start) || !when.Before(p.End) })
	}
	out := v
	if out.Tariff, err = FromOCPI(made); err != nil {
		return &v, nil, err
	}
	out.ID, err = snapshotID(v.ID, made)
	return &out, &d, err
}

// priced gives the intervals from one instant to another; when the series is
// late, its last price for as long as the formula lets it count.
func (s *Service) priced(tx *db.Tx, series Series, f Formula, from, to time.Time) ([]PricePoint, error) {
	points, err := pointsOf(tx, series, from, to)
	if err != nil || f.Hold == 0 || len(points) > 0 && !from.Before(points[0].Start) {
		return points, err
	}
	last, ok, err := lastBefore(tx, series, from)
	held := last.End.Add(time.Duration(f.Hold) * time.Minute)
	if err != nil || !ok || !from.Before(held) {
		return points, err
	}
	if len(points) > 0 && points[0].Start.Before(held) {
		held = points[0].Start
	}
	last.End = held
	return append([]PricePoint{last}, points...), nil
}

// habits gives the local time at a spot, and whether prices are locked at the
// start there: because the formula or the market's rules say so.
func (s *Service) habits(tx *db.Tx, at spot, f Formula) (*time.Location, bool, error) {
	if at.site == "" {
		o, err := identity.Lookup(tx, identity.OrgID(at.org))
		if err != nil {
			return nil, false, err
		}
		zone, err := time.LoadLocation(o.TimeZone)
		return zone, f.Lock, err
	}
	site, err := s.d.Locations.Get(tx, location.ID(at.site))
	if err != nil || f.Lock {
		return site.Zone(), f.Lock, err
	}
	m, hold, err := s.siteMarket(tx, site)
	return site.Zone(), Market{Profiles: hold, Public: m.Public}.Locked(), err
}

// TellLate records once that a series has no price for now.
func (s *Service) TellLate(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		late, err := overdue(tx, tx.Now)
		if err != nil {
			return err
		}
		for _, v := range late {
			if err := tx.Send(`UPDATE tariff_series SET late_at = $2 WHERE id = $1`, v.ID, db.Micros(tx.Now)); err != nil {
				return err
			}
			if err := event.Record(tx, event.Fact{Org: string(v.Org), Subject: "price-series/" + v.ID, Kind: KindSeriesLate}, SeriesTold{v.ID, v.Name, v.LastAt}); err != nil {
				return err
			}
		}
		return nil
	})
}

// UpcomingPrice is the price per kWh of a stretch of time.
type UpcomingPrice struct {
	Start    time.Time   `json:"start"`
	End      time.Time   `json:"end"`
	Price    number      `json:"price_per_kwh" doc:"As the tariff states prices: before or after taxes"`
	Market   money.Micro `json:"-"`
	Fallback bool        `json:"fallback,omitempty" doc:"The series has no price yet: the tariff's own"`
}

// Upcoming gives the price per kWh of a tariff that follows a series, by
// interval, from an instant on: what is published a day ahead.
func (s *Service) Upcoming(tx *db.Tx, v Version, from time.Time, hours int) (out []UpcomingPrice, series *Series, err error) {
	d, ok, err := dynamicAt(tx, v.uid, from)
	if err != nil || !ok {
		return nil, nil, err
	}
	found, err := seriesByID(tx, d.Series, visibleAlways)
	if err != nil {
		return nil, nil, err
	}
	grid := time.Duration(found.Minutes) * time.Minute
	start := from.UTC().Truncate(grid)
	end := start.Add(time.Duration(hours) * time.Hour)
	points, err := s.priced(tx, found, d.Formula, start, end)
	if err != nil {
		return nil, nil, err
	}
	own := ownPrice(v.Tariff)
	for at := start; at.Before(end); at = at.Add(grid) {
		p := UpcomingPrice{Start: at, End: at.Add(grid), Price: number(own), Fallback: true}
		if i := slices.IndexFunc(points, func(x PricePoint) bool { return !at.Before(x.Start) && at.Before(x.End) }); i >= 0 {
			p.Price, p.Market, p.Fallback = number(d.Formula.Apply(points[i].Price)), points[i].Price, false
		}
		out = append(out, p)
	}
	return out, &found, nil
}

// ownPrice is the price per kWh that a tariff has without its series.
func ownPrice(t Tariff) unit.Decimal {
	for _, e := range t.sessionElements() {
		for _, c := range e.PriceComponents {
			if c.Type == "ENERGY" {
				return c.Price
			}
		}
	}
	return unit.Decimal{}
}
