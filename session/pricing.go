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
	if err != nil {
		return err
	}
	if v == nil { // free of charge, which is a price too
		if s.d.Currency != nil && w.Currency == "" {
			w.Currency, err = s.d.Currency(tx, w.Org, w.Site)
		}
		return err
	}
	w.Tariff, w.TariffID, w.TariffNo, w.Currency = string(v.ID), string(v.Tariff.ID), v.Number, v.Tariff.Currency
	return s.quote(tx, w, v)
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
	around, err := s.circumstances(tx, w.Session, until, v.Tariff.PricesParking())
	if err != nil {
		return err
	}
	used := Usage(w.State, all, until, around)
	if err := s.pricedFacts(tx, w.Session, &v.Tariff, &used); err != nil {
		return err
	}
	_, _, err = s.price(tx, w.Session, v, used)
	w.PricedAt = tx.Now
	return err
}

// price computes what a usage of the session costs, keeps it, and gives it
// with the inputs of its formula.
func (s *Service) price(tx *db.Tx, r *Session, v *tariff.Version, u tariff.Usage) (tariff.Cost, tariff.Context, error) {
	zone, err := s.zone(tx, r)
	if err != nil {
		return tariff.Cost{}, tariff.Context{}, err
	}
	inputs, err := s.formula(tx, r, v)
	if err != nil {
		return tariff.Cost{}, inputs, err
	}
	c := tariff.Price(v.Tariff, u, zone, inputs)
	r.Excl, r.Incl = c.Excl.Micros, c.Incl.Micros
	return c, inputs, nil
}

// circumstances gathers what a session's bill depends on besides its events.
func (s *Service) circumstances(tx *db.Tx, r *Session, until time.Time, parking bool) (Circumstances, error) {
	c := Circumstances{Parking: parking, Allotted: r.LimitAt}
	if !parking || s.d.Offline == nil || r.State.EVSE == 0 {
		return c, nil
	}
	if r.State.UnpluggedAt.After(until) {
		until = r.State.UnpluggedAt
	}
	var err error
	c.Offline, err = s.d.Offline(tx, r.Station, r.State.EVSE, r.State.StartedAt, until)
	return c, err
}

// totalCost is what a 2.x station is told at the end: the price with taxes.
func (r *Session) totalCost() *unit.Decimal {
	if r.Tariff == "" {
		return nil
	}
	d := unit.DecimalOf(int64(r.Incl), -6)
	return &d
}
