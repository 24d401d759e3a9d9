package tariff

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type heatInput struct {
	ID           string   `path:"id" maxLength:"36"`
	Version      int      `query:"version" minimum:"1" doc:"Default: the newest"`
	From         string   `query:"from" format:"date" doc:"First local date; default: this week's Monday"`
	Days         int      `query:"days" minimum:"1" maximum:"56" default:"7"`
	Slot         int      `query:"slot_minutes" minimum:"15" maximum:"60" multipleOf:"15" default:"60"`
	EnergyWh     int64    `query:"energy_wh" minimum:"0" doc:"How much the session has taken; default: nothing yet"`
	Minutes      int64    `query:"minutes" minimum:"0" maximum:"100000" doc:"How long it has lasted; default: it begins"`
	PowerW       int64    `query:"power_w" minimum:"0" doc:"What it draws"`
	RatedPowerW  int64    `query:"rated_power_w" minimum:"0" doc:"What the EVSE can deliver"`
	DriverGroups []string `query:"driver_groups" maxItems:"50"`
}

type heatOutput struct{ Body heatWeek }

type heatWeek struct {
	Tariff      ID         `json:"tariff"`
	Version     int        `json:"version"`
	Currency    string     `json:"currency"`
	SlotMinutes int        `json:"slot_minutes"`
	Dates       []string   `json:"dates" doc:"Local dates, one per row"`
	Dimensions  []heatBody `json:"dimensions"`
}

type heatBody struct {
	Dimension Dimension  `json:"dimension" enum:"ENERGY,FLAT,PARKING_TIME,TIME"`
	Prices    [][]string `json:"prices" doc:"With the tax that the tariff states, per kWh, per hour or once; a row per date, a cell per slot of local time"`
	Elements  [][]int    `json:"elements" doc:"Index of the element that prices the cell; -1: nothing does"`
	Mixed     [][]bool   `json:"mixed,omitempty" doc:"The price changes within the slot; absent when none does"`
}

type plainOutput struct {
	Body struct {
		Tariff json.RawMessage `json:"tariff" doc:"The tariff as partners get it: OCPI 2.2.1, with tax_included of 2.3.0"`
		Lost   []Loss          `json:"lost" doc:"What OCPI has no words for, and what they are told instead"`
	}
}

func (s *Service) viewRoutes(a *web.API, op makeOp) {
	heat := op(http.MethodGet, "/tariffs/{id}/heat-map", identity.TariffRead, "The prices of a week, hour by hour")
	heat.Description = "What a session pays at each local time of day, by dimension; up to eight weeks."
	web.Handle(a, heat, s.heatMap)
	plain := op(http.MethodGet, "/tariffs/{id}/ocpi", identity.TariffRead, "A tariff as OCPI partners get it")
	web.Handle(a, plain, func(ctx context.Context, in *tariffInput) (*plainOutput, error) {
		r, err := s.Read(ctx, ID(in.ID), in.Version)
		if err != nil {
			return nil, err
		}
		var out plainOutput
		o, lost := r.Tariff.ToOCPI()
		out.Body.Tariff, err = json.Marshal(o)
		out.Body.Lost = append([]Loss{}, lost...)
		return &out, err
	})
}

func (s *Service) heatMap(ctx context.Context, in *heatInput) (*heatOutput, error) {
	r, err := s.Read(ctx, ID(in.ID), in.Version)
	if err != nil {
		return nil, err
	}
	now := s.d.DB.Now()
	q := HeatQuestion{From: monday(now), Days: in.Days, Slot: in.Slot, Energy: unit.Energy(in.EnergyWh) * unit.WattHour,
		Duration: time.Duration(in.Minutes) * time.Minute, Power: unit.Watts(in.PowerW),
		Context: Context{Groups: in.DriverGroups, Rated: unit.Watts(in.RatedPowerW)}}
	if in.From != "" {
		if q.From, err = time.Parse(time.DateOnly, in.From); err != nil {
			return nil, fault.New(fault.Invalid, "tariff.date", "%q is not a date.", in.From).With("query.from", "must be a date such as 2026-12-31", in.From)
		}
	}
	return &heatOutput{weekOf(r.Version, q)}, nil
}

// monday is the day that the week of an instant begins with.
func monday(at time.Time) time.Time { return at.AddDate(0, 0, -(int(at.Weekday())+6)%7) }

func weekOf(v Version, q HeatQuestion) heatWeek {
	m := v.Tariff.HeatMap(q)
	b := heatWeek{v.Tariff.ID, v.Number, string(v.Tariff.Currency), m.Slot, m.Dates, []heatBody{}}
	for _, g := range m.Dimensions {
		b.Dimensions = append(b.Dimensions, g.body())
	}
	return b
}

func (g HeatGrid) body() heatBody {
	out := heatBody{Dimension: g.Dimension}
	mixed := false
	for _, row := range g.Rows {
		var prices []string
		var elements []int
		var mix []bool
		for _, c := range row {
			prices, elements, mix = append(prices, c.Incl.Decimal()), append(elements, c.Element), append(mix, c.Mixed)
			mixed = mixed || c.Mixed
		}
		out.Prices, out.Elements, out.Mixed = append(out.Prices, prices), append(out.Elements, elements), append(out.Mixed, mix)
	}
	if !mixed {
		out.Mixed = nil
	}
	return out
}
