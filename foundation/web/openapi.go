package web

import (
	"embed"
	"encoding/json"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs
var docsFiles embed.FS

// specCache keeps the document once it has been asked for: by then every
// route is registered.
type specCache struct {
	once sync.Once
	json []byte
}

// OpenAPI gives the OpenAPI 3.1 document as JSON. Call it after every route
// is registered.
func (a *API) OpenAPI() []byte {
	a.spec.once.Do(func() {
		b, err := json.MarshalIndent(a.huma.OpenAPI(), "", " ")
		if err != nil {
			panic("web: the OpenAPI document cannot be written: " + err.Error())
		}
		a.spec.json = b
	})
	return a.spec.json
}

func (a *API) problemResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{problemType: {Schema: schema}}}
}

// mountDocs serves the document and the page that shows it, from our own
// files: it works without the internet.
func (a *API) mountDocs() {
	a.file("/openapi.json", "application/openapi+json", func() []byte { return a.OpenAPI() })
	for path, f := range map[string]struct{ name, kind string }{
		"/docs":          {"docs/index.html", "text/html; charset=utf-8"},
		"/docs/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
		"/docs/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
	} {
		b, err := docsFiles.ReadFile(f.name)
		if err != nil {
			panic("web: " + err.Error()) // an embedded file cannot be missing
		}
		a.file(path, f.kind, func() []byte { return b })
	}
}

func (a *API) file(path, kind string, body func() []byte) {
	a.methods.add(http.MethodGet, Prefix+path)
	a.mux.HandleFunc("GET "+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body())
	})
}
