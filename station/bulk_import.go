package station

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
)

// BulkLimits bound a file of stations.
var BulkLimits = sheet.Limits{Bytes: 50 << 20, Rows: 100_000}

const bulkChunk = 500 // stations loaded and written together

// Bulk says how a file is to be taken.
type Bulk struct {
	DryRun      bool          // check everything, change nothing
	CreateOnly  bool          // a station that exists is an error, not a change
	CreateSites bool          // a site that is not there is created; needs site.write
	Done        *atomic.Int64 // rows worked on so far; for who watches
}

// Imported says what an import did, or would do.
type Imported struct {
	Rows      int              `json:"rows"`
	Created   int              `json:"created"`
	Changed   int              `json:"changed"`
	Unchanged int              `json:"unchanged"`
	Sites     []string         `json:"sites_created" nullable:"false" doc:"Names"`
	Passwords []NewCredentials `json:"passwords,omitempty" doc:"Generated for new stations whose row had none; shown once"`
	Notes     []sheet.Note     `json:"notes" nullable:"false" doc:"Taken, but worth a look; the first hundred"`
	DryRun    bool             `json:"dry_run"`
}

// NewCredentials is what a station needs to connect.
type NewCredentials struct {
	ID       ID     `json:"id"`
	Password string `json:"password"`
	URL      string `json:"url"`
}

var errDryRun = errors.New("dry run")

// Import stores all stations of a CSV or XLSX file, or none: what is wrong is
// told for every row and column at once. Stations that exist are changed in
// what their row says, unless CreateOnly. The whole file is one transaction.
func (s *Service) Import(ctx context.Context, file io.Reader, how Bulk) (Imported, error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err == nil && how.CreateSites {
		_, err = identity.Require(ctx, identity.SiteWrite)
	}
	if err != nil {
		return Imported{}, err
	}
	table, err := sheet.Read(file, BulkColumns, BulkLimits)
	if err != nil {
		return Imported{}, err
	}
	bad := sheet.NewErrors("station.import")
	lines := readLines(table, s.checkProfile, bad)
	if err := bad.Err(); err != nil {
		return Imported{}, err
	}
	passwords := make([]string, len(lines)) // made before the transaction, which may run again
	for i := range lines {
		if lines[i].secret == "" {
			passwords[i] = NewPassword()
		}
	}
	var run *importing
	read := len(table.Notes)
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		table.Notes = table.Notes[:read]
		run = &importing{s: s, ctx: ctx, tx: tx, caller: caller, how: how, bad: sheet.NewErrors("station.import"), sites: map[string]found{}, orgs: map[string]bool{}}
		if err := run.all(lines, passwords); err != nil {
			return err
		}
		if err := run.bad.Err(); err != nil {
			return err
		}
		if how.DryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Imported{}, err
	}
	if err == nil && run.out.Created >= db.AnalyzeFrom {
		s.d.DB.Analyze(ctx, s.d.Log, "charging_station", "evse", "connector")
	}
	out := run.out
	out.Rows, out.DryRun, out.Notes = len(lines), how.DryRun, append([]sheet.Note{}, table.Notes...)
	if out.Sites == nil {
		out.Sites = []string{}
	}
	if how.DryRun {
		out.Passwords = nil
	}
	return out, nil
}

// importing is one import inside its transaction.
type importing struct {
	s      *Service
	ctx    context.Context
	tx     *db.Tx
	caller identity.Caller
	how    Bulk
	bad    *sheet.Errors
	out    Imported
	sites  map[string]found
	orgs   map[string]bool // seen by the caller
}

// found is what became of a site that rows name.
type found struct {
	site location.Site
	err  error
}

func (r *importing) all(lines []bulkLine, passwords []string) error {
	for from := 0; from < len(lines); from += bulkChunk {
		to := min(from+bulkChunk, len(lines))
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.chunk(lines[from:to], passwords[from:to]); err != nil {
			return err
		}
		if r.how.Done != nil {
			r.how.Done.Store(int64(to))
		}
	}
	return nil
}

