package ocpi

import (
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// CdrDimensionType names what a volume measures.
type CdrDimensionType string

const (
	CdrEnergy          CdrDimensionType = "ENERGY" // kWh
	CdrMaxCurrent      CdrDimensionType = "MAX_CURRENT"
	CdrMinCurrent      CdrDimensionType = "MIN_CURRENT"
	CdrMaxPower        CdrDimensionType = "MAX_POWER" // kW
	CdrMinPower        CdrDimensionType = "MIN_POWER"
	CdrParkingTime     CdrDimensionType = "PARKING_TIME" // hours
	CdrReservationTime CdrDimensionType = "RESERVATION_TIME"
	CdrTime            CdrDimensionType = "TIME"
)

// TokenType says what kind of token started a session.
type TokenType string

const (
	TokenAdHocUser TokenType = "AD_HOC_USER"
	TokenAppUser   TokenType = "APP_USER"
	TokenOther     TokenType = "OTHER"
	TokenRFID      TokenType = "RFID"
)

// AuthMethod says how the driver was let in; the last one counts.
type AuthMethod string

const (
	AuthRequest   AuthMethod = "AUTH_REQUEST"
	AuthCommand   AuthMethod = "COMMAND"
	AuthWhitelist AuthMethod = "WHITELIST"
)

// NotAvailable stands for a required text of a CDR that does not exist, such
// as the EVSE of a reservation that never became a session.
const NotAvailable = "#NA"

// CDR is the sealed account of one session. Amounts are in Currency, energy
// in kWh, times in hours.
type CDR struct {
	CountryCode              string           `json:"country_code,omitempty"`
	PartyID                  string           `json:"party_id,omitempty"`
	ID                       string           `json:"id,omitempty"`
	StartDateTime            DateTime         `json:"start_date_time,omitzero"`
	EndDateTime              *DateTime        `json:"end_date_time,omitempty"`
	SessionID                string           `json:"session_id,omitempty"`
	CdrToken                 *CdrToken        `json:"cdr_token,omitempty"`
	AuthMethod               AuthMethod       `json:"auth_method,omitempty"`
	AuthorizationReference   string           `json:"authorization_reference,omitempty"`
	CdrLocation              *CdrLocation     `json:"cdr_location,omitempty"`
	MeterID                  string           `json:"meter_id,omitempty"`
	Currency                 string           `json:"currency,omitempty"`
	Tariffs                  []Tariff         `json:"tariffs,omitempty"`
	ChargingPeriods          []ChargingPeriod `json:"charging_periods,omitempty"`
	SignedData               *SignedData      `json:"signed_data,omitempty"`
	TotalCost                *Price           `json:"total_cost,omitempty"`
	TotalFixedCost           *Price           `json:"total_fixed_cost,omitempty"`
	TotalEnergy              *unit.Decimal    `json:"total_energy,omitempty"`
	TotalEnergyCost          *Price           `json:"total_energy_cost,omitempty"`
	TotalTime                *unit.Decimal    `json:"total_time,omitempty"`
	TotalTimeCost            *Price           `json:"total_time_cost,omitempty"`
	TotalParkingTime         *unit.Decimal    `json:"total_parking_time,omitempty"`
	TotalParkingCost         *Price           `json:"total_parking_cost,omitempty"`
	TotalReservationCost     *Price           `json:"total_reservation_cost,omitempty"`
	Remark                   string           `json:"remark,omitempty"`
	InvoiceReferenceID       string           `json:"invoice_reference_id,omitempty"`
	Credit                   *bool            `json:"credit,omitempty"`
	CreditReferenceID        string           `json:"credit_reference_id,omitempty"`
	HomeChargingCompensation *bool            `json:"home_charging_compensation,omitempty"`
	LastUpdated              DateTime         `json:"last_updated,omitzero"`
	Extra                    Extra            `json:"-"`
}

// CdrToken identifies the token a session was started with.
type CdrToken struct {
	CountryCode string    `json:"country_code,omitempty"`
	PartyID     string    `json:"party_id,omitempty"`
	UID         string    `json:"uid"`
	Type        TokenType `json:"type"`
	ContractID  string    `json:"contract_id"`
	Extra       Extra     `json:"-"`
}

// CdrLocation is where the session took place: one EVSE, one connector.
type CdrLocation struct {
	ID                 string      `json:"id"`
	Name               string      `json:"name,omitempty"`
	Address            string      `json:"address"`
	City               string      `json:"city"`
	PostalCode         string      `json:"postal_code,omitempty"`
	State              string      `json:"state,omitempty"`
	Country            string      `json:"country"` // ISO 3166-1 alpha-3
	Coordinates        GeoLocation `json:"coordinates"`
	EvseUID            string      `json:"evse_uid"`
	EvseID             string      `json:"evse_id"`
	ConnectorID        string      `json:"connector_id"`
	ConnectorStandard  string      `json:"connector_standard"`
	ConnectorFormat    string      `json:"connector_format"`
	ConnectorPowerType string      `json:"connector_power_type"`
	Extra              Extra       `json:"-"`
}

// GeoLocation is WGS 84 in decimal degrees, as text so that no digit moves.
type GeoLocation struct {
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
	Extra     Extra  `json:"-"`
}

// ChargingPeriod lasts until the next one starts, or the session ends.
type ChargingPeriod struct {
	StartDateTime DateTime       `json:"start_date_time"`
	Dimensions    []CdrDimension `json:"dimensions"`
	TariffID      string         `json:"tariff_id,omitempty"`
	Extra         Extra          `json:"-"`
}

// CdrDimension is one volume within a period.
type CdrDimension struct {
	Type   CdrDimensionType `json:"type"`
	Volume unit.Decimal     `json:"volume"`
	Extra  Extra            `json:"-"`
}

// SignedData is a meter's own proof of a session.
type SignedData struct {
	EncodingMethod        string        `json:"encoding_method"`
	EncodingMethodVersion *int64        `json:"encoding_method_version,omitempty"`
	PublicKey             string        `json:"public_key,omitempty"`
	SignedValues          []SignedValue `json:"signed_values"`
	URL                   string        `json:"url,omitempty"`
	Extra                 Extra         `json:"-"`
}

// SignedValue is one signed reading, plain and encoded.
type SignedValue struct {
	Nature     string `json:"nature"`
	PlainData  string `json:"plain_data"`
	SignedData string `json:"signed_data"`
	Extra      Extra  `json:"-"`
}

func (c CDR) MarshalJSON() ([]byte, error) {
	type wire CDR
	return encode(wire(c), c.Extra)
}

func (c *CDR) UnmarshalJSON(b []byte) error {
	type wire CDR
	return decode(b, (*wire)(c), &c.Extra)
}

func (c CdrToken) MarshalJSON() ([]byte, error) {
	type wire CdrToken
	return encode(wire(c), c.Extra)
}

func (c *CdrToken) UnmarshalJSON(b []byte) error {
	type wire CdrToken
	return decode(b, (*wire)(c), &c.Extra)
}

func (c CdrLocation) MarshalJSON() ([]byte, error) {
	type wire CdrLocation
	return encode(wire(c), c.Extra)
}

func (c *CdrLocation) UnmarshalJSON(b []byte) error {
	type wire CdrLocation
	return decode(b, (*wire)(c), &c.Extra)
}

func (g GeoLocation) MarshalJSON() ([]byte, error) {
	type wire GeoLocation
	return encode(wire(g), g.Extra)
}

func (g *GeoLocation) UnmarshalJSON(b []byte) error {
	type wire GeoLocation
	return decode(b, (*wire)(g), &g.Extra)
}

func (p ChargingPeriod) MarshalJSON() ([]byte, error) {
	type wire ChargingPeriod
	return encode(wire(p), p.Extra)
}

func (p *ChargingPeriod) UnmarshalJSON(b []byte) error {
	type wire ChargingPeriod
	return decode(b, (*wire)(p), &p.Extra)
}

func (d CdrDimension) MarshalJSON() ([]byte, error) {
	type wire CdrDimension
	return encode(wire(d), d.Extra)
}

func (d *CdrDimension) UnmarshalJSON(b []byte) error {
	type wire CdrDimension
	return decode(b, (*wire)(d), &d.Extra)
}

func (s SignedData) MarshalJSON() ([]byte, error) {
	type wire SignedData
	return encode(wire(s), s.Extra)
}

func (s *SignedData) UnmarshalJSON(b []byte) error {
	type wire SignedData
	return decode(b, (*wire)(s), &s.Extra)
}

func (s SignedValue) MarshalJSON() ([]byte, error) {
	type wire SignedValue
	return encode(wire(s), s.Extra)
}

func (s *SignedValue) UnmarshalJSON(b []byte) error {
	type wire SignedValue
	return decode(b, (*wire)(s), &s.Extra)
}
