package session

import (
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/foundation/web/webtest"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

func TestSessionRoutes(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		people := identity.New(identity.Deps{DB: h.d})
		api := web.New(web.Config{DB: h.d, Guard: people.Guard})
		h.s.Routes(api)
		key := func(org identity.OrgID) string {
			_, key, err := people.CreateKey(h.ctx, identity.APIKey{Name: "test", Role: identity.Owner, Org: org})
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
		sister, err := people.CreateOrganisation(h.ctx, identity.Organisation{Name: "Sister", Parent: identity.OrgID(h.org)})
		if err != nil {
			t.Fatal(err)
		}
		h.price(`{"type":"ENERGY","price":0.50,"vat":20,"step_size":1}`)
		h.token("CARD1")
		st := h.at16("CP1")
		tx, _ := st.start(1, "CARD1", minutes(0), 1000)
		st.meter(1, tx, register(minutes(10), 1700, power(4321)), register(minutes(20), 2500, power(5000)))
		st.stop(tx, minutes(30), 3003)
		running, _ := h.at16("CP2").start(3, "CARD2", minutes(31), 0)
		one := h.sessions()[0]
		path := "/sessions/" + string(one.ID)
		h.send = func(string, ocpp.Request) (ocpp.Response, error) {
			return &ocpp.RequestStopTransactionResponse{Status: ocpp.RequestStartStopStatusEnumRejected, StatusInfo: &ocpp.StatusInfo{ReasonCode: "NotNow"}}, nil
		}
		owner := webtest.New(t, api.Handler()).Bearer(key(identity.OrgID(h.org)))
		owner.Run(
			webtest.Scenario{Name: "read", Method: "GET", Path: path, Status: 200, Contains: []string{
				`"station_id":"CP1"`, `"evse_id":1`, `"id_token":"CARD1"`, `"transaction_id":"` + tx + `"`, `"status":"completed"`, `"stop_reason":"Local"`,
				`"started_at":"2026-03-10T09:07:12Z"`, `"ended_at":"2026-03-10T09:37:12Z"`, `"energy_wh":2003`, `"meter_start_wh":1000`, `"meter_stop_wh":3003`,
				`"max_power_w":5000`, `"power_w":0`, `"cost":{"currency":"EUR","excl_vat":"1.00","incl_vat":"1.20"}`, `"flags":[]`, `"protocol":"1.6"`}},
			webtest.Scenario{Name: "list by energy", Method: "GET", Path: "/sessions?energy_wh[gte]=2003&status=completed&sort=-energy_wh", Status: 200,
				Contains: []string{string(one.ID)}, Lacks: []string{"CP2"}},
			webtest.Scenario{Name: "list by start", Method: "GET", Path: "/sessions?started_at[gt]=2026-03-10T09:30:00Z", Status: 200, Contains: []string{"CP2"}, Lacks: []string{"CP1"}},
			webtest.Scenario{Name: "list as CSV", Method: "GET", Path: "/sessions?format=csv&station_id=CP1", Status: 200, Contains: []string{"CARD1"}},
			webtest.Scenario{Name: "an unknown filter", Method: "GET", Path: "/sessions?colour=red", Status: 422},
			webtest.Scenario{Name: "intervals", Method: "GET", Path: path + "/intervals", Status: 200, Check: func(t testing.TB, a webtest.Answer) {
				var page struct {
					Items []intervalBody `json:"items"`
				}
				a.JSON(t, &page)
				sum := int64(0)
				for _, v := range page.Items {
					sum += v.EnergyWh
				}
				if len(page.Items) != 3 || sum != 2003 {
					t.Fatalf("%d intervals with %d Wh", len(page.Items), sum)
				}
			}},
			webtest.Scenario{Name: "samples", Method: "GET", Path: path + "/samples?limit=2", Status: 200, Contains: []string{`"energy_wh":1700,"power_w":4321`, "next_cursor"}},
			webtest.Scenario{Name: "stop what is over", Method: "POST", Path: path + "/stop", Status: 409, Code: "session.over"},
			webtest.Scenario{Name: "stop", Method: "POST", Path: "/sessions/" + string(h.sessions()[1].ID) + "/stop", Status: 200, Contains: []string{`"status":"Rejected"`, `"reason":"NotNow"`}},
			webtest.Scenario{Name: "unknown", Method: "GET", Path: "/sessions/" + running, Status: 404, Code: "session.unknown"},
		)
		webtest.New(t, api.Handler()).Bearer(key(sister.ID)).Run(
			webtest.Scenario{Name: "a sister reads", Method: "GET", Path: path, Status: 404},
			webtest.Scenario{Name: "a sister lists", Method: "GET", Path: "/sessions", Status: 200, Contains: []string{`"items":[]`}},
			webtest.Scenario{Name: "a sister reads intervals", Method: "GET", Path: path + "/intervals", Status: 404},
			webtest.Scenario{Name: "a sister reads samples", Method: "GET", Path: path + "/samples", Status: 404},
			webtest.Scenario{Name: "a sister stops", Method: "POST", Path: path + "/stop", Status: 404},
		)
	})
}
