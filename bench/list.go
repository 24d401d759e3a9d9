package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

type listCmd struct {
	options  `embed:""`
	Stations int    `help:"How many stations there are." default:"100000" env:"-"`
	Requests int    `help:"How many lists to ask for." default:"1000" env:"-"`
	AtOnce   int    `help:"How many callers." default:"2" env:"-"`
	Seed     uint64 `help:"Decides which filters and orders." default:"1" env:"-"`
}

// Run asks for the list of stations in every way.
func (c *listCmd) Run(ctx context.Context, s Streams) error {
	return c.run(ctx, s, false, nil, c.measure)
}

var (
	listVendors = []string{"ABB", "Alfen", "Alpitronic", "EVBox", "Kempower", "KEBA", "Schneider Electric", "Wallbox"}
	// Every order the API has; see listOrders.
	listSorts = []string{"id", "name", "site_name", "vendor", "model", "serial_number", "security_profile", "status", "online", "last_seen_at", "created_at",
		"organisation", "site", "firmware_version", "protocol", "status_since", "in_use", "suspect", "connected_at"}
)

// listRow is a station of the list as it is imported.
type listRow struct{ ID, Vendor, Model, SiteName, Serial string }

// row is station i of the list, one of eight vendors with twelve models each,
// a hundred to a site.
func (c *listCmd) row(prefix string, i int) listRow {
	return listRow{
		ID: fmt.Sprintf("%s-%06d", prefix, i), Vendor: listVendors[i%len(listVendors)], Model: fmt.Sprintf("M%02d", i/len(listVendors)%12),
		SiteName: fmt.Sprintf("Site %04d", i/100), Serial: fmt.Sprintf("SN%08d", i*7919%100_000_000),
	}
}

func (c *listCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	g.say("importing %d stations", c.Stations)
	began := time.Now()
	const head = "id,name,site_name,city,country,latitude,longitude,vendor,model,serial_number,active,connectors"
	err := g.api.ImportRows(ctx, "/api/v1/charging-stations/import?create_sites=true", head, c.Stations, func(b *bytes.Buffer, i int) {
		s := c.row(g.Prefix, i)
		fmt.Fprintf(b, "%s,Bay %d,%s,Lyon,FR,45.75,4.85,%s,%s,%s,true,1.1 IEC_62196_T2 SOCKET AC_3_PHASE 22kW", s.ID, i, s.SiteName, s.Vendor, s.Model, s.Serial)
	})
	if err != nil {
		return nil, err
	}
	r := g.result("list", c.Stations)
	r.more("import_s", time.Since(began).Seconds())
	g.say("asking for %d lists", c.Requests)
	ask := &asking{c: c, g: g, kinds: map[string]*Histogram{}}
	l := g.measured(ctx, func() { ask.all(ctx) })
	r.delays(&ask.delays, l.lasted)
	if l.measured {
		r.CPUPerMessage = round(float64(l.server.Microseconds()) / float64(max(ask.delays.Count(), 1)))
		r.ClientCPU = round(float64(l.client.Microseconds()) / float64(max(ask.delays.Count(), 1)))
	}
	for name, h := range ask.kinds {
		r.more("p95_ms_"+name, ms(h.Quantile(.95)))
	}
	r.Errors, r.Examples = ask.wrong, ask.examples
	if u, ok := g.usage(); ok {
		r.ServerRSS = u.RSS
	}
	if u, ok := usageOf(os.Getpid()); ok {
		r.ClientRSS = u.RSS
	}
	return r, plot{distribution(fmt.Sprintf("List of %d stations", c.Stations), &ask.delays)}.write(c.SVG)
}

// asking is the requests of a run.
type asking struct {
	c      *listCmd
	g      *ground
	delays Histogram

	mu       sync.Mutex
	kinds    map[string]*Histogram // by kind of filter
	wrong    int
	examples []string
}

func (a *asking) all(ctx context.Context) {
	var group sync.WaitGroup
	for caller := range a.c.AtOnce {
		group.Go(func() {
			random := rand.New(rand.NewPCG(a.c.Seed, uint64(caller)))
			for asked := 0; asked < a.c.Requests/a.c.AtOnce && ctx.Err() == nil; {
				asked += a.one(ctx, random)
			}
		})
	}
	group.Wait()
}

// filter is a way to ask, and what every station in the answer must be.
type filter struct {
	name  string
	query url.Values
	fits  func(s listed) bool
	empty bool // it may be that none fits
}

