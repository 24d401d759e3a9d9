package file

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
)

// Prefix is the path below which links are served.
const Prefix = "/files/"

// Link lets whoever has its URL transfer one file.
type Link struct {
	File      string
	Upload    bool // bring it, rather than fetch it
	Uses      int  // transfers that may end well; 0: one
	ExpiresAt time.Time
	MaxSize   int64 // bytes of an upload; 0: what the store allows
	Login     bool  // the URL holds a user and password that are asked for (HTTP Basic)
	Plain     bool  // for a station without TLS
}

// grant is a stored link.
type grant struct {
	hash, file, org, login, password string
	upload                           bool
	uses, maxSize                    int64
	expires                          time.Time
	revoked                          bool
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Link makes a link and gives its URL, which is not kept.
func (s *Store) Link(tx *db.Tx, l Link) (string, error) {
	f, err := s.Get(tx, l.File)
	if err != nil {
		return "", err
	}
	base, err := url.Parse(s.d.URL(l.Plain))
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "file.url", "the address of the file store cannot be read")
	}
	token := id.Secret(tokenBytes)
	g := grant{hash: hashOf(token), file: f.ID, org: f.Org, upload: l.Upload, uses: int64(max(l.Uses, 1)), maxSize: l.MaxSize}
	if g.maxSize <= 0 || g.maxSize > s.d.MaxSize {
		g.maxSize = s.d.MaxSize
	}
	if l.Login {
		password := id.Secret(12)
		g.login, g.password = "station", hashOf(password)
		base.User = url.UserPassword(g.login, password)
	}
	err = tx.Send("INSERT INTO file_link (hash, file, org, upload, uses_left, max_size, login, password, created_at, expires_at, revoked) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,FALSE)",
		g.hash, g.file, g.org, g.upload, g.uses, g.maxSize, g.login, g.password, db.Micros(tx.Now), db.Micros(l.ExpiresAt))
	base.Path = strings.TrimRight(base.Path, "/") + Prefix + token
	return base.String(), err
}

// Revoke ends the links of a file. Transfers in progress fail at their end.
func (s *Store) Revoke(tx *db.Tx, file string) error {
	return tx.Send("UPDATE file_link SET revoked = TRUE WHERE file = $1", file)
}

func grantOf(tx *db.Tx, hash string) (g grant, err error) {
	var expires int64
	err = tx.QueryRow("SELECT hash, file, org, upload, uses_left, max_size, login, password, expires_at, revoked FROM file_link WHERE hash = $1", hash).
		Scan(&g.hash, &g.file, &g.org, &g.upload, &g.uses, &g.maxSize, &g.login, &g.password, &expires, &g.revoked)
	g.expires = db.Time(expires)
	return g, err
}

// refused is why a link cannot be used: what a station's log will show.
type refused struct {
	status int
	text   string
}

func (r refused) Error() string { return r.text }

var (
	noLink   = refused{http.StatusNotFound, "there is no such link"}
	usedUp   = refused{http.StatusGone, "this link has been used"}
	tooLate  = refused{http.StatusGone, "this link has expired"}
	noLogin  = refused{http.StatusUnauthorized, "this link needs the user and password of its URL"}
	badVerb  = refused{http.StatusMethodNotAllowed, "this link does not allow that method"}
	tooMuch  = refused{http.StatusRequestEntityTooLarge, "the file is larger than this link allows"}
	cutShort = refused{http.StatusBadRequest, "the upload broke off or has another size than announced; send it again"}
)

// admit decides whether a request may use a link. It is pure.
func (g grant) admit(r *http.Request, now time.Time) error {
	fetching := r.Method == http.MethodGet || r.Method == http.MethodHead
	bringing := r.Method == http.MethodPut || r.Method == http.MethodPost // OCPP 2.0.1 N01.FR.18
	switch {
	case g.login != "" && !g.knows(r):
		return noLogin
	case g.revoked || g.uses <= 0:
		return usedUp
	case !now.Before(g.expires):
		return tooLate
	case g.upload && !bringing || !g.upload && !fetching:
		return badVerb
	case g.upload && r.ContentLength > g.maxSize+overhead(r):
		return tooMuch
	}
	return nil
}

// overhead is what a form may add to the file in it.
func overhead(r *http.Request) int64 {
	if isForm(r) {
		return 64 << 10
	}
	return 0
}

func (g grant) knows(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(g.login))
	samePassword := subtle.ConstantTimeCompare([]byte(hashOf(password)), []byte(g.password))
	return ok && sameUser&samePassword == 1
}

// use takes one transfer from a link; false when none is left.
func use(tx *db.Tx, hash string) (bool, error) {
	n, err := tx.Exec("UPDATE file_link SET uses_left = uses_left - 1 WHERE hash = $1 AND uses_left > 0 AND NOT revoked", hash)
	return n == 1, err
}

// giveBack returns a transfer that did not end well after all.
func giveBack(tx *db.Tx, hash string) error {
	return tx.Send("UPDATE file_link SET uses_left = uses_left + 1 WHERE hash = $1", hash)
}
