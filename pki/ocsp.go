package pki

import (
	"context"
	"crypto"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/crypto/ocsp"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

const maxOCSPRequest = 8 << 10

// respond answers an OCSP request about a certificate that one of our
// authorities signed, DER in and out (RFC 6960). The answer is signed by the
// authority itself. What cannot be answered gets the protocol's own error.
func (s *Service) respond(ctx context.Context, request []byte) []byte {
	r, err := ocsp.ParseRequest(request)
	if err != nil {
		return ocsp.MalformedRequestErrorResponse
	}
	out, err := s.statusOf(ctx, r)
	if fault.Is(err, fault.NotFound) {
		return ocsp.UnauthorizedErrorResponse // RFC 6960 §2.3: not one of ours
	}
	if err != nil {
		s.d.Log.Error("an OCSP request was not answered", "error", err)
		return ocsp.InternalErrorErrorResponse
	}
	return out
}

// statusOf makes the signed status of a certificate of ours.
func (s *Service) statusOf(ctx context.Context, r *ocsp.Request) ([]byte, error) {
	t, err := s.trusted(ctx)
	if err != nil {
		return nil, err
	}
	ca, ok := t.named(r)
	if !ok {
		return nil, fault.New(fault.NotFound, "pki.authority", "no authority of ours signed that certificate")
	}
	var row authorityRow
	var c Certificate
	known := true
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		if row, err = authorityByID(tx, ca); err != nil {
			return err
		}
		c, err = scanCertificate(tx.QueryRow("SELECT "+certificateColumns+" FROM pki_certificate WHERE authority = $1 AND serial = $2", ca, serialText(r.SerialNumber)))
		if fault.Is(err, fault.NotFound) {
			known, err = s.isAuthority(tx, ca, r.SerialNumber)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	x, err := s.unlock(row)
	if err != nil {
		return nil, err
	}
	now := s.d.DB.Now()
	out := ocsp.Response{Status: ocsp.Good, SerialNumber: r.SerialNumber, ThisUpdate: now.Add(-s.d.Backdate), NextUpdate: now.Add(ocspLife), IssuerHash: r.HashAlgorithm}
	switch {
	case !known:
		out.Status = ocsp.Unknown
	case c.Status == Revoked && c.Revoked != nil:
		out.Status, out.RevokedAt, out.RevocationReason = ocsp.Revoked, *c.Revoked, c.Reason
	}
	return ocsp.CreateResponse(x.cert, x.cert, out, x.key)
}

// isAuthority reports whether a serial number that is in no book is that of
// an authority that the root signed.
func (s *Service) isAuthority(tx *db.Tx, parent string, serial *big.Int) (bool, error) {
	var n int
	err := tx.QueryRow("SELECT COUNT(*) FROM pki_authority WHERE parent = $1 AND serial = $2", parent, serialText(serial)).Scan(&n)
	return n > 0, err
}

// named finds the authority that a request is about.
func (t *trust) named(r *ocsp.Request) (string, bool) {
	for _, o := range t.own {
		key, err := keyBits(o.cert)
		if err == nil && sameDigest(r.HashAlgorithm, o.cert.RawSubject, r.IssuerNameHash) && sameDigest(r.HashAlgorithm, key, r.IssuerKeyHash) {
			return o.id, true
		}
	}
	return "", false
}

func sameDigest(h crypto.Hash, b, want []byte) bool {
	return h.Available() && string(digest(h, b)) == string(want)
}

// publicRoutes are those that stations and whoever checks a certificate use,
// without sign-in.
func (s *Service) publicRoutes(a *web.API) {
	a.Mount("GET "+crlPath+"{file}", http.HandlerFunc(s.serveCRL))
	a.Mount("GET "+caPath+"{file}", http.HandlerFunc(s.serveAuthority))
	a.Mount("POST "+ocspPath, http.HandlerFunc(s.serveOCSP))
	a.Mount("GET "+ocspPath+"/{request...}", http.HandlerFunc(s.serveOCSP))
}

func (s *Service) serveCRL(w http.ResponseWriter, r *http.Request) {
	ca, ok := strings.CutSuffix(r.PathValue("file"), ".crl")
	if !ok {
		http.NotFound(w, r)
		return
	}
	list, err := s.CRL(r.Context(), ca)
	s.serve(w, r, "application/pkix-crl", "max-age=300", list, err)
}

func (s *Service) serveAuthority(w http.ResponseWriter, r *http.Request) {
	ca, ok := strings.CutSuffix(r.PathValue("file"), ".crt")
	t, err := s.trusted(r.Context())
	if err == nil {
		err = noAuthority(ca)
		for _, o := range t.own {
			if ok && o.id == ca {
				s.serve(w, r, "application/pkix-cert", "max-age=86400", o.cert.Raw, nil)
				return
			}
		}
	}
	s.serve(w, r, "", "", nil, err)
}

func (s *Service) serveOCSP(w http.ResponseWriter, r *http.Request) {
	var request []byte
	var err error
	if r.Method == http.MethodPost {
		request, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxOCSPRequest))
	} else {
		// RFC 6960 A.1: base64 in the path, escaped or not.
		text := strings.TrimPrefix(r.URL.EscapedPath(), ocspPath+"/")
		if text, err = url.PathUnescape(text); err == nil && len(text) <= maxOCSPRequest {
			request, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(text, " ", "+"))
		}
	}
	if err != nil {
		request = nil // answered as malformed
	}
	s.serve(w, r, "application/ocsp-response", "no-cache", s.respond(r.Context(), request), nil)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, kind, cache string, body []byte, err error) {
	switch {
	case fault.Is(err, fault.NotFound):
		http.NotFound(w, r)
	case err != nil:
		s.d.Log.Error("a list or certificate was not given out", "path", r.URL.Path, "error", err)
		http.Error(w, "not available now", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", cache)
		_, _ = w.Write(body) // who went away needs no answer
	}
}
