package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
)

// servers are the doors of this process: the console's and those that only
// stations use. Stations are found below /ocpp/ on the console's door only
// when they have none of their own.
func (a *App) servers() ([]*server, error) {
	atConsole, gate := http.Handler(a.rooms.gateway), split(a.rooms.gateway, a.rooms.files, http.NotFoundHandler())
	if a.stations != nil {
		atConsole = http.HandlerFunc(a.wrongDoor)
	}
	var out []*server
	for _, d := range []struct {
		listener net.Listener
		handler  http.Handler
		stations bool
		tls      *gateway.TLS
	}{
		{a.console, split(atConsole, a.rooms.files, a.api.Handler()), a.stations == nil, a.tlsOf(a.stations == nil, false)},
		{a.stations, gate, true, a.tlsOf(true, a.asksAtStations())},
		{a.plain, gate, true, nil},
		{a.mtls, gate, true, a.tlsOf(true, true)},
	} {
		if d.listener == nil {
			continue
		}
		s, err := a.door(d.handler, d.tls)
		if err != nil {
			return nil, err
		}
		if s.listener = d.listener; d.stations {
			s.listener, s.http.ConnState = a.rooms.gateway.Door(d.listener, d.tls != nil)
		}
		out = append(out, s)
	}
	return out, nil
}

// asksAtStations holds when the stations' address has to ask for certificates
// because there is no other that does.
func (a *App) asksAtStations() bool {
	return a.cfg.StationCA != "" && a.stations != nil && a.mtls == nil && a.cfg.StationHost == ""
}

// tlsOf is the TLS of a door; nil without. A station may be asked for its
// certificate, a browser never: it would bother people.
func (a *App) tlsOf(stations, mtls bool) *gateway.TLS {
	if !a.cfg.tls() {
		return nil
	}
	t := &gateway.TLS{Stations: stations, AskAll: mtls, Roots: a.roots}
	if a.cfg.TLSOwnCA {
		t.Own = a.ownCertificates
	}
	for i, cert := range a.cfg.TLSCert {
		t.Pairs = append(t.Pairs, gateway.Pair{Cert: cert, Key: a.cfg.TLSKey[i]})
	}
	if stations {
		t.AskFor = a.cfg.StationHost
	}
	return t
}

// checkFiles reads the certificates once, so that a wrong name is told at the
// start, and prepares the authorities of stations.
func (a *App) checkFiles() (err error) {
	if a.roots, err = gateway.NewClientRoots(a.cfg.StationCA, a.stationRoots); err != nil {
		return err
	}
	if t := a.tlsOf(true, false); t != nil && t.Own == nil { // our own authority is in the database
		_, err = t.Config()
	}
	return err
}

// split sends /ocpp/… to the stations' gateway, and /files/… to the file
// store, past the API's edge: neither is a request of the web app.
func split(stations, files, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, file.Prefix) {
			files.ServeHTTP(w, r)
			return
		}
		if path := strings.ToLower(r.URL.Path); path == "/ocpp" || strings.HasPrefix(path, "/ocpp/") {
			stations.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// wrongDoor turns a station away that comes to the console's address; without
// it the console's page would answer 200.
func (a *App) wrongDoor(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "charging stations connect to "+a.stationURL(), http.StatusNotFound)
}

func (a *App) door(handler http.Handler, t *gateway.TLS) (*server, error) {
	s := &server{http: &http.Server{
		Handler: handler, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}}
	if t == nil {
		return s, nil
	}
	config, err := t.Config()
	if err != nil {
		return nil, err
	}
	s.http.TLSConfig = config
	return s, nil
}

// consoleConfig is what the web app must know before anybody signs in.
type consoleConfig struct {
	Body struct {
		TileURL     string `json:"tile_url,omitempty" doc:"Map tiles, {z}/{x}/{y}; absent: the offline outline only"`
		Attribution string `json:"attribution,omitempty" doc:"Credit line for the tiles"`
		Version     string `json:"version"`
	}
}

func (a *App) consoleRoutes() {
	op := web.Op{Method: "GET", Path: "/ui-config", Room: "app", Public: true, Summary: "Read what the web app needs before sign-in"}
	web.Handle(a.api, op, func(context.Context, *struct{}) (*consoleConfig, error) {
		var out consoleConfig
		out.Body.TileURL, out.Body.Attribution, out.Body.Version = a.cfg.TileURL, a.cfg.TileAttribution, version
		return &out, nil
	})
}

// tileSources are the origins that the page may load map tiles from.
func (a *App) tileSources() []string {
	u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(a.cfg.TileURL))
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}
