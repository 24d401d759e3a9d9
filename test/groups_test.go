package test

import (
	"strconv"
	"testing"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// TestDriverGroupsPayTheirPrice: a tariff with a price of our own for a group
// of drivers, and a card of that group beside one of nobody's.
func TestDriverGroupsPayTheirPrice(t *testing.T) {
	t.Parallel()
	s := serve(t, db.SQLite)
	site := s.must("POST", "/sites", object{"name": "Depot", "address": object{"street": "1", "city": "Paris", "postal_code": "75001", "country": "FR"},
		"latitude": "48.85", "longitude": "2.35", "time_zone": "Europe/Paris", "currency": "EUR"})["id"]
	price := func(eur float64) []object {
		return []object{{"type": "ENERGY", "price": eur, "vat": 20, "step_size": 1}}
	}
	tariff := s.must("POST", "/tariffs", object{"country_code": "FR", "party_id": "TST", "id": "STAFF", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
		"elements": []object{{"price_components": price(0.10), "forecourt": object{"driver_groups": []string{"STAFF"}}}, {"price_components": price(0.40)}}})["id"]
	s.must("POST", "/tariff-assignments", object{"tariff": tariff, "site": site})
	s.must("POST", "/id-tokens", object{"id_token": "MEMBER", "type": "ISO14443", "status": "active", "group": "STAFF"})
	s.must("POST", "/id-tokens", object{"id_token": "GUEST", "type": "ISO14443", "status": "active"})
	p, _ := connect(t, s, "CS-1", s.station("CS-1", object{"site": site}), "ocpp1.6")
	p.say("BootNotification", versions[0].boot)
	for i, c := range []struct{ card, want string }{{"MEMBER", "1.00"}, {"GUEST", "4.00"}} {
		p.say("StatusNotification", object{"connectorId": i + 1, "errorCode": "NoError", "status": "Preparing"})
		got := p.say("StartTransaction", object{"connectorId": i + 1, "idTag": c.card, "meterStart": 0, "timestamp": stamp(began)})
		p.say("StopTransaction", object{"transactionId": got["transactionId"], "idTag": c.card, "meterStop": 10_000, "timestamp": stamp(began.Add(1200e9)), "reason": "Local"})
		p.say("StatusNotification", object{"connectorId": i + 1, "errorCode": "NoError", "status": "Available"})
		var cost object
		eventually(t, c.card+" has its bill", func() bool {
			list := s.items("/cdrs?evse_id=" + strconv.Itoa(i+1))
			if len(list) == 1 {
				cost, _ = list[0]["cost"].(object)
			}
			return cost != nil
		})
		if cost["excl_vat"] != c.want {
			t.Errorf("%s pays %v, want %s", c.card, cost, c.want)
		}
	}
}
