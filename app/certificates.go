package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/pki"
)

// PKIFlags are the settings of certificates.
type PKIFlags struct {
	PKIOrganisation  string `name:"pki-organisation" help:"Name of the operator in certificates of this installation, and accepted in those that stations ask for besides the names of their organisations." default:"Forecourt"`
	PKIManual        bool   `name:"pki-manual" help:"Every certificate that a station asks for waits for a person to approve it."`
	PKIInstallRoot   bool   `name:"pki-install-root" help:"Every station gets our own root as a CSMS root; for servers whose certificate is of our own authority. Without it a station gets it before it moves to TLS."`
	PKIMoveRootless  bool   `name:"pki-move-rootless" help:"A station that moves to security profile 2 or 3 is not given the root of our server's certificate first."`
	PKIV2G           string `name:"pki-v2g" help:"Who signs stations' certificates for cars (ISO 15118): off, own or external." enum:"off,own,external" default:"off"`
	PKIAllowPrivate  bool   `name:"pki-allow-private" help:"OCSP responders and revocation lists that stations name may be at private addresses."`
	PKIRequireOCSP   bool   `name:"pki-require-ocsp" help:"A contract whose revocation cannot be learned may not charge."`
	PKIContractsURL  string `name:"pki-contracts-url" help:"Service that gives cars their contract certificates (Get15118EVCertificate); none answers Failed." placeholder:"https://…"`
	PKIContractToken string `name:"pki-contracts-token" help:"Bearer token for that service."`

	PKIEST         string `name:"pki-est-url" help:"External authority that signs stations' certificates, over EST (RFC 7030); none uses our own." placeholder:"https://…"`
	PKIESTUser     string `name:"pki-est-user" help:"User name at the EST server."`
	PKIESTPassword string `name:"pki-est-password" help:"Password at the EST server."`
	PKIESTCert     string `name:"pki-est-cert" help:"Client certificate (PEM) for the EST server." placeholder:"FILE"`
	PKIESTKey      string `name:"pki-est-key" help:"Private key (PEM) of that certificate." placeholder:"FILE"`
	PKIESTCA       string `name:"pki-est-ca" help:"Roots (PEM) of the EST server's TLS certificate; none uses the system's." placeholder:"FILE"`
	PKIV2GEST      string `name:"pki-v2g-est-url" help:"EST server for certificates for cars, with the same credentials; for --pki-v2g=external." placeholder:"https://…"`
}

func (f PKIFlags) est(url string) (pki.Authority, error) {
	if url == "" {
		return nil, nil
	}
	return pki.NewEST(pki.ESTConfig{URL: url, User: f.PKIESTUser, Password: f.PKIESTPassword, CertFile: f.PKIESTCert, KeyFile: f.PKIESTKey, CAFile: f.PKIESTCA})
}

// buildPKI makes the room of certificates.
func (a *App) buildPKI(r *rooms, between seams) (err error) {
	f := a.cfg.PKIFlags
	d := pki.Deps{
		DB: a.db, Bus: a.bus, Log: a.log, Commander: r.gateway, Secret: a.secret, Station: between.certified, BySerial: between.bySerial, Variable: a.variable(&r.device),
		Config: pki.Config{Organisation: f.PKIOrganisation, PublicURL: strings.TrimRight(a.cfg.PublicURL, "/"), Manual: f.PKIManual, InstallOwnRoot: f.PKIInstallRoot, ServesOwn: a.cfg.TLSOwnCA, V2G: f.PKIV2G, AllowPrivate: f.PKIAllowPrivate, RequireOCSP: f.PKIRequireOCSP},
	}
	if d.External, err = f.est(f.PKIEST); err != nil {
		return err
	}
	if f.PKIV2G == pki.V2GExternal && f.PKIV2GEST == "" {
		return fault.New(fault.Invalid, "config.invalid", "--pki-v2g=external needs --pki-v2g-est-url")
	}
	if d.V2G, err = f.est(f.PKIV2GEST); err != nil {
		return err
	}
	if f.PKIContractsURL != "" {
		d.Contracts = pki.HTTPContracts{URL: f.PKIContractsURL, Token: f.PKIContractToken}
	}
	r.pki, err = pki.New(d)
	return err
}

// serverRoots puts the roots of our server's certificate on a station; nil
// when the installation does not want that.
func (a *App) serverRoots(certificates *pki.Service) func(ctx context.Context, station string) (refused string, err error) {
	if a.cfg.PKIMoveRootless {
		return nil
	}
	return certificates.BringServerRoots
}

// stationRoots are the authorities that sign certificates of stations; nil
// until the room is there.
func (a *App) stationRoots() *x509.CertPool {
	if a.rooms.pki == nil {
		return nil
	}
	return a.rooms.pki.StationRoots(context.Background())
}

// ownCertificates are those of --tls-own-ca.
func (a *App) ownCertificates() ([]tls.Certificate, error) {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	add := func(host string) {
		if host != "" && host != "0.0.0.0" && host != "::" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, address := range []string{a.cfg.Listen, a.cfg.StationListen, a.cfg.StationMTLS} {
		if host, _, err := net.SplitHostPort(address); err == nil {
			add(host)
		}
	}
	for _, raw := range []string{a.cfg.PublicURL, a.cfg.StationURL3} {
		if u, err := url.Parse(raw); err == nil {
			add(u.Hostname())
		}
	}
	add(a.cfg.StationHost)
	return a.rooms.pki.ServerCertificate(context.Background(), hosts...)
}

// certified tells which stations have a certificate to connect with. With
// --station-client-ca somebody else hands them out, and the station is believed.
func (a *App) certified(authority *pki.Service) func(tx *db.Tx, station string) (bool, error) {
	if a.cfg.StationCA != "" {
		return nil
	}
	return authority.Certified
}

// certificateOf tells whose station a certificate is. The names in one that an
// authority of --station-client-ca signed decide, since that is trusted for
// every station; a root of one organisation must not name another's.
func (a *App) certificateOf(r *rooms) func(ctx context.Context, cert *x509.Certificate) (string, error) {
	return func(ctx context.Context, cert *x509.Certificate) (string, error) {
		station, err := r.pki.Identify(ctx, cert)
		if f := fault.Of(err); f != nil && f.Code == "pki.certificate_unknown" && a.roots.Vouch(cert) {
			return "", fault.New(fault.NotFound, "station.certificate", "a certificate of an authority for every station")
		}
		return station, err
	}
}
