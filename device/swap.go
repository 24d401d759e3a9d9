package device

import (
	"database/sql"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// KindBatterySwap is a fact; its payload is BatterySwap.
const KindBatterySwap = "device.battery_swap"

// BatterySwap is a battery that went into a station or out of it (OCPP 2.1
// S03). What belongs to one swap has one request id.
type BatterySwap struct {
	ID         string     `json:"id"`
	Station    string     `json:"station_id"`
	Request    int64      `json:"request_id"`
	Event      string     `json:"event" doc:"BatteryIn, BatteryOut or BatteryOutTimeout"`
	Token      string     `json:"id_token"`
	TokenType  string     `json:"id_token_type"`
	EVSE       int        `json:"evse_id"`
	Serial     string     `json:"serial_number"`
	SoC        string     `json:"soc" doc:"Per cent"`
	SoH        string     `json:"soh" doc:"Per cent"`
	ProducedAt *time.Time `json:"production_date,omitempty"`
	VendorInfo string     `json:"vendor_info,omitempty"`
	ReceivedAt time.Time  `json:"received_at"`
}

const swapColumns = "id, station, request, event, token, token_type, evse, serial, soc, soh, produced_at, vendor_info, received_at"

func scanSwap(row db.Scanner) (x BatterySwap, err error) {
	var soc, soh, received int64
	var produced sql.NullInt64
	err = row.Scan(&x.ID, &x.Station, &x.Request, &x.Event, &x.Token, &x.TokenType, &x.EVSE, &x.Serial, &soc, &soh, &produced, &x.VendorInfo, &received)
	x.SoC, x.SoH, x.ProducedAt, x.ReceivedAt = perCent(soc), perCent(soh), db.TimePtr(produced), db.Time(received).UTC()
	return x, err
}

// perCent writes thousandths of a per cent.
func perCent(thousandths int64) string {
	return strings.TrimSuffix(strings.TrimRight(unit.Decimal{Coef: thousandths, Exp: -3}.String(), "0"), ".")
}

func thousandths(d unit.Decimal) int64 {
	n, ok := d.Scaled(3)
	if !ok {
		return 0
	}
	return min(max(n, 0), 100_000)
}

var swapSpec = db.ListSpec{
	Base: "SELECT " + swapColumns + " FROM device_battery_swap WHERE", Default: "-received_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("station_id", "station"), whole("request_id", "request"), text("event", "event"), text("id_token", "token"), whole("evse_id", "evse"), text("serial_number", "serial"),
		{Name: "soc", Column: "soc", Kind: db.Int, Scale: 1000, Sort: true, Filter: true}, {Name: "soh", Column: "soh", Kind: db.Int, Scale: 1000, Sort: true, Filter: true}, instant("received_at", "received_at"),
	},
}

// swapped keeps each battery of a message once.
func swapped(tx *db.Tx, o owner, r *ocpp.BatterySwapRequest) error {
	for _, b := range r.BatteryData {
		x := BatterySwap{ID: id.New[string](tx.Now), Station: o.station, Request: int64(r.RequestID), Event: string(r.EventType), Token: clip(r.IdToken.IdToken, 255), TokenType: string(r.IdToken.Type),
			EVSE: b.EVSEID, Serial: clip(b.SerialNumber, 100), SoC: perCent(thousandths(b.SoC)), SoH: perCent(thousandths(b.SoH)), VendorInfo: clip(b.VendorInfo, 1000), ReceivedAt: tx.Now}
		if b.ProductionDate != nil {
			x.ProducedAt = &b.ProductionDate.Time
		}
		n, err := tx.Exec("INSERT INTO device_battery_swap (org, site, "+swapColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15) ON CONFLICT DO NOTHING",
			o.org, o.site, x.ID, x.Station, x.Request, x.Event, x.Token, x.TokenType, x.EVSE, x.Serial, thousandths(b.SoC), thousandths(b.SoH), db.NullMicros(x.ProducedAt), x.VendorInfo, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := event.Record(tx, event.Fact{Org: o.org, Site: o.site, Station: o.station, Subject: "station/" + o.station, Kind: KindBatterySwap}, x); err != nil {
			return err
		}
	}
	return nil
}
