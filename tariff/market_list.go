package tariff

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type (
	priceListInput struct {
		ID       string `path:"id"`
		Language string `query:"language" enum:"en,fr,de" default:"en"`
		Hours    int    `query:"hours" default:"24" minimum:"1" maximum:"48" doc:"How far ahead prices that follow a series are listed"`
	}
	priceListOutput struct{ Body PriceList }
	// PriceList is all prices of a site, as they are published.
	PriceList struct {
		Site     string         `json:"site"`
		Name     string         `json:"name"`
		At       time.Time      `json:"at"`
		TimeZone string         `json:"time_zone"`
		Currency string         `json:"currency"`
		Profiles []string       `json:"market_profiles" nullable:"false"`
		Display  []string       `json:"display" nullable:"false" doc:"What the market's rules want shown, in this order"`
		Tariffs  []ListedTariff `json:"tariffs" nullable:"false"`
		EVSEs    []ListedEVSE   `json:"evses" nullable:"false"`
	}
	// ListedTariff is a tariff that some EVSE of the site has.
	ListedTariff struct {
		ID      ID              `json:"id"`
		Version int             `json:"version"`
		Summary string          `json:"summary" doc:"The price in one sentence"`
		Tariff  tariffBody      `json:"tariff" doc:"As it is priced now"`
		Series  string          `json:"price_series,omitempty" doc:"Its price per kWh follows this series"`
		Ahead   []UpcomingPrice `json:"next_hours,omitempty"`
	}
	// ListedEVSE is an EVSE and what each audience pays there.
	ListedEVSE struct {
		Station string        `json:"station_id"`
		EVSE    int           `json:"evse_id"`
		PowerW  int64         `json:"max_power_w,omitempty"`
		Prices  []ListedPrice `json:"prices" nullable:"false" doc:"In order of precedence"`
	}
	// ListedPrice is what one audience pays.
	ListedPrice struct {
		Audience Audience `json:"audience"`
		Ref      string   `json:"ref,omitempty"`
		Tariff   ID       `json:"tariff"`
		Version  int      `json:"version"`
	}
)

func (s *Service) listRoute(a *web.API, op makeOp) {
	o := op(http.MethodGet, "/sites/{id}/price-list", identity.TariffRead, "All prices of a site, for publication")
	o.Description = "What every audience pays at every EVSE now, with the next hours of prices that follow a series. Prices promised to single tokens are not published."
	web.Handle(a, o, func(ctx context.Context, in *priceListInput) (*priceListOutput, error) {
		l, err := s.PriceList(ctx, in.ID, Language(in.Language), in.Hours)
		return &priceListOutput{l}, err
	})
}

// PriceList gives all prices of a site the caller may see.
func (s *Service) PriceList(ctx context.Context, site string, language Language, hours int) (l PriceList, err error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return l, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		where, err := s.siteFor(tx, c, site)
		if err != nil {
			return err
		}
		m, hold, err := s.siteMarket(tx, where)
		if err != nil {
			return err
		}
		l = PriceList{Site: site, Name: where.Name, At: tx.Now, TimeZone: where.TimeZone, Currency: string(where.Currency), Profiles: m.Profiles, Display: []string{}, Tariffs: []ListedTariff{}, EVSEs: []ListedEVSE{}}
		for _, p := range hold {
			for _, r := range p.Rules {
				if m.Public || !r.Public {
					l.Display = append(l.Display, r.Display...)
				}
			}
		}
		seen := map[VersionID]bool{}
		return s.offersAt(tx, where, func(st station.Station, port station.EVSE, o offer) error {
			n := len(l.EVSEs) - 1
			if n < 0 || l.EVSEs[n].Station != string(st.ID) || l.EVSEs[n].EVSE != port.EVSE {
				l.EVSEs = append(l.EVSEs, ListedEVSE{string(st.ID), port.EVSE, port.MaxPower, []ListedPrice{}})
				n++
			}
			l.EVSEs[n].Prices = append(l.EVSEs[n].Prices, ListedPrice{o.Audience, o.Ref, o.Tariff, o.version.Number})
			if seen[o.version.ID] {
				return nil
			}
			seen[o.version.ID] = true
			t, err := s.listedTariff(tx, o, language, hours)
			l.Tariffs = append(l.Tariffs, t)
			return err
		})
	})
	return l, err
}

func (s *Service) listedTariff(tx *db.Tx, o offer, language Language, hours int) (ListedTariff, error) {
	t := ListedTariff{ID: o.Tariff, Version: o.version.Number, Summary: o.version.Tariff.Sentence(language)}
	var err error
	if t.Tariff, err = bodyOf(language, Record{Version: *o.version, Status: Active, Newest: o.version.Number}, nil); err != nil || o.dynamic == nil {
		return t, err
	}
	t.Series = o.dynamic.Series
	base, err := s.Version(tx, o.Candidate.Version)
	if err != nil {
		return t, err
	}
	t.Ahead, _, err = s.Upcoming(tx, *base, tx.Now, hours)
	return t, err
}
