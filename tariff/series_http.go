package tariff

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type seriesBody struct {
	ID           string         `json:"id,omitempty" doc:"Ignored when writing"`
	Organisation string         `json:"organisation,omitempty" doc:"Default: your own"`
	Name         string         `json:"name" minLength:"1" maxLength:"100" example:"Day-ahead FR"`
	Currency     money.Currency `json:"currency" minLength:"3" maxLength:"3"`
	Minutes      int            `json:"interval_minutes" enum:"15,30,60"`
	Source       string         `json:"source,omitempty" maxLength:"200" doc:"Where the prices are from"`
	LastAt       *time.Time     `json:"last_at,omitempty" doc:"End of the newest interval; ignored when writing"`
	FedAt        *time.Time     `json:"fed_at,omitempty" doc:"Ignored when writing"`
	LateAt       *time.Time     `json:"late_since,omitempty" doc:"No price is there for now: tariffs fall back to their own; ignored when writing"`
}

func seriesBodyOf(s Series) seriesBody {
	return seriesBody{s.ID, string(s.Org), s.Name, s.Currency, s.Minutes, s.Source, s.LastAt, s.FedAt, s.LateAt}
}

type (
	seriesInput  struct{ Body seriesBody }
	seriesOutput struct{ Body seriesBody }
	pointBody    struct {
		Start time.Time `json:"start"`
		Price number    `json:"price"`
	}
	feedInput struct {
		ID   string `path:"id"`
		Body struct {
			Per    PriceUnit   `json:"per,omitempty" enum:"kWh,MWh" doc:"What the prices are for; default: kWh"`
			Prices []pointBody `json:"prices" nullable:"false" minItems:"1" maxItems:"50000"`
		}
	}
	pointsInput struct {
		ID   string    `path:"id"`
		From time.Time `query:"from" doc:"Default: now"`
		To   time.Time `query:"to" doc:"Default: 48 hours after from; at most 31 days"`
	}
	pointsOutput struct {
		Body struct {
			Series   seriesBody  `json:"series"`
			Per      PriceUnit   `json:"per"`
			Currency string      `json:"currency"`
			Items    []pointBody `json:"items" nullable:"false"`
		}
	}
	FormulaBody struct {
		Series  string  `json:"series" minLength:"1" doc:"Id of a price series in the tariff's currency"`
		Factor  *number `json:"factor,omitempty" doc:"Default: 1"`
		Fee     *number `json:"fee,omitempty" doc:"Per kWh, added after the factor"`
		Floor   *number `json:"floor,omitempty" doc:"The price per kWh is at least this"`
		Ceiling *number `json:"ceiling,omitempty" doc:"The price per kWh is at most this"`
		Lock    string  `json:"lock" enum:"session,interval" doc:"session: the price of the start holds for the whole session; interval: it follows the series. Where the market's rules lock prices at the start, both are session"`
		Hold    int     `json:"hold_minutes,omitempty" minimum:"0" maximum:"1440" doc:"For how long the last price of a late series still counts; then the tariff's own"`
	}
	followInput struct {
		ID   string `path:"id" maxLength:"36"`
		Body FormulaBody
	}
	followOutput struct {
		Body struct {
			Tariff ID        `json:"tariff"`
			Since  time.Time `json:"since"`
			FormulaBody
		}
	}
	upcomingInput struct {
		ID    string `path:"id" maxLength:"36"`
		Hours int    `query:"hours" default:"24" minimum:"1" maximum:"48"`
	}
	upcomingOutput struct {
		Body struct {
			Tariff   ID              `json:"tariff"`
			Version  int             `json:"version"`
			Currency money.Currency  `json:"currency"`
			Dynamic  bool            `json:"dynamic" doc:"The tariff follows a price series"`
			Series   string          `json:"series,omitempty"`
			Tax      string          `json:"tax_included,omitempty" doc:"As in OCPI; absent: prices are before VAT"`
			Summary  string          `json:"summary"`
			Items    []UpcomingPrice `json:"items" nullable:"false"`
		}
	}
)

