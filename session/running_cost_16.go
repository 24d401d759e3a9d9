package session

import (
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/tariff"
)

// The messages of the Open Charge Alliance's note "OCPP 1.6 and California
// pricing requirements". Amounts include tax.

type runningCostMessage struct {
	TransactionID int64         `json:"transactionId"`
	Timestamp     time.Time     `json:"timestamp"`
	MeterValue    int64         `json:"meterValue"` // Wh
	Cost          number        `json:"cost"`
	State         string        `json:"state"` // Charging, Idle
	ChargingPrice chargingPrice `json:"chargingPrice"`
	IdlePrice     *idlePrice    `json:"idlePrice,omitempty"`
}

type chargingPrice struct {
	KWhPrice  *number `json:"kWhPrice,omitempty"`
	HourPrice *number `json:"hourPrice,omitempty"`
	FlatFee   *number `json:"flatFee,omitempty"`
}

type idlePrice struct {
	GraceMinutes int64   `json:"graceMinutes,omitempty"`
	HourPrice    *number `json:"hourPrice,omitempty"`
}

type finalCostMessage struct {
	TransactionID int64       `json:"transactionId"`
	Cost          number      `json:"cost"`
	PriceText     string      `json:"priceText"`
	Extra         []priceText `json:"priceTextExtra,omitempty"`
}

type userPriceMessage struct {
	IDToken   string      `json:"idToken"`
	PriceText string      `json:"priceText"`
	Extra     []priceText `json:"priceTextExtra,omitempty"`
}

type priceText struct {
	Format   string `json:"format"`
	Language string `json:"language"`
	Content  string `json:"content"`
}

// runningCost16 is the cost so far and the prices of this moment.
func runningCost16(r *Session, v *tariff.Version, q *Quote, cost number, now time.Time) runningCostMessage {
	id, _ := strconv.ParseInt(r.Transaction, 10, 64) // ours, always a number
	m := runningCostMessage{TransactionID: id, Timestamp: now.UTC().Truncate(time.Second), MeterValue: (r.State.MeterStart + r.State.Energy).WattHours(), Cost: cost, State: "Charging"}
	if r.State.Charging == SuspendedEV || r.State.Charging == Idle {
		m.State = "Idle"
	}
	at := tariff.HeatQuestion{From: now, Energy: r.State.Energy, Duration: now.Sub(r.State.StartedAt), Power: r.State.Power}
	if q != nil {
		at.Context = q.Context
		if zone, err := time.LoadLocation(q.Zone); err == nil {
			at.From = now.In(zone)
		}
	}
	prices, grace := v.Tariff.Now(at)
	of := func(d tariff.Dimension) *number {
		p, ok := prices[d]
		if !ok {
			return nil
		}
		n := unit.DecimalOf(int64(p.Micros), -6)
		return &n
	}
	m.ChargingPrice = chargingPrice{KWhPrice: of("ENERGY"), HourPrice: of("TIME"), FlatFee: of("FLAT")}
	if hour := of("PARKING_TIME"); hour != nil {
		m.IdlePrice = &idlePrice{GraceMinutes: int64(grace / time.Minute), HourPrice: hour}
	}
	return m
}

// finalCost is what is paid.
func finalCost(r *Session, v *tariff.Version, cost number) finalCostMessage {
	id, _ := strconv.ParseInt(r.Transaction, 10, 64)
	m := finalCostMessage{TransactionID: id, Cost: cost}
	for _, l := range tariff.Languages {
		text := v.Tariff.Sentence(l)
		if l == tariff.English {
			m.PriceText = text
			continue
		}
		m.Extra = append(m.Extra, priceText{"UTF8", string(l), text})
	}
	return m
}

// userPrice is what a driver was shown.
func userPrice(token string, q *Quote) userPriceMessage {
	m := userPriceMessage{IDToken: token, PriceText: q.Shown[tariff.English]}
	for _, l := range tariff.Languages[1:] {
		m.Extra = append(m.Extra, priceText{"UTF8", string(l), q.Shown[l]})
	}
	return m
}
