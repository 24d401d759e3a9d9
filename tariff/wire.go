package tariff

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// number is an exact decimal that the document calls a number.
type number unit.Decimal

func (n number) MarshalJSON() ([]byte, error)    { return unit.Decimal(n).MarshalJSON() }
func (n *number) UnmarshalJSON(b []byte) error   { return (*unit.Decimal)(n).UnmarshalJSON(b) }
func (number) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeNumber} }

// tariffBody is an OCPI tariff with what we add beside it. What only we know
// (version, status, summary) is ignored on the way in, so that what was read
// can be sent back changed.
type tariffBody struct {
	ID            string            `json:"id,omitempty" maxLength:"36" doc:"Default: a new one"`
	CountryCode   string            `json:"country_code,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2; default: the organisation's"`
	PartyID       string            `json:"party_id,omitempty" maxLength:"3" doc:"Default: the operator's"`
	Currency      string            `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; default: the organisation's"`
	Type          string            `json:"type,omitempty" enum:"AD_HOC_PAYMENT,PROFILE_CHEAP,PROFILE_FAST,PROFILE_GREEN,REGULAR"`
	TariffAltText []displayTextBody `json:"tariff_alt_text,omitempty"`
	TariffAltURL  string            `json:"tariff_alt_url,omitempty" maxLength:"255"`
	MinPrice      *priceBody        `json:"min_price,omitempty" doc:"A session costs at least this"`
	MaxPrice      *priceBody        `json:"max_price,omitempty" doc:"A session costs at most this"`
	Elements      []elementBody     `json:"elements" minItems:"1" doc:"In order of precedence: for each dimension the first that applies"`
	TaxIncluded   string            `json:"tax_included,omitempty" enum:"YES,NO,N/A" doc:"OCPI 2.3.0; absent: prices are before VAT"`
	StartDateTime string            `json:"start_date_time,omitempty" doc:"In force from, UTC"`
	EndDateTime   string            `json:"end_date_time,omitempty" doc:"In force until, UTC"`
	EnergyMix     json.RawMessage   `json:"energy_mix,omitempty" doc:"OCPI EnergyMix, kept as it is"`
	LastUpdated   string            `json:"last_updated,omitempty" doc:"Set by the platform"`
	Forecourt     *Extension        `json:"forecourt,omitempty" doc:"What OCPI has no words for; partners get the nearest OCPI tariff"`

	ValidFrom *time.Time `json:"valid_from,omitempty" doc:"Since when this version holds; to write a version that holds later, when; default: now"`

	Organisation string `json:"organisation,omitempty" doc:"Default: your own; cannot change"`
	Version      int    `json:"version,omitempty" doc:"Counts from 1; ignored when writing"`
	Newest       int    `json:"newest_version,omitempty" doc:"Ignored when writing"`
	Status       Status `json:"status,omitempty" enum:"active,retired" doc:"Ignored when writing"`
	Summary      string `json:"summary,omitempty" doc:"The tariff in one sentence; ignored when writing"`
}

type displayTextBody struct {
	Language string `json:"language" maxLength:"2"`
	Text     string `json:"text" maxLength:"512"`
}

type priceBody struct {
	ExclVAT     *number `json:"excl_vat,omitempty"`
	InclVAT     *number `json:"incl_vat,omitempty"`
	BeforeTaxes *number `json:"before_taxes,omitempty" doc:"OCPI 2.3.0's name for excl_vat"`
	AfterTaxes  *number `json:"after_taxes,omitempty" doc:"OCPI 2.3.0's name for incl_vat"`
}

type elementBody struct {
	PriceComponents []componentBody   `json:"price_components" minItems:"1"`
	Restrictions    *restrictionsBody `json:"restrictions,omitempty" doc:"All that are given must hold"`
	Forecourt       *ElementExtension `json:"forecourt,omitempty" doc:"Restrictions that OCPI has no words for; all must hold"`
}

type componentBody struct {
	Type     string  `json:"type" enum:"ENERGY,FLAT,PARKING_TIME,TIME"`
	Price    number  `json:"price" doc:"Per kWh, per hour, or once"`
	VAT      *number `json:"vat,omitempty" doc:"Per cent; absent: none applies"`
	StepSize int64   `json:"step_size" doc:"Billed in steps of so many Wh or seconds"`
}

