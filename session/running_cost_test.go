package session

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// shows has every station show costs, and collects what it is sent.
func (h *house) shows(d Display) *[]ocpp.Request {
	var sent []ocpp.Request
	h.s.d.Display = func(*db.Tx, string) (Display, error) { return d, nil }
	h.s.d.Placed = func(*db.Tx, string) (Placed, error) { return Placed{Org: h.org, EVSEs: []int{1, 2}}, nil }
	h.send = func(_ string, r ocpp.Request) (ocpp.Response, error) {
		sent = append(sent, r)
		switch r.(type) {
		case *ocpp.SetDefaultTariffRequest:
			return &ocpp.SetDefaultTariffResponse{Status: ocpp.TariffSetStatusEnumAccepted}, nil
		case *ocpp.ClearTariffsRequest:
			return &ocpp.ClearTariffsResponse{}, nil
		case *ocpp.CostUpdatedRequest:
			return &ocpp.CostUpdatedResponse{}, nil
		}
		return &ocpp.DataTransferResponse{Status: ocpp.DataTransferStatusEnumAccepted}, nil
	}
	return &sent
}

func (h *house) work() {
	h.t.Helper()
	if _, err := h.jobs.RunDue(h.ctx); err != nil {
		h.t.Fatal(err)
	}
}

// A 2.x station is told the cost with its events and between them (I02), and
// the final cost with the answer to its last.
func TestRunningCost2(t *testing.T) {
	each(t, Config{Reprice: time.Second}, func(t *testing.T, h *house) {
		sent := h.shows(Display{Cost: true})
		h.token("A")
		h.price(`{"type":"ENERGY","price":0.5,"vat":20,"step_size":1}`)
		st := h.at2("CS1")
		first := st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), withToken("A"), charging("Charging"), withMeter(register(minutes(0), 0))))
		if first.TotalCost == nil || first.TotalCost.Sign() != 0 || first.UpdatedPersonalMessage == nil || !strings.Contains(first.UpdatedPersonalMessage.Content, "0.60 EUR per kWh") {
			t.Fatalf("%+v", first)
		}
		h.work()
		st.tell(event2("Updated", "X", 1, minutes(10), withMeter(register(minutes(10), 4000))))
		h.work()
		if len(*sent) == 0 {
			t.Fatal("nothing was sent")
		}
		got, ok := (*sent)[len(*sent)-1].(*ocpp.CostUpdatedRequest)
		if !ok || got.TransactionID != "X" || got.TotalCost.String() != "2.4" {
			t.Fatalf("%+v", (*sent)[len(*sent)-1])
		}
		n := len(*sent)
		last := st.tell(event2("Ended", "X", 2, minutes(20), withMeter(register(minutes(20), 6000))))
		h.work()
		if last.TotalCost == nil || last.TotalCost.String() != "3.6" || len(*sent) != n || h.finished().Incl != 3_600_000 {
			t.Fatalf("the end costs %v; %d more messages", last.TotalCost, len(*sent)-n)
		}
	})
}

