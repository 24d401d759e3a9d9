package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/ocpp/gateway"
)

// servers are the doors of this process: the console's and, where it is
// apart, the stations'. Stations are found below /ocpp/ on the console's
// door only when they have none of their own.
func (a *App) servers() ([]*server, error) {
	atConsole := http.Handler(a.rooms.gateway)
	if a.stations != nil {
		atConsole = http.HandlerFunc(a.wrongDoor)
	}
	console, err := a.door(split(atConsole, a.rooms.files, a.api.Handler()), "")
	if err != nil {
		return nil, err
	}
	console.listener = a.console
	out := []*server{console}
	if a.stations != nil {
		door, err := a.door(split(a.rooms.gateway, a.rooms.files, http.NotFoundHandler()), a.cfg.StationCA)
		if err != nil {
			return nil, err
		}
		door.listener = a.stations
		out = append(out, door)
	}
	return out, nil
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

func (a *App) door(handler http.Handler, clientCA string) (*server, error) {
	s := &server{http: &http.Server{
		Handler: handler, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}}
	if a.cfg.TLSCert == "" {
		return s, nil
	}
	config, err := gateway.TLSConfig(a.cfg.TLSCert, a.cfg.TLSKey, clientCA)
	if err != nil {
		return nil, err
	}
	s.http.TLSConfig = config
	return s, nil
}

// health says that the process runs.
func (a *App) health(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) }

// ready says whether this node can take work: its database and its bus answer.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := a.db.View(ctx, func(tx *db.Tx) error {
		var one int
		return tx.QueryRow("SELECT 1").Scan(&one)
	})
	if err != nil || !a.bus.Connected() {
		a.log.Warn("not ready", "database", err, "bus", a.bus.Connected())
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
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
