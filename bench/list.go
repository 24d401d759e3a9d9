package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
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
	// Every order the API has.
	listSorts = []string{"id", "name", "site_name", "vendor", "model", "serial_number", "security_profile", "status", "online", "last_seen_at", "created_at",
		"organisation", "site", "firmware_version", "protocol", "status_since", "in_use", "suspect", "connected_at"}
)

// listedStation is a station in the list as the API tells it, as far as the
// bench looks.
type listedStation struct {
	ID       string `json:"id"`
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	SiteName string `json:"site_name"`
	Serial   string `json:"serial_number"`
}

// row is station i of the list, one of eight vendors with twelve models each,
// a hundred to a site.
func (c *listCmd) row(prefix string, i int) listedStation {
	return listedStation{
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
	fits  func(s listedStation) bool
	empty bool // it may be that none fits
}

func (a *asking) filter(random *rand.Rand) filter {
	s := a.c.row(a.g.Prefix, random.IntN(a.c.Stations))
	switch random.IntN(8) {
	case 0:
		return filter{"all", url.Values{}, func(listedStation) bool { return true }, false}
	case 1:
		return filter{"vendor", url.Values{"vendor": {s.Vendor}}, func(l listedStation) bool { return l.Vendor == s.Vendor }, false}
	case 2:
		return filter{"vendor_model", url.Values{"vendor": {s.Vendor}, "model": {s.Model}}, func(l listedStation) bool { return l.Vendor == s.Vendor && l.Model == s.Model }, false}
	case 3:
		return filter{"site_name", url.Values{"site_name": {s.SiteName}}, func(l listedStation) bool { return l.SiteName == s.SiteName }, false}
	case 4:
		return filter{"serial", url.Values{"serial_number": {s.Serial}}, func(l listedStation) bool { return l.Serial == s.Serial }, false}
	case 5:
		return filter{"offline", url.Values{"online": {"false"}, "active": {"true"}}, func(listedStation) bool { return true }, false}
	}
	return rare(random, s)
}

// rare is a filter that has no index of its own, or fits next to nothing.
func rare(random *rand.Rand, s listedStation) filter {
	any := func(listedStation) bool { return true }
	switch random.IntN(5) {
	case 0:
		return filter{"online", url.Values{"online": {"true"}}, any, true}
	case 1:
		return filter{"status", url.Values{"status": {"faulted"}}, any, true}
	case 2:
		return filter{"seen", url.Values{"last_seen_at[gte]": {"2020-01-01T00:00:00Z"}}, any, true}
	case 3:
		part := s.Vendor[1:3]
		return filter{"contains", url.Values{"vendor[contains]": {strings.ToUpper(part)}}, func(l listedStation) bool {
			return strings.Contains(strings.ToLower(l.Vendor), strings.ToLower(part))
		}, false}
	}
	part := s.Serial[2:7]
	return filter{"text", url.Values{"q": {part}}, func(l listedStation) bool {
		return strings.Contains(strings.ToLower(fmt.Sprint(l)), strings.ToLower(part))
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
	for asked < pages {
		var page struct {
			Items []listedStation `json:"items"`
			Next  string          `json:"next_cursor"`
		}
		began := time.Now()
		err := a.g.api.Do(ctx, "GET", "/api/v1/charging-stations?"+f.query.Encode(), "", nil, &page)
		took := time.Since(began)
		if err == nil {
			err = f.check(page.Items, sort)
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

func (f filter) check(items []listedStation, sort string) error {
	if len(items) == 0 && !f.empty || len(items) > 50 {
		return fmt.Errorf("%s: %d stations in the page", f.query.Encode(), len(items))
	}
	for _, one := range items {
		if !f.fits(one) {
			return fmt.Errorf("%s: %s does not fit", f.query.Encode(), one.ID)
		}
	}
	by := map[string]func(s listedStation) string{
		"id": func(s listedStation) string { return s.ID }, "vendor": func(s listedStation) string { return strings.ToLower(s.Vendor) },
		"model": func(s listedStation) string { return s.Model }, "serial_number": func(s listedStation) string { return s.Serial },
	}[strings.TrimPrefix(sort, "-")]
	if by == nil {
		return nil
	}
	order := func(x, y listedStation) int { return strings.Compare(by(x), by(y)) }
	if strings.HasPrefix(sort, "-") {
		order = func(x, y listedStation) int { return strings.Compare(by(y), by(x)) }
	}
	if !slices.IsSortedFunc(items, order) {
		return fmt.Errorf("%s: not in order", f.query.Encode())
	}
	return nil
}
