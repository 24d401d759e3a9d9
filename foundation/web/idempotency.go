package web

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07). A key
// belongs to its caller and active organisation. The first request with it
// runs; every later one gets the same answer, or is refused when it asks for
// something else. Answers can hold secrets that are shown once (an API key, a
// station's password), so they are stored encrypted under the key itself,
// of which only a hash is kept.
const (
	keepAnswer = 24 * time.Hour
	runTime    = 5 * time.Minute // after this a request without an answer was interrupted
	waitTime   = 15 * time.Second
	waitStep   = 50 * time.Millisecond
)

// claim is what the table knows about a key.
type claim struct {
	id, requestHash string
	mine, done      bool
	started         time.Time
	status          int
	answer          string
}

// stored is an answer as it is kept.
type stored struct {
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// once runs h at most once for key.
func (a *API) once(w http.ResponseWriter, r *http.Request, key string, h http.Handler) {
	if err := checkKey(key); err != nil {
		a.fail(w, r, err)
		return
	}
	if a.cfg.DB == nil {
		a.fail(w, r, fault.New(fault.Unsupported, "request.no_idempotency", "This server keeps no answers; send the request without Idempotency-Key."))
		return
	}
	p, _ := principalOf(r.Context())
	scope := p.ID + "\n" + p.Org + "\n" + key
	hash, err := requestHash(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	c, err := a.await(r.Context(), claim{id: digest("id\n" + scope), requestHash: hash}, p.Org)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if !c.mine {
		a.replay(w, r, scope, c)
		return
	}
	a.runClaimed(w, r, scope, c, h)
}

// await claims the key, or waits until the request that has it is done.
func (a *API) await(ctx context.Context, want claim, org string) (claim, error) {
	for waited := time.Duration(0); ; waited += waitStep {
		c, err := a.claim(ctx, want, org)
		if err != nil || c.mine || c.done {
			return c, err
		}
		if a.now().Sub(c.started) > runTime {
			return c, fault.New(fault.Conflict, "request.interrupted",
				"An earlier request with this Idempotency-Key was interrupted and its outcome is unknown. Look whether it took effect, then use a new key.")
		}
		if waited >= waitTime {
			return c, fault.New(fault.Conflict, "request.running", "An earlier request with this Idempotency-Key is still running; ask again later.")
		}
		select {
		case <-ctx.Done():
			return c, fault.Wrap(fault.Unavailable, ctx.Err(), "request.cancelled", "The request was cancelled.")
		case <-time.After(waitStep):
		}
	}
}

func (a *API) claim(ctx context.Context, want claim, org string) (claim, error) {
	var got claim
	err := a.cfg.DB.Update(ctx, func(tx *db.Tx) error {
		got = want
		n, err := tx.Exec(`INSERT INTO idempotency_key (id, org, request_hash, started_at, expires_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET request_hash = excluded.request_hash, started_at = excluded.started_at,
				expires_at = excluded.expires_at, status = NULL, answer = NULL
			WHERE idempotency_key.expires_at < excluded.started_at`,
			want.id, org, want.requestHash, db.Micros(tx.Now), db.Micros(tx.Now.Add(keepAnswer)))
		if err != nil {
			return err
		}
		if got.mine = n == 1; got.mine {
			return nil
		}
		var started int64
		var hash string
		row := tx.QueryRow(`SELECT request_hash, started_at, COALESCE(status, 0), COALESCE(answer, '') FROM idempotency_key WHERE id = $1`, want.id)
		if err := row.Scan(&hash, &started, &got.status, &got.answer); err != nil {
			return err
		}
		got.started, got.done = db.Time(started), got.status != 0
		if hash != want.requestHash {
			return fault.New(fault.Invalid, "request.key_reused", "This Idempotency-Key was used for a different request; use a new key.").
				With("header.Idempotency-Key", "belongs to another request", nil)
		}
		return nil
	})
	return got, err
}

// runClaimed runs h and keeps its answer. Answers that ask to try again (5xx,
// 429) free the key instead.
func (a *API) runClaimed(w http.ResponseWriter, r *http.Request, scope string, c claim, h http.Handler) {
	keep := &keeper{ResponseWriter: w}
	finished := false
	defer func() {
		if !finished { // a panic: the outcome is unknown, and the interrupted claim says so later
			return
		}
		// The client may be gone, its answer must be kept all the same.
		ctx := context.WithoutCancel(r.Context())
		var err error
		if keep.status >= 500 || keep.status == http.StatusTooManyRequests {
			err = a.release(ctx, c.id)
		} else {
			err = a.settle(ctx, scope, c.id, keep)
		}
		if err != nil {
			a.logInternal(r, err)
		}
	}()
	h.ServeHTTP(keep, r)
	finished = true
}

func (a *API) release(ctx context.Context, id string) error {
	return a.cfg.DB.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM idempotency_key WHERE id = $1`, id)
		return err
	})
}

func (a *API) settle(ctx context.Context, scope, id string, k *keeper) error {
	s := stored{Header: map[string]string{}, Body: k.body.Bytes()}
	for _, name := range []string{"Content-Type", "Location"} {
		if v := k.Header().Get(name); v != "" {
			s.Header[name] = v
		}
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sealed, err := seal(scope, plain)
	if err != nil {
		return err
	}
	status := k.status
	if status == 0 {
		status = http.StatusOK
	}
	return a.cfg.DB.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE idempotency_key SET status = $1, answer = $2 WHERE id = $3`, status, sealed, id)
		return err
	})
}

