package web

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// compressMin is the size below which gzip costs more than it saves.
const compressMin = 1024

var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

// compress returns the writer a handler should use and what ends it. Answers
// are compressed when the client takes gzip, the type is text, and the body
// is worth it; event streams never are.
func compress(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func()) {
	if !acceptsGzip(r.Header.Get("Accept-Encoding")) || r.Header.Get("Upgrade") != "" || r.Method == http.MethodHead {
		return w, func() {}
	}
	z := &gzipWriter{ResponseWriter: w}
	return z, z.finish
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		_, q, found := strings.Cut(params, "q=")
		if !found {
			return true
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return err == nil && weight > 0
	}
	return false
}

// gzipWriter holds back the first bytes until it knows whether to compress.
type gzipWriter struct {
	http.ResponseWriter
	status  int
	held    []byte
	decided bool
	zip     *gzip.Writer
}

// WriteHeader is kept until the first bytes are there to decide by.
func (z *gzipWriter) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		z.ResponseWriter.WriteHeader(status)
		return
	}
	if z.decided || z.status != 0 {
		return
	}
	z.status = status
	if !z.compressible() {
		z.decide(false)
	}
}

// Write holds back, compresses or passes on.
func (z *gzipWriter) Write(b []byte) (int, error) {
	if z.status == 0 {
		z.WriteHeader(http.StatusOK)
	}
	if !z.decided {
		z.held = append(z.held, b...)
		if len(z.held) < compressMin {
			return len(b), nil
		}
		return len(b), z.decide(true)
	}
	if z.zip != nil {
		return z.zip.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

// FlushError sends what there is, for http.ResponseController.
func (z *gzipWriter) FlushError() error {
	if z.status == 0 {
		z.WriteHeader(http.StatusOK)
	}
	if !z.decided {
		if err := z.decide(len(z.held) > 0); err != nil {
			return err
		}
	}
	if z.zip != nil {
		if err := z.zip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (z *gzipWriter) Unwrap() http.ResponseWriter { return z.ResponseWriter }

func (z *gzipWriter) compressible() bool {
	h := z.Header()
	if z.status < 200 || z.status == http.StatusNoContent || z.status == http.StatusNotModified ||
		z.status == http.StatusPartialContent || h.Get("Content-Encoding") != "" {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch kind {
	case eventStream:
		return false
	case "application/json", problemType, "application/javascript", "application/openapi+json", "image/svg+xml", "application/wasm", "application/manifest+json":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// decide ends the holding back.
func (z *gzipWriter) decide(zip bool) error {
	z.decided = true
	h := z.Header()
	if z.compressible() {
		h.Add("Vary", "Accept-Encoding")
	}
	if zip {
		h.Set("Content-Encoding", "gzip")
		h.Del("Content-Length")
		if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
			h.Set("Etag", "W/"+tag)
		}
	}
	z.ResponseWriter.WriteHeader(z.status)
	held := z.held
	z.held = nil
	if !zip {
		if len(held) == 0 {
			return nil
		}
		_, err := z.ResponseWriter.Write(held)
		return err
	}
	z.zip = gzips.Get().(*gzip.Writer)
	z.zip.Reset(z.ResponseWriter)
	_, err := z.zip.Write(held)
	return err
}

// finish sends what is still held back.
func (z *gzipWriter) finish() {
	if z.status != 0 && !z.decided {
		_ = z.decide(false) // the connection's errors show at its own end
	}
	if z.zip != nil {
		_ = z.zip.Close()
		z.zip.Reset(nil)
		gzips.Put(z.zip)
		z.zip = nil
	}
}