func (b FormulaBody) formula() Formula {
	f := Formula{Factor: unit.DecimalOf(1, 0), Lock: b.Lock == "session", Hold: b.Hold}
	if b.Factor != nil {
		f.Factor = unit.Decimal(*b.Factor)
	}
	if b.Fee != nil {
		f.Fee = unit.Decimal(*b.Fee)
	}
	f.Floor, f.Ceiling = (*unit.Decimal)(b.Floor), (*unit.Decimal)(b.Ceiling)
	return f
}

func formulaBodyOf(series string, f Formula) FormulaBody {
	factor, fee := number(f.Factor), number(f.Fee)
	b := FormulaBody{Series: series, Factor: &factor, Fee: &fee, Floor: (*number)(f.Floor), Ceiling: (*number)(f.Ceiling), Lock: "interval", Hold: f.Hold}
	if f.Lock {
		b.Lock = "session"
	}
	return b
}

func (s *Service) seriesRoutes(a *web.API, op makeOp) {
	list := op(http.MethodGet, "/price-series", identity.TariffRead, "List series of electricity prices")
	list.List = &seriesSpec
	web.Handle(a, list, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[seriesBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.SeriesList(ctx, req)
		return listed(all, next, err, seriesBodyOf)
	})
	web.Handle(a, op(http.MethodPost, "/price-series", identity.TariffWrite, "Make a series of electricity prices"), func(ctx context.Context, in *seriesInput) (*seriesOutput, error) {
		b := in.Body
		v, err := s.CreateSeries(ctx, Series{Org: identity.OrgID(b.Organisation), Name: b.Name, Currency: b.Currency, Minutes: b.Minutes, Source: b.Source})
		return &seriesOutput{seriesBodyOf(v)}, err
	})
	feed := op(http.MethodPut, "/price-series/{id}/prices", identity.TariffWrite, "Write prices of intervals")
	feed.MaxBody = 8 << 20
	web.Handle(a, feed, func(ctx context.Context, in *feedInput) (*seriesOutput, error) {
		points := make([]PricePoint, len(in.Body.Prices))
		for i, p := range in.Body.Prices {
			micros, ok := in.Body.Per.micros(unit.Decimal(p.Price))
			if !ok {
				return nil, fault.New(fault.Invalid, "tariff.points", "A price is too large.").With(fmt.Sprintf("body.prices[%d].price", i), "is out of range", p.Price)
			}
			points[i] = PricePoint{Start: p.Start, Price: micros}
		}
		v, err := s.Feed(ctx, in.ID, points)
		return &seriesOutput{seriesBodyOf(v)}, err
	})
	web.Handle(a, op(http.MethodGet, "/price-series/{id}/prices", identity.TariffRead, "Read the prices of a series"), func(ctx context.Context, in *pointsInput) (*pointsOutput, error) {
		v, points, err := s.SeriesPoints(ctx, in.ID, in.From, in.To)
		var out pointsOutput
		out.Body.Series, out.Body.Per, out.Body.Currency, out.Body.Items = seriesBodyOf(v), PerKWh, string(v.Currency), []pointBody{}
		for _, p := range points {
			out.Body.Items = append(out.Body.Items, pointBody{p.Start, number(unit.DecimalOf(int64(p.Price), -6))})
		}
		return &out, err
	})
	s.seriesFile(a, op)
	s.followRoutes(a, op)
}

