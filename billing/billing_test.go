package billing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/billing"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/schema/schematest"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
	"github.com/forecourt-ev/forecourt/tariff"
)

// house is an operator with a site in Paris, a station on it and one without
// a site, and the rooms that billing asks.
type house struct {
	t            *testing.T
	d            *db.DB
	log          *event.Log
	people       *identity.Service
	tariffs      *tariff.Service
	anyone       *webtest.Client
	north, south identity.OrgID
	site         string
}

var start = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC) // 16:00 in Paris

func open(t *testing.T, d *db.DB) *house {
	t.Helper()
	h := &house{t: t, d: d, people: identity.New(identity.Deps{DB: d}), log: event.New(d, nil, "one", nil)}
	first, _, err := h.people.Bootstrap(context.Background())
	h.must(err)
	for name, org := range map[string]*identity.OrgID{"North": &h.north, "South": &h.south} {
		o, err := h.people.CreateOrganisation(h.system(), identity.Organisation{Name: name, Parent: first.Organisation, Country: "FR", Currency: "EUR", TimeZone: "Europe/Paris", Language: "fr"})
		h.must(err)
		*org = o.ID
	}
	locations, err := location.New(location.Deps{DB: d})
	h.must(err)
	stations, err := station.New(station.Deps{DB: d, Locations: locations, Secret: []byte("0123456789abcdef")})
	h.must(err)
	site, err := locations.Create(h.system(), location.Site{Org: string(h.north), Name: "Quai", Latitude: "48.85", Longitude: "2.29448",
		Address: location.Address{Street: "1 quai de Seine", City: "Paris", PostalCode: "75007", Country: "FR"}})
	h.must(err)
	h.site = string(site.ID)
	_, _, err = stations.Create(h.system(), station.Draft{ID: "N-1", Site: h.site, Profile: 1})
	h.must(err)
	_, _, err = stations.Create(h.system(), station.Draft{ID: "N-2", Org: string(h.north), Profile: 1})
	h.must(err)
	h.must(d.Update(h.system(), func(tx *db.Tx) error {
		return stations.Describe(tx, "N-1", []station.PortSpec{{EVSE: 2, Connectors: []station.ConnectorSpec{{ID: 1, Type: "cCCS2"}}}})
	}))
	h.tariffs = tariff.New(tariff.Deps{DB: d, Locations: locations, Stations: stations})
	bills := billing.New(billing.Deps{DB: d, Locations: locations, Stations: stations, Tariffs: h.tariffs})
	h.log.Consume(bills.Consumers()...)
	api := web.New(web.Config{DB: d, Guard: h.people.Guard})
	bills.Routes(api)
	h.anyone = webtest.New(t, api.Handler())
	return h
}

func (h *house) system() context.Context { return identity.System(context.Background(), "") }

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) as(org identity.OrgID) *webtest.Client {
	h.t.Helper()
	_, key, err := h.people.CreateKey(h.system(), identity.APIKey{Name: "test", Role: identity.Owner, Org: org})
	h.must(err)
	return h.anyone.Bearer(key).Counting(webtest.Facts(h.t, h.d))
}

// tariff stores one and gives its version.
func (h *house) tariff(text string) tariff.VersionID {
	h.t.Helper()
	o, err := ocpi.Parse[ocpi.Tariff]([]byte(text))
	h.must(err)
	r, err := h.tariffs.Create(h.system(), h.north, o)
	h.must(err)
	return r.ID
}

// ended tells of a settled session and lets billing work.
func (h *house) ended(f session.Finished) {
	h.t.Helper()
	h.must(h.d.Update(h.system(), func(tx *db.Tx) error {
		return event.Record(tx, event.Fact{Org: f.Org, Site: f.Site, Station: f.Station, Subject: string(f.ID), Kind: session.KindEnded}, f)
	}))
	h.must(h.log.CatchUp(context.Background()))
}

func (h *house) finished(id string, version tariff.VersionID) session.Finished {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	f := session.Finished{Org: string(h.north), Revision: 1, Tariff: version, Usage: tariff.Usage{Start: start, End: at(130), Periods: []tariff.Period{
		{Start: at(0), End: at(60), Energy: 4_300_000, Kind: tariff.Charging, MaxPower: 7_400},
		{Start: at(60), End: at(90), Energy: 1_100_000, Kind: tariff.Charging, MaxPower: 3_700},
		{Start: at(90), End: at(130), Kind: tariff.Parking}}}}
	f.Told = session.Told{ID: session.ID(id), Station: "N-1", EVSE: 2, Connector: 1, Site: h.site, Token: "04A2B3C4", TokenType: "ISO14443",
		Status: session.Completed, Energy: 5_400_000}
	return f
}

