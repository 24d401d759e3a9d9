package station

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

func TestConnectorCellsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ports []EVSE
		for n := range rapid.IntRange(1, 4).Draw(t, "ports") {
			e := EVSE{EVSE: n + 1}
			for c := range rapid.IntRange(0, 3).Draw(t, "connectors") {
				e.Connectors = append(e.Connectors, Connector{
					ID: c + 1, Type: rapid.SampledFrom(ocpiTypes).Draw(t, "type"), Format: rapid.SampledFrom([]string{"", "SOCKET", "CABLE"}).Draw(t, "format"),
					PowerType: rapid.SampledFrom(append([]string{""}, powerTypes...)).Draw(t, "power type"), MaxPower: rapid.Int64Range(0, 1_000_000).Draw(t, "power"),
				})
			}
			ports = append(ports, e)
		}
		read, err := parseConnectors(writeConnectors(ports))
		if err != nil || len(read) != len(ports) {
			t.Fatalf("%q: %v, %v", writeConnectors(ports), read, err)
		}
		for i, p := range read {
			if p.EVSE != ports[i].EVSE || len(p.Connectors) != len(ports[i].Connectors) || !sameConnectors(&ports[i], p) {
				t.Fatalf("%q became %+v", writeConnectors(ports), p)
			}
		}
	})
}

func TestConnectorCellsOfPeople(t *testing.T) {
	for cell, want := range map[string]string{
		"1 ccs2 150kW|2 Type-2 22 kW":                                           "",
		"1.1 CCS2 150kW; 1.2 CHAdeMO 50kW; 2.1 type2 SOCKET AC_3_PHASE 22,08kW": "1.1 IEC_62196_T2_COMBO CABLE DC 150kW; 1.2 CHADEMO CABLE DC 50kW; 2.1 IEC_62196_T2 SOCKET AC_3_PHASE 22080W",
		"1": "1", "1.1 sType2 7400W": "1.1 IEC_62196_T2 SOCKET 7400W", "0.1 CCS2": "", "1.1 CCS2; 1.1 CCS2": "", "1.1 CCS2 kaputt": "", "1.1 CCS2 1.23456kW": "",
	} {
		ports, err := parseConnectors(cell)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v", cell, err)
			continue
		}
		var evses []EVSE
		for _, p := range ports {
			e := EVSE{EVSE: p.EVSE}
			describePort(&e, p)
			evses = append(evses, e)
		}
		if got := writeConnectors(evses); err == nil && got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}

func (h *house) imported(t *testing.T, c *webtest.Client, status int, query, file string) (Imported, webtest.Answer) {
	t.Helper()
	a := c.Must(status, "POST", "/charging-stations/import"+query, file)
	var out Imported
	if status == 200 {
		a.JSON(t, &out)
	}
	return out, a
}

func TestBulkImport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		north := h.north.For(t)
		const file = "\ufeffStation-ID;Bezeichnung;Standort;Land;Breitengrad;Längengrad;Hersteller;Modell;Seriennummer;Passwort;Aktiv;Anschlüsse;Beschriftungen\r\n" +
			"N-1;Mole 1;Hafen;NO;59,9;10,75;Acme;X;007;correct horse battery;ja;1.1 CCS2 150kW|2.1 Type2 22kW;1=A\r\n" +
			"N-2;;Hafen;NO;59,9;10,75;;;;;nein;;\r\n"
		_, refused := h.imported(t, north, 422, "", file)
		if !strings.Contains(refused.Body, "row 2 column site") || !strings.Contains(refused.Body, "create_sites") {
			t.Errorf("a missing site: %s", refused.Body)
		}
		dry, _ := h.imported(t, north, 200, "?dry_run=true&create_sites=true", file)
		if dry.Created != 2 || len(dry.Sites) != 1 || len(dry.Passwords) != 0 || !dry.DryRun {
			t.Errorf("dry run: %+v", dry)
		}
		north.Run(webtest.Scenario{Name: "a dry run changes nothing", Method: "GET", Path: "/charging-stations", Status: 200, Contains: []string{`"items":[]`}})
		done, _ := h.imported(t, north, 200, "?create_sites=true", file)
		if done.Created != 2 || len(done.Sites) != 1 || len(done.Passwords) != 1 || done.Passwords[0].ID != "N-2" {
			t.Errorf("import: %+v", done)
		}
		north.Run(webtest.Scenario{Name: "imported", Method: "GET", Path: "/charging-stations/N-1", Status: 200, Contains: []string{
			`"name":"Mole 1"`, `"site_name":"Hafen"`, `"serial_number":"007"`, `"max_power_w":150000`, `"label":"A"`, `"IEC_62196_T2_COMBO"`, `"has_password":true`, `"active":true`}})
		for id, password := range map[string]string{"N-1": "correct horse battery", "N-2": done.Passwords[0].Password} {
			if _, err := h.Service.Connect(h.ctx(), h.handshake(id, password)); err != nil {
				t.Errorf("%s cannot connect: %v", id, err)
			}
		}
		h.imported(t, north, 422, "?mode=create", file)
		again, _ := h.imported(t, north, 200, "", file)
		if again.Unchanged != 2 || again.Changed != 0 || len(again.Passwords) != 0 {
			t.Errorf("the same file again: %+v", again)
		}
		h.imported(t, h.south.For(t), 422, "", "id\nn-1\n")
		h.imported(t, h.viewer.For(t), 403, "", "id\nV-1\n")
	})
}

