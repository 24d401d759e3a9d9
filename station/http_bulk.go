package station

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
)

// bulkBody is a station as a row: its members are BulkColumns but the
// password, which nobody can read.
type bulkBody struct {
	ID         ID     `json:"id"`
	Name       string `json:"name"`
	Org        string `json:"organisation"`
	Site       string `json:"site"`
	SiteName   string `json:"site_name"`
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Country    string `json:"country"`
	Latitude   string `json:"latitude"`
	Longitude  string `json:"longitude"`
	TimeZone   string `json:"time_zone"`
	Vendor     string `json:"vendor"`
	Model      string `json:"model"`
	Serial     string `json:"serial_number"`
	Profile    int    `json:"security_profile"`
	Active     bool   `json:"active"`
	Connectors string `json:"connectors" doc:"EVSE.connector, type, format, power type, greatest power; separated by ;"`
	Labels     string `json:"evse_labels" doc:"EVSE=label; separated by ;"`
	MaxPower   string `json:"evse_max_power" doc:"EVSE=power; separated by ;"`
}

func bulkBodyOf(v View, site location.Site) bulkBody {
	return bulkBody{
		ID: v.ID, Name: v.Name, Org: v.Org, Site: v.Site, SiteName: v.SiteName, Street: site.Address.Street, PostalCode: site.Address.PostalCode,
		City: site.Address.City, Country: site.Address.Country, Latitude: site.Latitude, Longitude: site.Longitude, TimeZone: site.TimeZone,
		Vendor: v.Vendor, Model: v.Model, Serial: v.Serial, Profile: v.Profile, Active: v.Life == Active, Connectors: writeConnectors(v.EVSEs),
		Labels: writePairs(v.EVSEs, func(e EVSE) string { return e.Label }),
		MaxPower: writePairs(v.EVSEs, func(e EVSE) string {
			if e.MaxPower == 0 {
				return ""
			}
			return formatPower(e.MaxPower)
		}),
	}
}

func (s *Service) bulkRoutes(a *web.API) {
	const tag = "charging-stations"
	export := listed(op(http.MethodGet, "/charging-stations/export", identity.StationRead, "Export charging stations as they are imported", tag), &stationSpec)
	export.Description = "With format=csv or format=xlsx the whole list, filtered like the list of stations; importing it again changes nothing. Passwords are not exported."
	web.Handle(a, export, func(ctx context.Context, in *listInput) (*web.ListOutput[bulkBody], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		views, next, err := s.List(ctx, req, in.Q, in.Retired)
		if err != nil {
			return nil, err
		}
		items := make([]bulkBody, len(views))
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			for i, v := range views {
				var site location.Site
				if v.Site != "" {
					if site, err = s.site(tx, v.Site); err != nil && !fault.Is(err, fault.NotFound) {
						return err
					}
				}
				items[i] = bulkBodyOf(v, site)
			}
			return nil
		})
		return web.NewList(items, next), err
	})
	template := op(http.MethodGet, "/charging-stations/import-template", identity.StationRead, "Download an empty file to fill in: ?format=xlsx (default) or csv", tag)
	template.Produces = sheet.XLSX.MediaType()
	a.Raw(template, a.Template("charging-stations", BulkColumns))

	load := op(http.MethodPost, "/charging-stations/import", identity.StationWrite, "Import charging stations from CSV or XLSX", tag)
	load.Description = "The body is the file, or multipart/form-data with the file as its only file part. All rows are stored or none; what is wrong is listed by row and column. " +
		"Columns: " + strings.Join(sheet.Names(BulkColumns), ", ") + "; see the template. Query: mode=upsert (default) changes stations that exist, mode=create refuses them; " +
		"dry_run=true only checks; create_sites=true creates sites that are named and not there; progress=true answers with application/x-ndjson, a line {\"done\",\"rows\"} each second and last {\"result\"} or {\"problem\"}."
	load.MaxBody, load.Produces = BulkLimits.Bytes+1<<20, "application/json"
	a.Raw(load, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handleImport(a, w, r) }))
}

