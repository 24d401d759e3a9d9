package session

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/tariff"
)

// lockTariff chooses the session's tariff once: at its start, or when its
// EVSE first becomes known, or at its end without one.
func (s *Service) lockTariff(tx *db.Tx, w *work) error {
	if s.d.Tariffs == nil || w.Tariff != "" {
		return nil
	}
	over := w.State.Phase >= Vacant
	known, before := w.State.EVSE != 0, !w.fresh && (w.before.State.EVSE != 0 || w.before.State.Phase >= Vacant)
	if before || !known && !over {
		return nil
	}
	v, err := s.d.Tariffs.ForEVSE(tx, w.Org, w.Site, w.Station, w.State.EVSE, w.State.Token.Value, w.State.StartedAt)
	if err != nil || v == nil {
		return err
	}
	w.Tariff, w.Currency = string(v.ID), v.Tariff.Currency
	return nil
}

func (s *Service) version(tx *db.Tx, r *Session) (*tariff.Version, error) {
	if s.d.Tariffs == nil || r.Tariff == "" {
		return nil, nil
	}
	return s.d.Tariffs.Version(tx, tariff.VersionID(r.Tariff))
}

// parking reports whether the time after the charge has a price, so that the
// end of the bill is the unplugging.
func (s *Service) parking(tx *db.Tx, r *Session) (bool, error) {
	v, err := s.version(tx, r)
	if err != nil || v == nil {
		return false, err
	}
	return v.Tariff.PricesParking(), nil
}

// reprice computes the price so far, or the final one: when the session
// turned, and else at most once in Config.Reprice.
func (s *Service) reprice(tx *db.Tx, w *work, settle bool) error {
	turned := w.fresh || w.refolded || w.State.Phase != w.before.State.Phase
	if !settle && !turned && tx.Now.Sub(w.PricedAt) < s.d.Config.Reprice {
		return nil
	}
	if w.State.Flags&Refused != 0 && w.State.Energy == 0 { // nobody pays a flat fee for being turned away
		w.Excl, w.Incl, w.PricedAt = 0, 0, tx.Now
		return nil
	}
	v, err := s.version(tx, w.Session)
	if err != nil || v == nil {
		return err
	}
	all, err := slicesOf(tx, w.ID)
	if err != nil {
		return err
	}
	until := tx.Now
	if at := w.State.LastAt(); at.After(until) {
		until = at
	}
	if !settle {
		all = append(all, w.State.Rest(until)...)
	}
	zone := time.UTC
	if s.d.Zone != nil {
		if zone, err = s.d.Zone(tx, w.Org, w.Site); err != nil {
			return err
		}
	}
	c := tariff.Price(v.Tariff, Usage(w.State, all, until, v.Tariff.PricesParking()), zone, tariff.Context{})
	w.Excl, w.Incl, w.PricedAt = c.Excl.Micros, c.Incl.Micros, tx.Now
	return nil
}

// totalCost is what a 2.x station is told at the end: the price with taxes.
func (r *Session) totalCost() *unit.Decimal {
	if r.Tariff == "" {
		return nil
	}
	d := unit.DecimalOf(int64(r.Incl), -6)
	return &d
}
