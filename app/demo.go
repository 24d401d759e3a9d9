package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// demoSite is a place of the demonstration: four countries, four time zones.
type demoSite struct {
	prefix, name, street, city, postal, country string
	latitude, longitude, zone, currency, tariff string
}

var demoSites = []demoSite{
	{"LYS", "Gare du Rhône", "12 quai Perrache", "Lyon", "69002", "FR", "45.7485", "4.8260", "Europe/Paris", "EUR", "eur"},
	{"BER", "Spreehof", "Holzmarktstraße 25", "Berlin", "10243", "DE", "52.5117", "13.4230", "Europe/Berlin", "EUR", "eur"},
	{"YUL", "Marché Atwater", "138 avenue Atwater", "Montréal", "H4C 2H6", "CA", "45.4800", "-73.5770", "America/Toronto", "CAD", "cad"},
	{"OAK", "Harbor Depot", "1 Embarcadero West", "Oakland", "94607", "US", "37.7955", "-122.2790", "America/Los_Angeles", "USD", "usd"},
}

// demoTariffs are OCPI 2.2.1 tariffs: energy by day and night, parking after
// charging, and a flat start.
var demoTariffs = map[string]string{
	"eur": `{"country_code":"FR","party_id":"FOR","id":"demo-eur","currency":"EUR","elements":[
		{"price_components":[{"type":"ENERGY","price":0.39,"vat":20,"step_size":1}],"restrictions":{"start_time":"07:00","end_time":"22:00"}},
		{"price_components":[{"type":"ENERGY","price":0.25,"vat":20,"step_size":1}]},
		{"price_components":[{"type":"PARKING_TIME","price":6.00,"vat":20,"step_size":60}]},
		{"price_components":[{"type":"FLAT","price":0.50,"vat":20,"step_size":1}]}],"last_updated":"2026-01-01T00:00:00Z"}`,
	"cad": `{"country_code":"CA","party_id":"FOR","id":"demo-cad","currency":"CAD","elements":[
		{"price_components":[{"type":"ENERGY","price":0.35,"vat":14.975,"step_size":1},{"type":"TIME","price":1.20,"vat":14.975,"step_size":60}]}],"last_updated":"2026-01-01T00:00:00Z"}`,
	"usd": `{"country_code":"US","party_id":"FOR","id":"demo-usd","currency":"USD","elements":[
		{"price_components":[{"type":"ENERGY","price":0.48,"step_size":1}]}],"last_updated":"2026-01-01T00:00:00Z"}`,
}

const (
	demoStations = 40
	demoDrivers  = 60
)

type demoCmd struct {
	ServeFlags `embed:""`
	Stations   int    `help:"How many simulated stations." default:"40"`
	Seed       uint64 `help:"Decides who arrives when." default:"1"`
}

// Run serves the platform and lets a town live on it.
func (c *demoCmd) Run(ctx context.Context, s streams) error {
	c.setDemoDefaults()
	return c.ServeFlags.serve(ctx, s, func(ctx context.Context, a *App) error {
		key, err := createKey(ctx, a.cfg, identity.APIKey{Name: "demo", Role: identity.Owner})
		if err != nil {
			return err
		}
		town, err := c.settle(ctx, a, &restClient{base: a.localURL(), key: key})
		if err != nil {
			return err
		}
		return town.Run(ctx, time.Now, 20*time.Second, a.log.With("part", "simulation"))
	})
}

// setDemoDefaults keeps the demonstration apart from a real data directory.
func (c *demoCmd) setDemoDefaults() {
	if c.Data == "data" {
		c.Data = "demo-data"
	}
	if c.Stations <= 0 {
		c.Stations = demoStations
	}
}

// settle makes the demonstration's things through the public API, as a
// customer would, and gives the town that uses them. A second start finds
// them there.
func (c *demoCmd) settle(ctx context.Context, a *App, api *restClient) (*simulator.Town, error) {
	fresh, err := api.empty(ctx, "/api/v1/sessions")
	if err != nil {
		return nil, err
	}
	tokens, err := c.settleDrivers(ctx, api)
	if err != nil {
		return nil, err
	}
	var stations []*simulator.Station
	per := (c.Stations + len(demoSites) - 1) / len(demoSites)
	for i, place := range demoSites {
		site, err := c.settleSite(ctx, api, place)
		if err != nil {
			return nil, err
		}
		n := min(per, c.Stations-i*per)
		for _, plan := range simulator.Plan(place.prefix, max(n, 0), c.Seed+uint64(i)) {
			plan.Password, plan.URL = a.demoPassword(plan.ID), a.stationURL()
			body := map[string]any{"id": plan.ID, "site": site, "password": plan.Password}
			if err := api.post(ctx, "/api/v1/charging-stations", body, nil); err != nil && !conflict(err) {
				return nil, err
			}
			stations = append(stations, simulator.NewStation(plan, time.Now, a.log))
		}
	}
	town := simulator.NewTown(c.Seed, stations, tokens)
	if fresh {
		now := time.Now()
		town.Past(now.Add(-18*time.Hour), now.Add(-time.Minute), 150*time.Minute, 45*time.Minute)
		a.log.Info("stations replay the sessions of the last 18 hours", "stations", len(stations))
	}
	return town, nil
}