func (s *Service) handleImport(a *web.API, w http.ResponseWriter, r *http.Request) {
	how, progress, err := bulkQuery(r.URL.Query())
	var file io.Reader
	if err == nil {
		file, err = upload(r)
	}
	if err != nil {
		a.Fail(w, r, err)
		return
	}
	if progress {
		s.watchImport(a, w, r, file, how)
		return
	}
	done, err := s.Import(r.Context(), file, how)
	if err != nil {
		a.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(done) // the client is gone when this fails
}

func bulkQuery(q url.Values) (how Bulk, progress bool, err error) {
	bad := fault.New(fault.Invalid, "request.invalid", "The query has parameters that cannot be used.")
	flags := map[string]*bool{"dry_run": &how.DryRun, "create_sites": &how.CreateSites, "progress": &progress}
	for name := range q {
		v := q.Get(name)
		flag := flags[name]
		switch {
		case name == "mode" && (v == "upsert" || v == "create"):
			how.CreateOnly = v == "create"
		case name == "mode":
			bad.With("query.mode", "upsert or create", v)
		case flag == nil:
			bad.With("query."+name, "is not a parameter; allowed: create_sites, dry_run, mode, progress", v)
		case v == "true" || v == "false":
			*flag = v == "true"
		default:
			bad.With("query."+name, "true or false", v)
		}
	}
	if len(bad.Fields) > 0 {
		return how, false, bad
	}
	return how, progress, nil
}

// upload gives the file of a request: its body, or the file part of a form.
func upload(r *http.Request) (io.Reader, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return r.Body, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "request.form", "the form cannot be read")
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "request.form", "the form has no file")
		}
		if part.FileName() != "" {
			return part, nil
		}
	}
}

type bulkProgress struct {
	Done   *int64    `json:"done,omitempty"`
	Rows   int       `json:"rows,omitempty"`
	Result *Imported `json:"result,omitempty"`
	Error  any       `json:"problem,omitempty"`
}

// bulkProblem is an error inside a stream, which has its status already.
type bulkProblem struct {
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Errors []sheet.Note `json:"errors,omitempty"`
}

// watchImport answers with a line each second. The rows are counted by the
// import, and written from outside of its transaction.
func (s *Service) watchImport(a *web.API, w http.ResponseWriter, r *http.Request, file io.Reader, how Bulk) {
	how.Done = &atomic.Int64{}
	type outcome struct {
		done Imported
		err  error
	}
	ended := make(chan outcome, 1)
	data, err := io.ReadAll(file) // the body cannot be read once the answer has begun
	if err != nil {
		a.Fail(w, r, fault.Wrap(fault.Invalid, err, "sheet.unreadable", "the file did not arrive, or is larger than %d MB", BulkLimits.Bytes>>20))
		return
	}
	go func() {
		done, err := s.Import(r.Context(), strings.NewReader(string(data)), how)
		ended <- outcome{done, err}
	}()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var line bulkProgress
		select {
		case end := <-ended:
			line.Result = &end.done
			if end.err != nil {
				line = bulkProgress{Error: s.problemLine(end.err)}
			}
			_ = out.Encode(line)
			return
		case <-tick.C:
			n := how.Done.Load()
			line.Done = &n
			_ = out.Encode(line)
			_ = flush.Flush() // the client is gone when this fails; the import ends with its context
		}
	}
}

func (s *Service) problemLine(err error) bulkProblem {
	f := fault.Of(err)
	if f == nil || f.Kind == fault.Internal {
		s.d.Log.Error("an import of stations failed", "err", err)
		return bulkProblem{Code: "internal", Detail: "The import failed; nothing was stored."}
	}
	p := bulkProblem{Code: f.Code, Detail: f.Message}
	for _, field := range f.Fields {
		n := sheet.Note{Location: field.Location, Message: field.Message}
		if field.Value != nil {
			n.Value = fmt.Sprint(field.Value)
		}
		p.Errors = append(p.Errors, n)
	}
	return p
}