func TestBulkImportNamesEveryWrongCell(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, a := h.imported(t, h.north.For(t), 422, "", "id,security_profile,password,active,connectors,latitude\n"+
			"A B,1,,,,\nX-1,9,,,,\nX-2,,short,,,\nX-3,,,perhaps,,\nX-4,,,,9999.1 CCS2,\nX-5,,,,,\"1,234,5\"\nx-1,,,,,\nX-6,,,,1.1 Steckdose,\n")
		for _, want := range []string{"row 2 column id", "row 3 column security_profile", "row 4 column password", "row 5 column active", "row 6 column connectors", "row 7 column latitude", "row 8 column id", "stands in row 3"} {
			if !strings.Contains(a.Body, want) {
				t.Errorf("the answer lacks %q:\n%s", want, a.Body)
			}
		}
		if strings.Contains(a.Body, "short\"") {
			t.Error("the answer shows a password")
		}
		_, a = h.imported(t, h.north.For(t), 422, "", "id,connectors\nX-6,1.1 Steckdose\n")
		if !strings.Contains(a.Body, "row 2 column connectors") {
			t.Error(a.Body)
		}
		_, a = h.imported(t, h.north.For(t), 422, "", "id,colour\nX-1,red\n")
		if !strings.Contains(a.Body, `\"colour\" is not a column`) {
			t.Error(a.Body)
		}
		_, a = h.imported(t, h.north.For(t), 422, "?dryrun=true", "id\nX-1\n")
		if !strings.Contains(a.Body, "query.dryrun") {
			t.Error(a.Body)
		}
	})
}

func TestBulkRoundTripChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		site, err := h.sites.Create(h.ctx(), location.Site{Name: "=HYPERLINK(\"x\")", Latitude: "59.9123456", Longitude: "-10.75", Address: location.Address{Country: "NO", PostalCode: "0150"}})
		h.must(err)
		for _, d := range []Draft{{ID: "=CS-1", Site: string(site.ID), Name: "@home"}, {ID: "CS-2", Name: "+47 22"}, {ID: "0003", Profile: 2, Inactive: true}, {ID: "-4", Name: "'=quoted"}} {
			h.create(d)
		}
		p := h.connect("CS-2")
		h.boot(p, "000123")
		h.status(p, 1, 1, "Available")
		h.status(p, 2, 1, "Charging")
		north := h.north.For(t)
		north.Must(200, "PATCH", "/charging-stations/CS-2/evses/1", `{"label":"-A","connectors":[{"id":1,"type":"IEC_62196_T2","max_power_w":22000}]}`)
		facts := webtest.Facts(t, h.db)
		for _, format := range []string{"csv", "xlsx"} {
			before := len(facts())
			file := north.Must(200, "GET", "/charging-stations/export?format="+format, "").Body
			if format == "csv" && (strings.Contains(file, ",=") || strings.Contains(file, "\n=") || strings.Contains(file, ",@")) {
				t.Errorf("the export holds a formula:\n%s", file)
			}
			done, _ := h.imported(t, north, 200, "", file)
			if done.Rows != 4 || done.Unchanged != 4 || len(done.Notes) != 0 || len(facts()) != before {
				t.Errorf("%s: %+v, %d facts", format, done, len(facts())-before)
			}
		}
		one := north.Must(200, "GET", "/charging-stations/export?format=csv&id="+url.QueryEscape("=cs-1"), "").Body
		if strings.Count(one, "\n") != 2 {
			t.Errorf("the export is not filtered:\n%s", one)
		}
		north.Must(200, "GET", "/charging-stations/import-template", "")
		empty := north.Must(200, "GET", "/charging-stations/import-template?format=csv", "").Body
		if !strings.HasPrefix(empty, "id,name,organisation,site") {
			t.Error(empty)
		}
	})
}