func (c *demoCmd) settleDrivers(ctx context.Context, api *restClient) ([]simulator.Token, error) {
	var tokens []simulator.Token
	for i := range demoDrivers {
		token := simulator.Token{ID: fmt.Sprintf("04A2%08X", 0x1000+i*7919), Type: "ISO14443"}
		tokens = append(tokens, token)
		body := map[string]any{"id_token": token.ID, "type": token.Type, "status": "active"}
		if err := api.post(ctx, "/api/v1/id-tokens", body, nil); err != nil && !conflict(err) {
			return nil, err
		}
	}
	return tokens, nil
}

func (c *demoCmd) settleSite(ctx context.Context, api *restClient, p demoSite) (string, error) {
	type made struct {
		ID string `json:"id"`
	}
	var site made
	var there struct{ Items []made }
	if err := api.do(ctx, "GET", "/api/v1/sites?name="+url.QueryEscape(p.name), nil, &there); err != nil {
		return "", err
	}
	if len(there.Items) > 0 {
		return there.Items[0].ID, nil
	}
	err := api.post(ctx, "/api/v1/sites", map[string]any{
		"name": p.name, "address": map[string]any{"street": p.street, "city": p.city, "postal_code": p.postal, "country": p.country},
		"latitude": p.latitude, "longitude": p.longitude, "time_zone": p.zone, "currency": p.currency,
	}, &site)
	if err != nil {
		return "", err
	}
	return site.ID, api.tariff(ctx, demoTariffs[p.tariff], site.ID)
}

// demoPassword derives a station's password from the installation's secret,
// so that a second start of the demonstration knows it.
func (a *App) demoPassword(station string) string {
	mac := hmac.New(sha256.New, a.secret)
	mac.Write([]byte("demo station " + station))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

type simulateCmd struct {
	URL       string        `help:"The platform's OCPP address." default:"ws://localhost:8080/ocpp"`
	Count     int           `help:"How many stations." default:"1"`
	Prefix    string        `help:"Stations are named PREFIX-001 and so on." default:"SIM"`
	Version   string        `name:"ocpp" help:"OCPP version of all stations; none mixes them." enum:"1.6,2.0.1,2.1,mixed" default:"mixed"`
	Password  string        `help:"Basic password of all stations."`
	Token     []string      `help:"Cards the drivers use." default:"SIMCARD1,SIMCARD2"`
	Quirk     []string      `help:"Deviations to show; see the simulator's documentation for names."`
	Seed      uint64        `help:"Decides who arrives when." default:"1"`
	Gap       time.Duration `help:"Mean time between a departure and the next arrival." default:"4m"`
	Stay      time.Duration `help:"Mean time a car stays." default:"7m"`
	Interval  time.Duration `help:"Time between meter values." default:"30s"`
	APIURL    string        `name:"api-url" help:"With --api-key: create the stations and cards through this platform's API." placeholder:"http://…"`
	APIKey    string        `name:"api-key" help:"Key for --api-url."`
	LogFormat string        `help:"text or json." enum:"text,json" default:"text"`
}

// Run connects simulated stations to any platform until interrupted.
func (c *simulateCmd) Run(ctx context.Context, s streams) error {
	log := (&Config{LogLevel: "info", LogFormat: c.LogFormat}).logger(s.err)
	var stations []*simulator.Station
	for _, plan := range simulator.Plan(c.Prefix, c.Count, c.Seed) {
		plan.URL, plan.Password = c.URL, c.Password
		if c.Version != "mixed" {
			plan.Version = c.Version
		}
		for _, q := range c.Quirk {
			plan.Quirks = append(plan.Quirks, simulator.Quirk(q))
		}
		if err := c.register(ctx, &plan); err != nil {
			return err
		}
		stations = append(stations, simulator.NewStation(plan, time.Now, log))
	}
	var tokens []simulator.Token
	for _, t := range c.Token {
		tokens = append(tokens, simulator.Token{ID: t, Type: "ISO14443"})
	}
	town := simulator.NewTown(c.Seed, stations, tokens)
	town.Gap, town.Stay = c.Gap, c.Stay
	return town.Run(ctx, time.Now, c.Interval, log.With(slog.Int("stations", len(stations))))
}

// register makes a station and the cards through the API when asked to.
func (c *simulateCmd) register(ctx context.Context, plan *simulator.Config) error {
	if c.APIURL == "" {
		return nil
	}
	api := &restClient{base: c.APIURL, key: c.APIKey}
	body := map[string]any{"id": plan.ID}
	if plan.Password != "" {
		body["password"] = plan.Password
	}
	var made struct{ Password string }
	if err := api.post(ctx, "/api/v1/charging-stations", body, &made); err != nil && !conflict(err) {
		return err
	}
	if made.Password != "" {
		plan.Password = made.Password
	}
	for _, t := range c.Token {
		if err := api.post(ctx, "/api/v1/id-tokens", map[string]any{"id_token": t, "type": "ISO14443", "status": "active"}, nil); err != nil && !conflict(err) {
			return err
		}
	}
	return nil
}
