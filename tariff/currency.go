package tariff

import (
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/location"
)

// sameCurrency refuses a tariff at a site that sells in another currency.
func (s *Service) sameCurrency(tx *db.Tx, p Place, t *Tariff) error {
	if p.Site == "" || s.d.Locations == nil {
		return nil
	}
	site, err := s.d.Locations.Get(tx, location.ID(p.Site))
	if err != nil || site.Currency == "" || site.Currency == t.Currency {
		return err
	}
	return fault.New(fault.Invalid, "tariff.currency", "The site sells in %s and the tariff is in %s.", site.Currency, t.Currency).
		With("body.tariff", "must be a tariff in "+string(site.Currency), string(t.ID))
}
