package web

import (
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
)

// Template answers with an empty file for people to fill in and import:
// XLSX with instructions, or CSV with ?format=csv. It is for Raw.
func (a *API) Template(name string, columns []sheet.Column) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := sheet.Format(r.URL.Query().Get("format"))
		switch format {
		case "":
			format = sheet.XLSX
		case sheet.CSV, sheet.XLSX:
		default:
			a.Fail(w, r, fault.New(fault.Invalid, "request.invalid", "A template is csv or xlsx.").With("query.format", "csv or xlsx", string(format)))
			return
		}
		w.Header().Set("Content-Type", format.MediaType())
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+"."+string(format)+`"`)
		_ = sheet.Template(w, format, columns) // the client is gone when this fails
	})
}
