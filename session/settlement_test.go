package session

import (
	"strings"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestWhatTerminalsTell(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		people := identity.New(identity.Deps{DB: h.d})
		api := web.New(web.Config{DB: h.d, Guard: people.Guard})
		h.s.Routes(api)
		client := func(org identity.OrgID) *webtest.Client {
			_, key, err := people.CreateKey(h.ctx, identity.APIKey{Name: "test", Role: identity.Owner, Org: org})
			if err != nil {
				t.Fatal(err)
			}
			return webtest.New(t, api.Handler()).Bearer(key)
		}
		sister, err := people.CreateOrganisation(h.ctx, identity.Organisation{Name: "Sister", Parent: identity.OrgID(h.org)})
		if err != nil {
			t.Fatal(err)
		}
		h.token("CARD1")
		st := h.at16("CP1")
		tx, _ := st.start(1, "CARD1", minutes(0), 1000)
		one := string(h.sessions()[0].ID)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		paid := &ocpp.NotifySettlementRequest{TransactionID: tx, PspRef: "PSP-1", Status: "Settled", SettlementAmount: unit.Decimal{Coef: 1250, Exp: -2}, SettlementTime: ocpp.DateTime{Time: minutes(30)},
			ReceiptURL: "https://pay.example/r/1", VatCompany: &ocpp.Address{Name: "Firma"}}
		for range 2 { // its message comes again
			must(h.s.NotifySettlement(t.Context(), st.p, paid))
		}
		must(h.s.NotifySettlement(t.Context(), st.p, &ocpp.NotifySettlementRequest{PspRef: "PSP-2", Status: "Canceled"}))
		for _, on := range []bool{true, true, false} {
			must(h.s.NotifyPriorityCharging(t.Context(), st.p, &ocpp.NotifyPriorityChargingRequest{TransactionID: tx, Activated: on}))
		}
		owner, other := client(identity.OrgID(h.org)), client(sister.ID)
		if s := owner.Must(200, "GET", "/settlements?session_id="+one, "").Body; strings.Count(s, `"psp_ref":"PSP-1"`) != 1 || !strings.Contains(s, `"status":"Settled","amount":"12.5`) ||
			!strings.Contains(s, `"vat_company":{`) || strings.Contains(s, "PSP-2") {
			t.Errorf("of the session: %s", s)
		}
		if s := owner.Must(200, "GET", "/settlements?status=Canceled&format=csv", "").Body; !strings.Contains(s, "PSP-2") {
			t.Errorf("without a session: %s", s)
		}
		if s := owner.Must(200, "GET", "/priority-charging?station_id=CP1&sort=at", "").Body; strings.Count(s, `"activated":true`) != 1 || strings.Count(s, `"activated":false`) != 1 || strings.Count(s, one) != 2 {
			t.Errorf("priority: %s", s)
		}
		for _, path := range []string{"/settlements", "/priority-charging"} {
			if s := other.Must(200, "GET", path, "").Body; strings.Contains(s, "CP1") {
				t.Errorf("%s shows another organisation %s", path, s)
			}
		}
		facts := map[string]int{}
		for _, k := range h.told() {
			facts[k]++
		}
		if facts[KindSettlement] != 2 || facts[KindPriority] != 2 {
			t.Errorf("facts %v", facts)
		}
	})
}