func (r *importing) chunk(lines []bulkLine, passwords []string) error {
	keys := make([]string, len(lines))
	for i, l := range lines {
		keys[i] = l.id.Key()
	}
	known, err := lockTrees(r.tx, append([]string{}, keys...))
	if err != nil {
		return err
	}
	sealed, err := r.sealedOf(lines)
	if err != nil {
		return err
	}
	var trees []*tree
	for i, l := range lines {
		var t *tree
		if k := known[keys[i]]; k != nil {
			t, err = r.change(l, k, sealed[k.ID], passwords[i])
		} else {
			t, err = r.create(l, passwords[i])
		}
		if err != nil {
			return err
		}
		if t != nil && !r.bad.Any() {
			trees = append(trees, t)
		}
	}
	if r.bad.Any() { // nothing will be kept: only look for more errors
		return nil
	}
	return r.s.finish(r.tx, trees...)
}

// site finds the site that a row names, or creates it.
func (r *importing) site(l bulkLine) (location.Site, error) {
	asked := string(l.place.ID)
	if asked == "" {
		asked = l.place.Name
	}
	if asked == "" {
		return location.Site{}, nil
	}
	key := l.org + "\x00" + string(l.place.ID) + "\x00" + l.place.Name
	f, ok := r.sites[key]
	if !ok {
		f.site, f.err = r.lookUp(l, asked)
		r.sites[key] = f
	}
	if f.err != nil {
		column := "site"
		if l.place.ID == "" {
			column = "site_name"
		}
		return location.Site{}, r.bad.TakeAt(l.row.At(column), f.err)
	}
	r.compare(l, f.site)
	return f.site, nil
}

func (r *importing) lookUp(l bulkLine, asked string) (location.Site, error) {
	if r.s.d.Locations == nil {
		return location.Site{}, wrong("there are no sites here")
	}
	for _, name := range []string{asked, l.place.Name} {
		if name == "" {
			continue
		}
		list, err := r.s.d.Locations.Find(r.ctx, r.tx, name)
		if err != nil {
			return location.Site{}, err
		}
		var mine []location.Site
		for _, site := range list {
			if l.org == "" || strings.EqualFold(site.Org, l.org) || string(site.ID) == name {
				mine = append(mine, site)
			}
		}
		switch len(mine) {
		case 0:
			continue
		case 1:
			return mine[0], nil
		}
		ids := make([]string, len(mine))
		for i, site := range mine {
			ids[i] = string(site.ID)
		}
		return location.Site{}, wrong("there are several sites %q; name one by its id: %s", name, strings.Join(ids, ", "))
	}
	if !r.how.CreateSites {
		return location.Site{}, wrong("there is no site %q; give the id or the name of a site of yours, or import with create_sites=true", asked)
	}
	site := l.place
	site.Org = l.org
	if site.ID = ""; site.Name == "" {
		site.Name = asked
	}
	made, err := r.s.d.Locations.CreateIn(r.ctx, r.tx, site)
	if err == nil {
		r.out.Sites = append(r.out.Sites, made.Name)
	}
	return made, err
}

// compare notes where a row tells another place than its site has: stations
// have no coordinates of their own.
func (r *importing) compare(l bulkLine, site location.Site) {
	for _, c := range []struct{ column, row, site string }{{"latitude", l.place.Latitude, site.Latitude}, {"longitude", l.place.Longitude, site.Longitude}} {
		if c.row != "" && c.row != c.site {
			l.row.Note(c.column, "the site "+site.Name+" is at "+c.site+", which was kept: coordinates belong to the site")
		}
	}
}

// sees tells whether the caller may know of what the organisation has.
func (r *importing) sees(org string) (bool, error) {
	if ok, known := r.orgs[org]; known {
		return ok, nil
	}
	ok, err := r.caller.Scope.Has(r.tx, identity.OrgID(org))
	r.orgs[org] = ok
	return ok, err
}

// owner decides the organisation of a new station.
func (r *importing) owner(l bulkLine, site location.Site) (string, error) {
	switch {
	case site.ID != "" && l.org != "" && !strings.EqualFold(site.Org, l.org):
		r.bad.Add(l.row.At("organisation"), "the site "+site.Name+" belongs to the organisation "+site.Org, l.org)
		return "", nil
	case site.ID != "":
		return site.Org, nil
	case l.org != "" && r.orgs[l.org]:
		return l.org, nil
	}
	org, err := identity.Place(r.ctx, r.tx, identity.OrgID(l.org))
	if err == nil {
		r.orgs[string(org)] = true
	}
	if fault.Is(err, fault.Invalid) {
		return "", r.bad.TakeAt(l.row.At("organisation"), err)
	}
	return string(org), err
}
