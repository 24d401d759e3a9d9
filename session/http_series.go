package session

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type intervalBody struct {
	Start         time.Time `json:"start"`
	End           time.Time `json:"end"`
	EnergyWh      int64     `json:"energy_wh"`
	AveragePowerW int64     `json:"average_power_w"`
	MaxPowerW     int64     `json:"max_power_w"`
	Quality       string    `json:"quality" enum:"measured,interpolated" doc:"interpolated: readings more than a quarter of an hour apart"`
}

type sampleBody struct {
	At       time.Time `json:"at"`
	EnergyWh *int64    `json:"energy_wh,omitempty" doc:"The meter as it was read"`
	PowerW   *int64    `json:"power_w,omitempty"`
	SoC      *int64    `json:"soc,omitempty" doc:"Per cent"`
	CurrentA *string   `json:"current_a,omitempty" doc:"The highest phase"`
	VoltageV *string   `json:"voltage_v,omitempty" doc:"Mean of the phases"`
}

type seriesInput struct {
	ID     string `path:"id"`
	Format string `query:"format" enum:"json" doc:"Only json"`
}

type samplesInput struct {
	ID     string `path:"id"`
	Limit  int    `query:"limit" default:"1000" minimum:"1" maximum:"10000" doc:"How many samples to return at most"`
	Cursor string `query:"cursor" maxLength:"100" doc:"The next_cursor of the page before"`
}

func (s *Service) seriesRoutes(a *web.API) {
	intervals := op(http.MethodGet, "/sessions/{id}/intervals", identity.SessionRead, "The session in quarters of an hour")
	intervals.Description = "Aligned to the clock; the first and the last are cut by the session. Their energies sum to the session's."
	web.Handle(a, intervals, func(ctx context.Context, in *seriesInput) (*web.ListOutput[intervalBody], error) {
		all, err := s.Intervals(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		return web.NewList(intervalBodies(all), ""), nil
	})
	web.Handle(a, op(http.MethodGet, "/sessions/{id}/samples", identity.SessionRead, "The session's meter values"), func(ctx context.Context, in *samplesInput) (*web.ListOutput[sampleBody], error) {
		all, next, err := s.Samples(ctx, ID(in.ID), in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		items := make([]sampleBody, len(all))
		for i, p := range all {
			items[i] = sampleOf(p)
		}
		return web.NewList(items, next), nil
	})
}

func intervalBodies(all []Interval) []intervalBody {
	wh := WattHours(all)
	items := make([]intervalBody, len(all))
	for i, v := range all {
		items[i] = intervalBody{Start: v.Start, End: v.End, EnergyWh: wh[i], AveragePowerW: int64(v.Average()), MaxPowerW: int64(max(v.MaxPower, v.Average())), Quality: "interpolated"}
		if v.Measured {
			items[i].Quality = "measured"
		}
	}
	return items
}

func sampleOf(p Sample) sampleBody {
	b := sampleBody{At: p.Time()}
	r := p.Reading
	if r.Has&HasRegister != 0 {
		v := r.Register.WattHours()
		b.EnergyWh = &v
	}
	if r.Has&HasPower != 0 {
		v := int64(r.Power)
		b.PowerW = &v
	}
	if r.Has&HasSoC != 0 {
		v := (int64(r.SoC) + 500) / 1000
		b.SoC = &v
	}
	if r.Has&HasCurrent != 0 {
		v := unit.DecimalOf(int64(r.Current), -3).String()
		b.CurrentA = &v
	}
	if r.Has&HasVoltage != 0 {
		v := unit.DecimalOf(int64(r.Voltage), -3).String()
		b.VoltageV = &v
	}
	return b
}

// Intervals gives a session in quarters of an hour, up to now while it runs.
func (s *Service) Intervals(ctx context.Context, id ID) (out []Interval, err error) {
	c, err := identity.Require(ctx, identity.SessionRead)
	if err != nil {
		return nil, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err := visible(tx, id, c.Scope.Where("org"))
		if err != nil {
			return err
		}
		all, err := slicesOf(tx, id)
		if err != nil {
			return err
		}
		if r.SettledAt.IsZero() {
			all = append(all, r.State.Rest(r.State.LastAt())...)
		}
		out = Intervals(all)
		return nil
	})
	return out, err
}

// Samples pages through a session's meter values in the order of the
// station's time.
func (s *Service) Samples(ctx context.Context, id ID, cursor string, limit int) (out []Sample, next string, err error) {
	c, err := identity.Require(ctx, identity.SessionRead)
	if err != nil {
		return nil, "", err
	}
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if _, err := visible(tx, id, c.Scope.Where("org")); err != nil {
			return err
		}
		out, err = samplesOf(tx, string(id), after, limit+1)
		return err
	})
	if err == nil && len(out) > limit {
		out = out[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(out[limit-1].cursor()))
	}
	return out, next, err
}

func badCursor(cursor string) error {
	return fault.New(fault.Invalid, "session.cursor", "the cursor is not one that was given out").
		With("query.cursor", "must be the next_cursor of the page before", cursor)
}

func (p Sample) cursor() string {
	return fmt.Sprintf("%d %d %d", db.Micros(p.Station), p.Seq, int64(p.Digest))
}

func parseCursor(cursor string) (*place, error) {
	if cursor == "" {
		return nil, nil
	}
	var p place
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%d %d %d", &p.at, &p.seq, &p.digest)
	}
	if err != nil {
		return nil, badCursor(cursor)
	}
	return &p, nil
}