const evening = `{"id":"evening","elements":[
	{"price_components":[{"type":"ENERGY","price":0.20,"vat":20,"step_size":500}],"restrictions":{"end_time":"17:00"}},
	{"price_components":[{"type":"ENERGY","price":0.27,"vat":20,"step_size":500}]},
	{"price_components":[{"type":"PARKING_TIME","price":6.00,"vat":20,"step_size":900}]},
	{"price_components":[{"type":"FLAT","price":0.50,"vat":20,"step_size":1}]}]}`

// TestCDR follows one session from its fact to REST and to the cent: 4.3 kWh
// before 17:00, 1.1 after it billed as 1.2, 40 minutes parked billed as 45.
func TestCDR(t *testing.T) {
	t.Parallel()
	schematest.EachAt(t, start.Add(3*time.Hour), func(t *testing.T, d *db.DB, _ *schematest.Clock) {
		h := open(t, d)
		h.ended(h.finished("s-1", h.tariff(evening)))
		owner := h.as(h.north)
		var cdr string
		owner.Run(
			webtest.Scenario{Name: "list", Method: "GET", Path: "/cdrs?session_id=s-1&energy_wh[gte]=5400", Status: 200, Contains: []string{
				`"number":1`, `"kind":"cdr"`, `"energy_wh":5400`, `"cost":{"currency":"EUR","excl_vat":"6.18","incl_vat":"7.42"}`, `"tariff":"evening"`,
				`"issued_at":"2026-03-10T18:00:00Z"`, `"started_at":"2026-03-10T15:00:00Z"`, `"ended_at":"2026-03-10T17:10:00Z"`},
				Check: func(_ testing.TB, a webtest.Answer) {
					var list struct{ Items []struct{ ID string } }
					h.must(json.Unmarshal([]byte(a.Body), &list))
					cdr = list.Items[0].ID
				}},
			webtest.Scenario{Name: "as CSV", Method: "GET", Path: "/cdrs?format=csv", Status: 200, Contains: []string{"id,number,kind", "cost.currency,cost.excl_vat,cost.incl_vat", "s-1"}},
			webtest.Scenario{Name: "as JSON of nobody's business", Method: "GET", Path: "/cdrs?session_id=none", Status: 200, Contains: []string{`"items":[]`}},
		)
		a := owner.Must(200, "GET", "/cdrs/"+cdr, "")
		for _, want := range []string{"a total of 5.4 kWh is rounded up to 5.5 kWh (steps of 0.5 kWh); the difference is billed here", "until 17:00", `"billed_quantity":"45"`} {
			if !strings.Contains(a.Body, want) {
				t.Errorf("no %q in %s", want, a.Body)
			}
		}
		var got struct{ OCPI json.RawMessage }
		h.must(json.Unmarshal([]byte(a.Body), &got))
		checkOCPI(t, got.OCPI, cdr, h.site)
		h.as(h.south).Run(
			webtest.Scenario{Name: "foreign", Method: "GET", Path: "/cdrs/" + cdr, Status: 404, Code: "cdr.unknown"},
			webtest.Scenario{Name: "foreign list", Method: "GET", Path: "/cdrs", Status: 200, Contains: []string{`"items":[]`}})
	})
}

func checkOCPI(t *testing.T, text []byte, id, site string) {
	t.Helper()
	c, err := ocpi.Parse[ocpi.CDR](text)
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != id || c.CountryCode != "FR" || c.PartyID != "FCT" || c.SessionID != "s-1" || c.AuthMethod != ocpi.AuthWhitelist || len(c.Tariffs) != 1 {
		t.Errorf("%s", text)
	}
	if k := c.CdrToken; k.CountryCode != "FR" || k.UID != "04A2B3C4" || k.Type != ocpi.TokenRFID || k.ContractID != "04A2B3C4" {
		t.Errorf("token %+v", k)
	}
	checkAgain(t, c)
	l := c.CdrLocation
	where := strings.Join([]string{l.ID, l.Name, l.Address, l.City, l.PostalCode, l.Country, l.Coordinates.Latitude, l.Coordinates.Longitude, l.EvseUID, l.EvseID,
		l.ConnectorID, l.ConnectorStandard, l.ConnectorFormat, l.ConnectorPowerType}, "|")
	if where != site+"|Quai|1 quai de Seine|Paris|75007|FRA|48.85000|2.29448|N-1*2|FR*FCT*EN*1*2|1|IEC_62196_T2_COMBO|CABLE|DC" {
		t.Errorf("location %s", where)
	}
	var periods []string
	for _, p := range c.ChargingPeriods {
		s := p.StartDateTime.Format("15:04")
		for _, d := range p.Dimensions {
			s += fmt.Sprintf(" %s=%s", d.Type, d.Volume)
		}
		periods = append(periods, s)
	}
	if got := strings.Join(periods, ", "); got != "15:00 ENERGY=4.3 TIME=1 MAX_POWER=7.4, 16:00 ENERGY=1.1 TIME=0.5 MAX_POWER=3.7, 16:30 PARKING_TIME=0.6667" {
		t.Errorf("periods %s", got)
	}
	figures := map[string]*ocpi.Price{"6.18 7.42": c.TotalCost, "0.5 0.6": c.TotalFixedCost, "1.184 1.4208": c.TotalEnergyCost, "4.5 5.4": c.TotalParkingCost}
	for want, p := range figures {
		if p == nil || p.ExclVAT.String()+" "+p.InclVAT.String() != want {
			t.Errorf("price %+v, want %s", p, want)
		}
	}
	if c.TotalTimeCost != nil || c.TotalReservationCost != nil || c.TotalEnergy.String() != "5.4" || c.TotalTime.String() != "2.1667" || c.TotalParkingTime.String() != "0.6667" {
		t.Errorf("totals in %s", text)
	}
}