// seriesFile takes prices as a file.
func (s *Service) seriesFile(a *web.API, op makeOp) {
	route := op(http.MethodPost, "/price-series/{id}/import", identity.TariffWrite, "Import prices from CSV or XLSX")
	route.Description = "The body is a CSV or XLSX file. Its first row names the columns: " + strings.Join(sheet.Names(SeriesColumns), ", ") +
		". ?per=MWh when the prices are per MWh, as exchanges publish them. Either all rows are stored or none."
	route.MaxBody, route.Produces, route.Status = seriesLimits.Bytes+1, "application/json", http.StatusOK
	a.Raw(route, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		per := PriceUnit(r.URL.Query().Get("per"))
		if per != "" && per != PerKWh && per != PerMWh {
			a.Fail(w, r, fault.New(fault.Invalid, "tariff.per", "Prices are per kWh or per MWh.").With("query.per", "must be kWh or MWh", per))
			return
		}
		v, err := s.FeedFile(r.Context(), r.PathValue("id"), r.Body, per)
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// The client is gone when this fails; there is nobody to tell.
		_ = json.NewEncoder(w).Encode(seriesBodyOf(v))
	}))
}

func (s *Service) followRoutes(a *web.API, op makeOp) {
	follow := op(http.MethodPut, "/tariffs/{id}/dynamic", identity.TariffWrite, "Let a tariff's price per kWh follow a price series")
	follow.Description = "price = factor × series + fee, within floor and ceiling. The tariff's own price per kWh holds while the series has none. What a session got at its start is kept for ever."
	web.Handle(a, follow, func(ctx context.Context, in *followInput) (*followOutput, error) {
		d, err := s.Follow(ctx, ID(in.ID), in.Body.Series, in.Body.formula())
		return followAnswer(ID(in.ID), d), err
	})
	web.Handle(a, op(http.MethodGet, "/tariffs/{id}/dynamic", identity.TariffRead, "Read which price series a tariff follows"), func(ctx context.Context, in *idInput) (*followOutput, error) {
		c, err := identity.Require(ctx, identity.TariffRead)
		if err != nil {
			return nil, err
		}
		var d Dynamic
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			r, err := one(tx, c, ID(in.ID), 0)
			if err != nil {
				return err
			}
			var ok bool
			if d, ok, err = dynamicAt(tx, r.uid, tx.Now); err == nil && !ok {
				err = fault.New(fault.NotFound, "tariff.not_dynamic", "the tariff %q follows no price series", in.ID)
			}
			return err
		})
		return followAnswer(ID(in.ID), d), err
	})
	web.Handle(a, op(http.MethodDelete, "/tariffs/{id}/dynamic", identity.TariffWrite, "Let a tariff follow its price series no more"), func(ctx context.Context, in *idInput) (*struct{}, error) {
		_, err := s.Follow(ctx, ID(in.ID), "", Formula{})
		return nil, err
	})
	web.Handle(a, op(http.MethodGet, "/tariffs/{id}/prices", identity.TariffRead, "The price per kWh of the next hours"), s.upcoming)
}

func followAnswer(t ID, d Dynamic) *followOutput {
	var out followOutput
	out.Body.Tariff, out.Body.Since, out.Body.FormulaBody = t, d.CreatedAt, formulaBodyOf(d.Series, d.Formula)
	return &out
}

func (s *Service) upcoming(ctx context.Context, in *upcomingInput) (*upcomingOutput, error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	var out upcomingOutput
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		r, err := one(tx, c, ID(in.ID), 0)
		if err != nil {
			return err
		}
		b := &out.Body
		b.Tariff, b.Version, b.Currency, b.Tax, b.Summary = r.Tariff.ID, r.Number, r.Tariff.Currency, string(r.Tariff.Tax), r.Tariff.Sentence(English)
		items, series, err := s.Upcoming(tx, r.Version, tx.Now, in.Hours)
		if series != nil {
			b.Dynamic, b.Series = true, series.ID
		} else {
			end := tx.Now.Add(time.Duration(in.Hours) * time.Hour)
			items = []UpcomingPrice{{Start: tx.Now, End: end, Price: number(ownPrice(r.Tariff))}}
		}
		b.Items = items
		return err
	})
	return &out, err
}