func TestBulkUpsertChangesOnlyWhatTheRowSays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		password := h.create(Draft{ID: "CS-1", Name: "Old"})
		h.create(Draft{ID: "GONE"})
		h.must(h.Retire(h.ctx(), "GONE"))
		p := h.connect("CS-1")
		h.boot(p, "SN-1")
		h.status(p, 1, 1, "Available")
		h.status(p, 1, 2, "Available")
		north := h.north.For(t)
		done, _ := h.imported(t, north, 200, "", "id,vendor,password,connectors,evse_max_power,active\ncs-1,Other,a whole new password,1.1 CCS2 50kW,1=50kW,\ngone,,,,,no\n")
		if done.Changed != 1 || done.Created != 1 || len(done.Notes) != 1 || len(done.Passwords) != 1 {
			t.Errorf("%+v", done)
		}
		a := north.Must(200, "GET", "/charging-stations/CS-1", "")
		for _, want := range []string{`"name":"Old"`, `"vendor":"Acme"`, `"password_pending":true`, `"max_power_w":50000`, `"IEC_62196_T2_COMBO"`, `"online":true`} {
			if !strings.Contains(a.Body, want) {
				t.Errorf("lacks %s: %s", want, a.Body)
			}
		}
		if strings.Contains(a.Body, `"id":2`) {
			t.Error("a connector that the row does not name is still there")
		}
		for _, secret := range []string{password, "a whole new password"} {
			if _, err := h.Service.Connect(h.ctx(), h.handshake("CS-1", secret)); err != nil {
				t.Errorf("a password does not work: %v", err)
			}
		}
		north.Run(webtest.Scenario{Name: "revived", Method: "GET", Path: "/charging-stations/GONE", Status: 200, Contains: []string{`"active":false`}, Lacks: []string{`"retired":true`}})
	})
}

func TestBulkImportTellsItsProgress(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.north.For(t).Must(200, "POST", "/charging-stations/import?progress=true", "id\nP-1\n")
		lines := strings.Split(strings.TrimSpace(a.Body), "\n")
		var last bulkProgress
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Result == nil || last.Result.Created != 1 {
			t.Errorf("%v: %s", err, a.Body)
		}
		a = h.north.For(t).Must(200, "POST", "/charging-stations/import?progress=true&mode=create", "id\nP-1\n")
		if !strings.Contains(a.Body, `"problem"`) || !strings.Contains(a.Body, "row 2 column id") {
			t.Error(a.Body)
		}
		form := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.csv\"\r\n\r\nid\nP-2\n\r\n--b--\r\n"
		a = h.north.For(t).Do("POST", "/charging-stations/import", form, "Content-Type", "multipart/form-data; boundary=b")
		if a.Status != 200 || !strings.Contains(a.Body, `"created":1`) {
			t.Error(a.Status, a.Body)
		}
	})
}

// BenchmarkBulkImport imports ten thousand stations with two ports each.
//
//	go test ./station -run '^$' -bench BulkImport -benchtime 1x
func BenchmarkBulkImport(b *testing.B) {
	var file strings.Builder
	file.WriteString("id,site_name,country,vendor,model,serial_number,password,connectors\n")
	for i := range 10_000 {
		fmt.Fprintf(&file, "B-%05d,Site %d,FR,Acme,X1,%08d,a password of station %d,1.1 CCS2 150kW; 2.1 Type2 22kW\n", i, i/20, i, i)
	}
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		b.Run(dialect.String(), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				d := schematest.Open(b, dialect, time.Now)
				people := identity.New(identity.Deps{DB: d})
				if _, _, err := people.Bootstrap(b.Context()); err != nil {
					b.Fatal(err)
				}
				sites, err := location.New(location.Deps{DB: d})
				if err != nil {
					b.Fatal(err)
				}
				s, err := New(Deps{DB: d, Locations: sites, Secret: secret})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				done, err := s.Import(identity.System(b.Context(), ""), strings.NewReader(file.String()), Bulk{CreateSites: true})
				if err != nil || done.Created != 10_000 {
					b.Fatal(done.Created, err)
				}
			}
		})
	}
}