// checkAgain prices the record from what it says itself, as a partner would.
func checkAgain(t *testing.T, c ocpi.CDR) {
	t.Helper()
	x, err := tariff.FromOCPI(c.Tariffs[0])
	if err != nil {
		t.Fatal(err)
	}
	u, err := tariff.UsageOf(c)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if again := tariff.Price(x, u, zone, tariff.Context{}); again.Excl.String() != "6.18 EUR" || again.Incl.String() != "7.42 EUR" {
		t.Errorf("priced again it costs %s, %s", again.Excl, again.Incl)
	}
}

// TestWithoutTariff: price zero, and it says so; a station without a site is
// billed too.
func TestWithoutTariff(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		f := h.finished("s-2", "")
		f.Station, f.Site, f.Token = "N-2", "", ""
		h.ended(f)
		h.as(h.north).Run(webtest.Scenario{Name: "zero", Method: "GET", Path: "/cdrs", Status: 200, Contains: []string{
			`"cost":{"currency":"EUR","excl_vat":"0.00","incl_vat":"0.00"}`, "No tariff applied at the start of this session, so its price is zero.",
			`"city":"#NA"`, `"uid":"#NA"`, `"country":"FRA"`, `"energy_wh":5400`}, Lacks: []string{`"tariff":`, `"tariffs":`}})
	})
}

// TestLateEvents: what was issued is never changed. A repetition changes
// nothing, neither does a new revision with the same result; a different
// result credits the old CDR and issues another. Numbers have no gaps.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	schematest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		owner := h.as(h.north)
		cdrs := func() string {
			t.Helper()
			var list struct {
				Items []struct {
					Number        int64
					ID, Kind      string
					Credits, Note string
					EnergyWh      int64 `json:"energy_wh"`
					Cost          struct {
						Incl string `json:"incl_vat"`
					}
					OCPI ocpi.CDR
				}
			}
			h.must(json.Unmarshal([]byte(owner.Must(200, "GET", "/cdrs?sort=number&station_id=N-1", "").Body), &list))
			var out []string
			for _, i := range list.Items {
				out = append(out, fmt.Sprintf("%d %s %s %d", i.Number, i.Kind, i.Cost.Incl, i.EnergyWh))
				if i.Kind == "credit" && (i.ID != i.Credits+"-C" || i.OCPI.ID != i.ID || i.OCPI.CreditReferenceID != i.Credits || !*i.OCPI.Credit || i.OCPI.TotalCost.InclVAT.String() != i.Cost.Incl) {
					t.Errorf("credit %+v", i)
				}
			}
			return strings.Join(out, ", ")
		}
		f := h.finished("s-3", h.tariff(evening))
		h.ended(f)
		h.ended(f)
		f.Revision = 2
		h.ended(f)
		if got := cdrs(); got != "1 cdr 7.42 5400" {
			t.Fatalf("after repetitions: %s", got)
		}
		f.Revision, f.Usage.Periods = 3, append([]tariff.Period{}, f.Usage.Periods...)
		f.Usage.Periods[1].Energy += 2 * unit.KiloWattHour
		f.Energy += 2 * unit.KiloWattHour
		h.ended(f)
		if got := cdrs(); got != "1 cdr 7.42 5400, 2 credit -7.42 -5400, 3 cdr 8.07 7400" {
			t.Fatalf("after a late reading: %s", got)
		}
		f.Revision = 2
		h.ended(f)
		other := h.finished("s-4", "")
		h.ended(other)
		if got := cdrs(); got != "1 cdr 7.42 5400, 2 credit -7.42 -5400, 3 cdr 8.07 7400, 4 cdr 0.00 5400" {
			t.Fatalf("after an old revision and another session: %s", got)
		}
		refused := h.finished("s-5", "")
		refused.Status, refused.Energy = session.Invalid, 0
		h.ended(refused)
		if got := cdrs(); strings.Contains(got, "5 ") {
			t.Fatalf("a refused start was billed: %s", got)
		}
	})
}