func (a *API) replay(w http.ResponseWriter, r *http.Request, scope string, c claim) {
	plain, err := unseal(scope, c.answer)
	var s stored
	if err == nil {
		err = json.Unmarshal(plain, &s)
	}
	if err != nil {
		a.fail(w, r, fault.Wrap(fault.Internal, err, "request.answer_lost", "the kept answer cannot be read"))
		return
	}
	for k, v := range s.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(c.status)
	_, _ = w.Write(s.Body)
}

// Prune forgets kept answers that are older than a day; run it now and then.
func (a *API) Prune(ctx context.Context) error {
	return a.cfg.DB.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`DELETE FROM idempotency_key WHERE expires_at < $1`, db.Micros(tx.Now))
		return err
	})
}

// keeper copies an answer on its way out.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader notes the status.
func (k *keeper) WriteHeader(status int) {
	if k.status == 0 && status >= 200 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

// Write copies.
func (k *keeper) Write(b []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

func checkKey(key string) error {
	ok := key != "" && len(key) <= 255
	for _, c := range []byte(key) {
		ok = ok && c > ' ' && c < 0x7f
	}
	if ok {
		return nil
	}
	return fault.New(fault.Invalid, "request.bad_key", "The Idempotency-Key is not usable.").
		With("header.Idempotency-Key", "must have 1 to 255 printable ASCII characters without spaces, such as a UUID", nil)
}

// requestHash tells requests apart by everything that decides their effect.
func requestHash(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body) // already in memory, see readBody
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return digest(strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, string(body)}, "\n")), nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// seal encrypts under a key that only the holder of scope can make. A fresh
// salt makes a fresh key for every answer, so the nonce may stay zero.
func seal(scope string, plain []byte) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	aead, err := cipherOf(scope, salt)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(aead.Seal(salt, make([]byte, aead.NonceSize()), plain, nil)), nil
}

func unseal(scope, sealed string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, err
	}
	if len(b) < 16 {
		return nil, errors.New("web: sealed answer is too short")
	}
	aead, err := cipherOf(scope, b[:16])
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, make([]byte, aead.NonceSize()), b[16:], nil)
}

func cipherOf(scope string, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(scope), salt, "forecourt idempotency answer", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
