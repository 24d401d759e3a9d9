package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ServeFlags are the settings of a platform process on the command line.
type ServeFlags struct {
	Config        `embed:""`
	OwnerPassword string `help:"Password of the first owner, made on the first start; none makes one up and prints it once."`
}

type serveCmd struct {
	ServeFlags `embed:""`
}

// Run serves until interrupted.
func (c *serveCmd) Run(ctx context.Context, s streams) error { return c.serve(ctx, s, nil) }

// serve builds the platform, tells the first owner how to sign in, and runs
// it together with beside, if any.
func (f *ServeFlags) serve(ctx context.Context, s streams, beside func(ctx context.Context, a *App) error) error {
	log := f.logger(s.err)
	a, err := New(ctx, f.Config, log, f.OwnerPassword)
	if err != nil {
		return err
	}
	defer a.Close()
	a.greet(s, f.OwnerPassword != "")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if beside != nil {
		go func() {
			if err := beside(ctx, a); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		}()
	}
	if err := a.Run(ctx); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// greet tells the first owner how to sign in, on the first start only. A
// password that was given is not repeated: output ends up in logs.
func (a *App) greet(s streams, given bool) {
	if a.first.Password == "" {
		return
	}
	password := a.first.Password + "   (shown only now)"
	if given {
		password = "the one given as owner-password"
	}
	fmt.Fprintf(s.out, "\n  Sign in at %s\n  e-mail    %s\n  password  %s\n\n", a.URL(), a.first.Email, password)
}

// server is one listening door.
type server struct {
	http     *http.Server
	listener net.Listener
}

func (s *server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.listener, "", "") // the certificate is in the TLSConfig and is read again when it changes
	}
	return s.http.Serve(s.listener)
}

// fileURL is the address of the file store for stations; plain asks for the
// one of stations without TLS.
func (a *App) fileURL(plain bool) string {
	if plain && a.cfg.FileURL != "" {
		return strings.TrimRight(a.cfg.FileURL, "/")
	}
	return a.URL()
}

// stationURL is the address stations are given, without their id.
func (a *App) stationURL() string {
	base := a.URL()
	if a.stations != nil {
		base = a.doorURL(a.stations, strings.SplitN(base, ":", 2)[0])
	}
	return "ws" + strings.TrimPrefix(base, "http") + "/ocpp"
}

// doorURL is a door as stations reach it: the public host, if one is named,
// with the door's own port.
func (a *App) doorURL(l net.Listener, scheme string) string {
	reached, err := url.Parse(a.cfg.publicURL(l.Addr().String()))
	if err != nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return scheme + "://" + net.JoinHostPort(reached.Hostname(), port)
}

// csmsURL is where a station of a security profile connects, without its id;
// empty when this installation has no door for the profile.
func (a *App) csmsURL(profile int) string {
	general := a.stationURL()
	secure := strings.HasPrefix(general, "wss://")
	switch {
	case profile >= 3 && a.cfg.StationURL3 != "":
		return strings.TrimRight(a.cfg.StationURL3, "/")
	case profile >= 3 && a.mtls != nil:
		return "wss" + strings.TrimPrefix(a.doorURL(a.mtls, "https"), "https") + "/ocpp"
	case profile >= 3 && a.cfg.StationHost != "":
		_, port, found := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(general, "wss://"), "/ocpp"), ":")
		if !found {
			port = "443"
		}
		return "wss://" + net.JoinHostPort(a.cfg.StationHost, port) + "/ocpp"
	case profile >= 3 && secure && a.asksAtStations():
		return general
	case profile == 2 && secure, profile < 2 && !secure:
		return general
	case profile < 2 && a.plain != nil:
		return "ws" + strings.TrimPrefix(a.doorURL(a.plain, "http"), "http") + "/ocpp"
	}
	return ""
}