type restrictionsBody struct {
	StartTime   string   `json:"start_time,omitempty" doc:"Local time of day" example:"07:00"`
	EndTime     string   `json:"end_time,omitempty" doc:"Local time of day; before start_time: the next day" example:"22:00"`
	StartDate   string   `json:"start_date,omitempty" doc:"First local day" example:"2026-12-24"`
	EndDate     string   `json:"end_date,omitempty" doc:"First local day that no longer counts"`
	MinKWh      *number  `json:"min_kwh,omitempty"`
	MaxKWh      *number  `json:"max_kwh,omitempty"`
	MinCurrent  *number  `json:"min_current,omitempty" doc:"A, sum over the phases"`
	MaxCurrent  *number  `json:"max_current,omitempty" doc:"A, sum over the phases"`
	MinPower    *number  `json:"min_power,omitempty" doc:"kW"`
	MaxPower    *number  `json:"max_power,omitempty" doc:"kW"`
	MinDuration *int64   `json:"min_duration,omitempty" doc:"Seconds since the start"`
	MaxDuration *int64   `json:"max_duration,omitempty" doc:"Seconds since the start"`
	DayOfWeek   []string `json:"day_of_week,omitempty" enum:"MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY,SUNDAY"`
	Reservation string   `json:"reservation,omitempty" enum:"RESERVATION,RESERVATION_EXPIRES"`
}

// ocpi gives the tariff alone. Both are the same JSON, so nothing is lost.
func (b tariffBody) ocpi() (ocpi.Tariff, error) {
	b.Organisation, b.Version, b.Newest, b.Status, b.Summary = "", 0, 0, "", ""
	b.LastUpdated, b.ValidFrom = "", nil
	text, err := json.Marshal(b)
	if err != nil {
		return ocpi.Tariff{}, err
	}
	o, err := ocpi.Parse[ocpi.Tariff](text)
	return o, inBody(err)
}

func bodyOf(l Language, r Record, err error) (tariffBody, error) {
	if err != nil {
		return tariffBody{}, err
	}
	text, err := json.Marshal(r.Tariff.Source)
	if err != nil {
		return tariffBody{}, err
	}
	var b tariffBody
	if err := json.Unmarshal(text, &b); err != nil {
		return b, err
	}
	b.Organisation, b.Version, b.Newest, b.Status = string(r.Org), r.Number, r.Newest, r.Status
	b.Summary = r.Tariff.Sentence(l)
	if !r.From.IsZero() {
		b.ValidFrom = &r.From
	}
	return b, nil
}

// assignmentBody is an assignment; the most specific of organisation, site,
// station_id and evse_id that is given is what it is for.
type assignmentBody struct {
	ID           string     `json:"id"`
	Tariff       ID         `json:"tariff"`
	Level        string     `json:"level" enum:"organisation,site,station,evse"`
	Organisation string     `json:"organisation"`
	Site         string     `json:"site,omitempty"`
	StationID    string     `json:"station_id,omitempty"`
	EVSE         int        `json:"evse_id,omitempty"`
	ValidFrom    *time.Time `json:"valid_from,omitempty" doc:"Absent: since ever"`
	ValidTo      *time.Time `json:"valid_to,omitempty" doc:"Absent: until further notice"`
	CreatedAt    time.Time  `json:"created_at"`
}

func assignmentOf(a Assignment) assignmentBody {
	b := assignmentBody{ID: a.ID, Tariff: a.Tariff, Level: a.Place.Level().String(), Organisation: string(a.Place.Org), Site: a.Place.Site,
		StationID: a.Place.Station, EVSE: a.Place.EVSE, ValidTo: a.To, CreatedAt: a.CreatedAt}
	if !a.From.IsZero() {
		b.ValidFrom = &a.From
	}
	return b
}

type assignInput struct {
	Body struct {
		Tariff       string     `json:"tariff" minLength:"1" maxLength:"36" doc:"The tariff's id"`
		Organisation string     `json:"organisation,omitempty" doc:"For all its stations that have nothing more specific; default: your own"`
		Site         string     `json:"site,omitempty" doc:"For all stations of a site"`
		StationID    string     `json:"station_id,omitempty" doc:"For a station"`
		EVSE         int        `json:"evse_id,omitempty" minimum:"0" doc:"For one EVSE of station_id"`
		ValidFrom    *time.Time `json:"valid_from,omitempty" doc:"Default: since ever for the first tariff of a place, else from now on"`
		ValidTo      *time.Time `json:"valid_to,omitempty" doc:"Default: until further notice"`
	}
}

func (in *assignInput) assignment() Assignment {
	b := in.Body
	a := Assignment{To: b.ValidTo, Place: Place{Org: identity.OrgID(b.Organisation), Site: b.Site, Station: b.StationID, EVSE: b.EVSE}}
	if b.ValidFrom != nil {
		a.From = *b.ValidFrom
	}
	return a
}
