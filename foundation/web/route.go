package web

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

type requestKey struct{}

// request carries what Handle needs beyond the decoded input.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	filters []db.Filter
}

// bodyTime is how long a client may take to send its body.
const bodyTime = 30 * time.Second

// handle puts h on the mux behind everything a route asks of a request.
func (a *API) handle(r *route, h http.Handler) {
	path := Prefix + r.Path
	a.methods.add(r.Method, path)
	a.mux.HandleFunc(r.Method+" "+path, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		req, err := a.admit(w, req, r)
		if err != nil {
			a.fail(w, req, err)
			return
		}
		if key := req.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost && !r.Public && !r.raw {
			a.once(w, req, key, h)
			return
		}
		h.ServeHTTP(w, req)
	})
}

// admit checks a request before its handler; the request it returns carries
// the caller.
func (a *API) admit(w http.ResponseWriter, req *http.Request, r *route) (*http.Request, error) {
	if err := a.sameSite(req); err != nil {
		return req, err
	}
	ctx := context.WithValue(req.Context(), apiKey{}, a)
	if !r.Public {
		guarded, err := a.cfg.Guard(req, r.Op)
		if err != nil {
			return req, err
		}
		if err := a.checkCSRF(guarded, req); err != nil {
			return req, err
		}
		ctx = context.WithValue(guarded, apiKey{}, a)
	}
	if r.raw {
		req.Body = http.MaxBytesReader(w, req.Body, r.MaxBody)
		return req.WithContext(ctx), nil
	}
	filters, err := r.checkQuery(req.URL.Query())
	if err != nil {
		return req, err
	}
	if err := readBody(w, req, r.MaxBody); err != nil {
		return req, err
	}
	x := &request{w: w, filters: filters}
	x.r = req.WithContext(context.WithValue(ctx, requestKey{}, x))
	return x.r, nil
}

// sameSite refuses changes that a browser makes on behalf of another site.
// It also covers sign-in, which no session protects yet. Requests with an
// API key are exempt: a foreign page cannot know one.
func (a *API) sameSite(req *http.Request) error {
	if req.Header.Get("Authorization") != "" {
		return nil
	}
	if err := a.cross.Check(req); err != nil {
		return fault.New(fault.Forbidden, "request.cross_site", "Another site may not make changes in the name of a signed-in person.")
	}
	return nil
}

// checkCSRF wants proof that a change signed in by cookie comes from our own
// pages: the token, or the browser's word about the origin, which sameSite
// has already compared.
func (a *API) checkCSRF(ctx context.Context, req *http.Request) error {
	p, ok := principalOf(ctx)
	if !ok || p.CSRF == "" || safe(req.Method) {
		return nil
	}
	if given := req.Header.Get("X-CSRF-Token"); given != "" {
		if subtle.ConstantTimeCompare([]byte(given), []byte(p.CSRF)) == 1 {
			return nil
		}
	} else if req.Header.Get("Origin") != "" || req.Header.Get("Sec-Fetch-Site") != "" {
		return nil
	}
	return fault.New(fault.Forbidden, "request.csrf", "Send the header X-CSRF-Token with the csrf_token of GET %s/me.", Prefix)
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// readBody takes the body in before the handler runs, within limits of size
// and time. A deadline that stayed on the connection would later cancel a
// handler that waits, for instance for a station.
func readBody(w http.ResponseWriter, req *http.Request, limit int64) error {
	tooLarge := newProblem(http.StatusRequestEntityTooLarge, "request.too_large", fmt.Sprintf("The body may have at most %d bytes.", limit))
	if req.ContentLength > limit {
		return tooLarge
	}
	if req.ContentLength == 0 || req.Body == nil {
		req.Body = http.NoBody
		return nil
	}
	conn := http.NewResponseController(w)
	fired := make(chan struct{})
	timer := time.AfterFunc(bodyTime, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)); close(fired) })
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, limit))
	if !timer.Stop() {
		<-fired
		_ = conn.SetReadDeadline(time.Time{})
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return tooLarge
	case err != nil:
		return newProblem(http.StatusRequestTimeout, "request.too_slow", "The body did not arrive completely.")
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
