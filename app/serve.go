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
		base = a.cfg.publicURL(a.stations.Addr().String())
		// The public host with the stations' port.
		if public, err := url.Parse(a.cfg.PublicURL); err == nil && public.Host != "" {
			_, port, _ := net.SplitHostPort(a.stations.Addr().String())
			base = public.Scheme + "://" + net.JoinHostPort(public.Hostname(), port)
		}
	}
	return "ws" + strings.TrimPrefix(base, "http") + "/ocpp"
}
