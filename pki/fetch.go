package pki

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const (
	fetchTimeout = 10 * time.Second
	maxAnswer    = 256 << 10 // bytes of an OCSP answer or a certificate
	maxCRL       = 16 << 20
)

var errPrivate = errors.New("the address is in a private network, which is not allowed (--pki-allow-private)")

// outwardClient is for addresses that stations and certificates name: it
// connects to public ones only, whatever their names resolve to, unless
// private ones are allowed; it takes no proxy from the environment, which
// would hide where it goes.
func outwardClient(private bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return publicOnly(address) }
	}
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) >= 3 {
				return errors.New("more than three redirections")
			}
			return checkURL(r.URL)
		},
	}
}

// special are the networks that are not the public internet, beside those
// that netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
}

func publicOnly(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := at.Addr().Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return errPrivate
	}
	for _, p := range special {
		if p.Contains(a) {
			return errPrivate
		}
	}
	return nil
}

func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("only http and https are used, not %q", u.Scheme)
	}
	if u.Host == "" || u.User != nil {
		return errors.New("the URL must name a host, without user and password")
	}
	return nil
}

// fetch does a bounded request and gives the body of a 200 answer.
func (s *Service) fetch(ctx context.Context, method, address, contentType string, body io.Reader, most int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "pki.url", "%q is not a URL", clip(address, 100))
	}
	if err := checkURL(u); err != nil {
		return nil, fault.New(fault.Invalid, "pki.url", "%s cannot be asked: %v", clip(address, 100), err)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "pki.url", "%s cannot be asked", clip(address, 100))
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := s.d.HTTP.Do(req)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.unreachable", "%s cannot be reached: %v", u.Redacted(), err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "pki.unreachable", "%s answered %s", u.Redacted(), res.Status)
	}
	out, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "pki.unreachable", "the answer of %s broke off", u.Redacted())
	}
	if int64(len(out)) > most {
		return nil, fault.New(fault.Unavailable, "pki.unreachable", "the answer of %s is larger than %d bytes", u.Redacted(), most)
	}
	return out, nil
}

func clip(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