// A 1.6 station gets the messages of the California note.
func TestRunningCost16(t *testing.T) {
	each(t, Config{Reprice: time.Second}, func(t *testing.T, h *house) {
		sent := h.shows(Display{Cost: true})
		h.token("A")
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.5,"step_size":1},{"type":"PARKING_TIME","price":6,"step_size":1},{"type":"FLAT","price":1,"step_size":1}]}]`,
			`{"idle":{"grace_minutes":15}}`)
		st := h.at16("CP1")
		tx, _ := st.start(1, "A", minutes(0), 1000)
		h.work()
		st.status(1, "Charging", minutes(1))
		st.meter(1, tx, register(minutes(10), 5000))
		h.work()
		st.stop(tx, minutes(20), 7000)
		st.status(1, "Available", minutes(25)) // the bay is free: the price is final
		h.work()
		told := map[string]map[string]any{}
		for _, r := range *sent {
			d, ok := r.(*ocpp.DataTransferRequest)
			if !ok || d.VendorID != "org.openchargealliance.costmsg" {
				continue
			}
			var text string
			var m map[string]any
			if json.Unmarshal(d.Data, &text) != nil || json.Unmarshal([]byte(text), &m) != nil {
				t.Fatalf("%s: data is no JSON in a string: %s", d.MessageID, d.Data)
			}
			told[d.MessageID] = m
		}
		if m := told["SetUserPrice"]; m == nil || m["idToken"] != "A" || !strings.Contains(m["priceText"].(string), "0.50 EUR per kWh") {
			t.Errorf("SetUserPrice %v", m)
		}
		m := told["RunningCost"]
		if m == nil || m["cost"] != 3.0 || m["meterValue"] != 5000.0 || m["state"] != "Charging" ||
			m["chargingPrice"].(map[string]any)["kWhPrice"] != 0.5 || m["idlePrice"].(map[string]any)["graceMinutes"] != 15.0 {
			t.Errorf("RunningCost %v", m)
		}
		if m := told["FinalCost"]; m == nil || m["cost"] != 4.0 {
			t.Errorf("FinalCost %v", m)
		}
	})
}

// A station that did not ask for costs is told none while it charges.
func TestNoRunningCostUnasked(t *testing.T) {
	each(t, Config{Reprice: time.Second}, func(t *testing.T, h *house) {
		sent := h.shows(Display{})
		h.price(`{"type":"ENERGY","price":0.5,"step_size":1}`)
		st := h.at2("CS1")
		first := st.tell(event2("Started", "X", 0, minutes(0), onEVSE(1), charging("Charging"), withMeter(register(minutes(0), 0))))
		st.tell(event2("Updated", "X", 1, minutes(10), withMeter(register(minutes(10), 4000))))
		h.work()
		if len(*sent) != 0 || first.TotalCost != nil || first.UpdatedPersonalMessage != nil {
			t.Fatalf("%d messages, %+v", len(*sent), first)
		}
	})
}

// A 2.1 station that computes costs gets its tariff when it boots, and it is
// one that the schema allows.
func TestDefaultTariff(t *testing.T) {
	each(t, Config{}, func(t *testing.T, h *house) {
		sent := h.shows(Display{Tariff: true})
		h.extended(`[{"price_components":[{"type":"ENERGY","price":0.25,"vat":20,"step_size":1}],"restrictions":{"start_time":"23:00","end_time":"07:00","day_of_week":["MONDAY","SUNDAY"],"max_kwh":20.5}},
			{"price_components":[{"type":"ENERGY","price":0.5,"vat":20,"step_size":1},{"type":"TIME","price":1,"step_size":60},{"type":"PARKING_TIME","price":6,"step_size":1},{"type":"FLAT","price":1,"step_size":1}]}]`,
			`{"idle":{"grace_minutes":15}}`)
		log := event.New(h.d, nil, "stations", nil)
		log.Consume(h.s.Consumers()...)
		err := h.d.Update(h.ctx, func(tx *db.Tx) error {
			return event.Record(tx, event.Fact{Org: h.org, Station: "CS1", Subject: "station/CS1", Kind: station.KindBoot},
				station.Boot{Status: "Accepted", Protocol: string(ocpp.V21)})
		})
		if err == nil {
			err = log.CatchUp(h.ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		h.work()
		if len(*sent) != 1 {
			t.Fatalf("%d messages", len(*sent))
		}
		r := (*sent)[0].(*ocpp.SetDefaultTariffRequest)
		if problems := r.Validate(); len(problems) != 0 {
			t.Fatal(problems)
		}
		x := r.Tariff
		if c := x.Energy.Prices[0].Conditions; len(x.Energy.Prices) != 2 || c.MaxEnergy.String() != "20500" || c.StartTimeOfDay != "23:00" || len(c.DayOfWeek) != 2 ||
			x.IdleTime.Prices[0].PriceMinute != unit.DecimalOf(1, -1) || x.ChargingTime.Prices[0].PriceMinute.String() != "0.016666667" ||
			x.FixedFee.Prices[0].PriceFixed.String() != "1" || x.Energy.TaxRates[0].Tax.String() != "20" {
			t.Errorf("%+v", x)
		}
	})
}
