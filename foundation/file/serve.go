package file

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// ServeHTTP serves links below Prefix. Answers are plain text, for the logs
// of stations.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "no-store")
	token, name := target(r.URL.Path)
	var g grant
	var f File
	err := s.d.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if g, err = grantOf(tx, hashOf(token)); err == nil {
			f, err = s.Get(tx, g.file)
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = noLink
	}
	if err == nil {
		err = g.admit(r, s.d.DB.Now())
	}
	switch {
	case err != nil:
	case g.upload:
		err = s.bring(w, r, g, f, name)
	default:
		err = s.fetch(w, r, g, f)
	}
	if err != nil {
		s.refuse(w, r, g, err)
	}
}

func (s *Store) refuse(w http.ResponseWriter, r *http.Request, g grant, err error) {
	var no refused
	switch known := fault.Of(err); {
	case errors.As(err, &no):
	case known == nil || known.Kind == fault.Internal:
		s.d.Log.Error("a file could not be transferred", "org", g.org, "file", g.file, "error", err)
		no = refused{http.StatusInternalServerError, "the file store failed; try again"}
	case known.Code == "file.too_large":
		no = tooMuch
	case known.Code == "file.quota":
		no = refused{http.StatusInsufficientStorage, known.Message}
	case known.Code == "file.cut_off":
		no = cutShort
	case known.Kind == fault.Conflict:
		no = refused{http.StatusConflict, known.Message}
	case known.Kind == fault.NotFound:
		no = noLink
	default:
		no = refused{http.StatusServiceUnavailable, known.Message}
	}
	s.d.Log.Info("a file transfer was refused", "org", g.org, "file", g.file, "method", r.Method, "status", no.status, "reason", no.text)
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="file"`)
	}
	if no.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", map[bool]string{true: "PUT, POST", false: "GET, HEAD"}[g.upload])
	}
	http.Error(w, no.text, no.status)
}

// fetch gives a file, in ranges where asked. The transfer counts when its
// last byte goes out, and not when that fails.
func (s *Store) fetch(w http.ResponseWriter, r *http.Request, g grant, f File) error {
	reader, err := s.Open(r.Context(), f)
	if err != nil {
		return err
	}
	counted := false
	reader.last = func() error {
		return s.d.DB.Update(r.Context(), func(tx *db.Tx) error {
			ok, err := use(tx, g.hash)
			if err == nil && !ok {
				err = usedUp
			}
			counted = err == nil
			return err
		})
	}
	out := &watched{ResponseWriter: w}
	Serve(out, r, f, reader)
	if counted && out.failed != nil {
		s.undo(r.Context(), func(tx *db.Tx) error { return giveBack(tx, g.hash) })
	}
	return nil
}

// Serve answers a request with a file's content: whole or in ranges, never
// shown in the page it came from.
func Serve(w http.ResponseWriter, r *http.Request, f File, content io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("X-Content-Type-Options", "nosniff")
	if f.SHA256 != "" {
		h.Set("ETag", `"`+f.SHA256+`"`)
	}
	var at time.Time
	if f.CompletedAt != nil {
		at = *f.CompletedAt
	}
	http.ServeContent(w, r, "", at, content)
}

// watched notes whether an answer could be written.
type watched struct {
	http.ResponseWriter
	failed error
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		w.failed = err
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// bring takes a file. It counts when all of it is stored; an upload that
// breaks off can be repeated until the link expires.
func (s *Store) bring(w http.ResponseWriter, r *http.Request, g grant, f File, appended string) error {
	// The body may be a form around the file; beyond both is a waste of time.
	r.Body = http.MaxBytesReader(w, r.Body, g.maxSize+64<<10)
	content, name, kind, err := body(r)
	if err != nil {
		return err
	}
	if name == "" {
		name = appended
	}
	a, err := s.receive(r.Context(), f, g.maxSize, content)
	if err == nil && !isForm(r) && r.ContentLength >= 0 && a.size != r.ContentLength {
		err = cutShort
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		err = tooMuch
	}
	if err != nil {
		if a.id != "" && (!fault.Is(err, fault.Invalid) || fault.Of(err).Code != "file.cut_off") {
			s.undo(r.Context(), func(tx *db.Tx) error { return drop(tx, "id = $1", a.id) })
		}
		return err
	}
	if err := s.arrive(r, g, f, a, name, kind); err != nil {
		s.undo(r.Context(), func(tx *db.Tx) error { return drop(tx, "id = $1", a.id) })
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// arrive makes what came the file's content, and tells its room.
func (s *Store) arrive(r *http.Request, g grant, f File, a attempt, name, kind string) error {
	return s.d.DB.Update(context.WithoutCancel(r.Context()), func(tx *db.Tx) error {
		ok, err := use(tx, g.hash)
		if err != nil {
			return err
		}
		if !ok {
			return usedUp
		}
		if err := tx.Send("UPDATE stored_file SET name = $2, content_type = $3 WHERE id = $1", f.ID, safeName(name, f.Name), kind); err != nil {
			return err
		}
		stored, err := s.adopt(tx, f.ID, a.id, false)
		if err != nil {
			return err
		}
		if fn := s.arrived[f.Purpose]; fn != nil {
			return fn(tx, stored)
		}
		return nil
	})
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && strings.HasPrefix(kind, "multipart/")
}

// Body finds the file in a request: the body itself, or the first file of a
// form. name and contentType are as the sender has them, and may be empty.
func Body(r *http.Request) (content io.Reader, name, contentType string, err error) {
	content, name, contentType, err = body(r)
	if errors.As(err, new(refused)) {
		err = fault.New(fault.Invalid, "file.no_file", "the form holds no file")
	}
	return content, safeName(name, ""), contentType, err
}

func body(r *http.Request) (content io.Reader, name, kind string, err error) {
	kind, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	if !isForm(r) {
		// OCPP 2.0.1 N01.FR.19: a POST names its file in a header.
		if _, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil {
			name = params["filename"]
		}
		if kind == "" || kind == "application/x-www-form-urlencoded" {
			kind = octets
		}
		return r.Body, name, kind, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", "", refused{http.StatusBadRequest, "the form cannot be read: " + err.Error()}
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, "", "", refused{http.StatusBadRequest, "the form holds no file"}
		}
		if part.FileName() == "" && part.FormName() != "file" && part.FormName() != "uploadfile" {
			continue
		}
		if kind, _, _ = mime.ParseMediaType(part.Header.Get("Content-Type")); kind == "" {
			kind = octets
		}
		return part, part.FileName(), kind, nil
	}
}