func (a *asking) filter(random *rand.Rand) filter {
	s := a.c.row(a.g.Prefix, random.IntN(a.c.Stations))
	switch random.IntN(8) {
	case 0:
		return filter{"all", url.Values{}, func(listed) bool { return true }, false}
	case 1:
		return filter{"vendor", url.Values{"vendor": {s.Vendor}}, func(l listed) bool { return l.text("vendor") == s.Vendor }, false}
	case 2:
		return filter{"vendor_model", url.Values{"vendor": {s.Vendor}, "model": {s.Model}}, func(l listed) bool { return l.text("vendor") == s.Vendor && l.text("model") == s.Model }, false}
	case 3:
		return filter{"site_name", url.Values{"site_name": {s.SiteName}}, func(l listed) bool { return l.text("site_name") == s.SiteName }, false}
	case 4:
		return filter{"serial", url.Values{"serial_number": {s.Serial}}, func(l listed) bool { return l.text("serial_number") == s.Serial }, false}
	case 5:
		return filter{"offline", url.Values{"online": {"false"}, "active": {"true"}}, func(l listed) bool { return l.is("online", "false") && l.is("active", "true") }, false}
	}
	return rare(random, s)
}

// rare is a filter that has no index of its own, or fits next to nothing.
func rare(random *rand.Rand, s listRow) filter {
	switch random.IntN(5) {
	case 0:
		return filter{"online", url.Values{"online": {"true"}}, func(l listed) bool { return l.is("online", "true") }, true}
	case 1:
		return filter{"status", url.Values{"status": {"faulted"}}, func(l listed) bool { return l.text("status") == "faulted" }, true}
	case 2:
		from := "2020-01-01T00:00:00Z" // as text, too: of that very second there is none
		return filter{"seen", url.Values{"last_seen_at[gte]": {from}}, func(l listed) bool { return l.text("last_seen_at") >= from }, true}
	case 3:
		part := s.Vendor[1:3]
		return filter{"contains", url.Values{"vendor[contains]": {strings.ToUpper(part)}}, func(l listed) bool { return l.has(part, "vendor") }, false}
	}
	part := s.Serial[2:7]
	return filter{"text", url.Values{"q": {part}}, func(l listed) bool {
		return l.has(part, "id", "name", "site_name", "vendor", "model", "serial_number", "iccid")
	}, false}
}

// deepPages is how far a caller leafs who leafs.
const deepPages = 20

// one asks for a page, or leafs through some, and checks and times each.
func (a *asking) one(ctx context.Context, random *rand.Rand) (asked int) {
	f := a.filter(random)
	sort := listSorts[random.IntN(len(listSorts))]
	if random.IntN(2) == 0 {
		sort = "-" + sort
	}
	f.query.Set("sort", sort)
	f.query.Set("limit", "50")
	pages := 1
	if random.IntN(deepPages) == 0 {
		pages = deepPages
	}
	var last []listed // of the page before
	for asked < pages {
		var page listPage
		began := time.Now()
		text, err := a.g.api.Raw(ctx, "/api/v1/charging-stations?"+f.query.Encode())
		took := time.Since(began)
		if err == nil {
			err = json.Unmarshal(text, &page)
		}
		if err == nil {
			last, err = f.check(page.Items, sort, last, a.g.URL == "")
		}
		asked++
		a.took(f.name, took, err)
		if err != nil || page.Next == "" {
			break
		}
		f.query.Set("cursor", page.Next)
	}
	return asked
}

func (a *asking) took(name string, took time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		if a.wrong++; a.wrong <= 5 {
			a.examples = append(a.examples, err.Error())
		}
		return
	}
	a.delays.Add(took)
	if a.kinds[name] == nil {
		a.kinds[name] = &Histogram{}
	}
	a.kinds[name].Add(took)
}

// check looks at a page: whether each station fits, and comes in order behind
// the last one of the page before. It gives its own last one. Text of others
// than the bench's stations sorts as the database likes: words says whether
// its order is looked at.
func (f filter) check(items []listed, sort string, behind []listed, words bool) (last []listed, err error) {
	if len(items) == 0 && !f.empty && behind == nil || len(items) > 50 {
		return nil, fmt.Errorf("%s: %d stations in the page", f.query.Encode(), len(items))
	}
	for _, s := range items {
		if !f.fits(s) {
			return nil, fmt.Errorf("%s: %s does not fit", f.query.Encode(), s.text("id"))
		}
	}
	all := append(behind, items...)
	name, down := strings.CutPrefix(sort, "-")
	order := listOrders[name]
	for i := 1; i < len(all) && (words || !order.word); i++ {
		if n := order.compare(all[i-1].field(name), all[i].field(name)); n > 0 && !down || n < 0 && down {
			return nil, fmt.Errorf("%s: %s and %s are not in order", f.query.Encode(), all[i-1].text("id"), all[i].text("id"))
		}
	}
	return all[max(len(all)-1, 0):], nil
}
