package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// hashed matches the names that the build gives to files it never changes:
// index-B7x2kQ9z.js.
var hashed = regexp.MustCompile(`[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// Files serves a web app: files below assets/ with a hash in their name for
// ever, others with a check each time, and index.html for every path that is
// a page of the app.
func Files(files fs.FS) http.Handler { return &static{files: files} }

type static struct {
	files fs.FS
	tags  sync.Map // name → ETag
}

// ServeHTTP answers one file.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		newProblem(http.StatusMethodNotAllowed, "request.method", r.Method+" is not allowed here; allowed: GET, HEAD").write(w, r)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	body, err := fs.ReadFile(s.files, name)
	if err != nil && isPage(r, name) {
		name = "index.html"
		body, err = fs.ReadFile(s.files, name)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			http.Error(w, "cannot read this file", http.StatusInternalServerError)
			return
		}
		newProblem(http.StatusNotFound, "request.no_file", "There is no file "+r.URL.Path+".").write(w, r)
		return
	}
	h := w.Header()
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("Etag", s.tag(name, body))
	if strings.HasPrefix(name, "assets/") && hashed.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// isPage tells a page of the app from a missing file: pages have no
// extension, or a person's browser asks for one deeper down (a station's id
// may hold a dot). The API answers for itself.
func isPage(r *http.Request, name string) bool {
	if strings.HasPrefix(name, "assets/") || strings.HasPrefix(name, "api/") {
		return false
	}
	return path.Ext(name) == "" || strings.Contains(name, "/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (s *static) tag(name string, body []byte) string {
	if t, ok := s.tags.Load(name); ok {
		return t.(string)
	}
	sum := sha256.Sum256(body)
	t := `"` + hex.EncodeToString(sum[:12]) + `"`
	s.tags.Store(name, t)
	return t
}
