package session

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Facts of what stations of OCPP 2.1 tell beside the transaction. The subject
// is the session's id, or the station's where no session is known.
const (
	KindSettlement = "session.settlement"        // Settlement: a payment at the station's terminal was settled, or not
	KindPriority   = "session.priority_charging" // Priority: charging with priority began or ended
)

// Settlement is what a station told of a payment at its own terminal (OCPP 2.1
// C19 to C22).
type Settlement struct {
	ID          string          `json:"id"`
	Station     string          `json:"station_id"`
	Session     ID              `json:"session_id,omitempty" doc:"Absent: of no session that is known"`
	Transaction string          `json:"transaction_id,omitempty"`
	PSPRef      string          `json:"psp_ref" doc:"The payment provider's reference"`
	Status      string          `json:"status" doc:"Settled, Canceled, Rejected or Failed"`
	Info        string          `json:"status_info,omitempty"`
	Amount      string          `json:"amount" doc:"In the currency of the terminal, which OCPP does not tell"`
	ReceiptID   string          `json:"receipt_id,omitempty"`
	ReceiptURL  string          `json:"receipt_url,omitempty"`
	VATNumber   string          `json:"vat_number,omitempty"`
	VATCompany  json.RawMessage `json:"vat_company,omitempty" doc:"As the station told"`
	SettledAt   time.Time       `json:"settled_at" doc:"By the station's clock"`
	ReceivedAt  time.Time       `json:"received_at"`
}

// Priority is a change between charging with and without priority (OCPP 2.1
// K21, K22).
type Priority struct {
	ID          string    `json:"id"`
	Station     string    `json:"station_id"`
	Session     ID        `json:"session_id,omitempty" doc:"Absent: of no session that is known"`
	Transaction string    `json:"transaction_id"`
	Activated   bool      `json:"activated"`
	At          time.Time `json:"at" doc:"When it was told; the message has no time"`
}

const (
	settlementColumns = "id, station, session, transaction_id, psp_ref, status, info, amount, receipt_id, receipt_url, vat_number, vat_company, settled_at, received_at"
	priorityColumns   = "id, station, session, transaction_id, activated, at"
)

func scanSettlement(row db.Scanner) (x Settlement, err error) {
	var company string
	var settled, received int64
	err = row.Scan(&x.ID, &x.Station, &x.Session, &x.Transaction, &x.PSPRef, &x.Status, &x.Info, &x.Amount, &x.ReceiptID, &x.ReceiptURL, &x.VATNumber, &company, &settled, &received)
	if company != "" {
		x.VATCompany = json.RawMessage(company)
	}
	x.SettledAt, x.ReceivedAt = db.Time(settled).UTC(), db.Time(received).UTC()
	return x, err
}

func scanPriority(row db.Scanner) (x Priority, err error) {
	var at int64
	err = row.Scan(&x.ID, &x.Station, &x.Session, &x.Transaction, &x.Activated, &at)
	x.At = db.Time(at).UTC()
	return x, err
}

func textField(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Text, Sort: true, Filter: true}
}

var settlementSpec = db.ListSpec{
	Base: "SELECT " + settlementColumns + " FROM session_settlement WHERE 1=1", Default: "-received_at", Key: "id",
	Fields: []db.Field{
		textField("id", "id"), textField("station_id", "station"), textField("session_id", "session"), textField("transaction_id", "transaction_id"), textField("psp_ref", "psp_ref"),
		textField("status", "status"), textField("receipt_id", "receipt_id"),
		{Name: "settled_at", Column: "settled_at", Kind: db.Instant, Sort: true, Filter: true}, {Name: "received_at", Column: "received_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

var prioritySpec = db.ListSpec{
	Base: "SELECT " + priorityColumns + " FROM session_priority WHERE 1=1", Default: "-at", Key: "id",
	Fields: []db.Field{
		textField("id", "id"), textField("station_id", "station"), textField("session_id", "session"), textField("transaction_id", "transaction_id"),
		{Name: "activated", Column: "activated", Kind: db.Bool, Filter: true}, {Name: "at", Column: "at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

// sessionOf finds the youngest session of a station's transaction; empty: none.
func sessionOf(tx *db.Tx, station, transaction string) (ID, error) {
	if transaction == "" {
		return "", nil
	}
	found, err := db.Collect(tx, func(row db.Scanner) (id ID, err error) { return id, row.Scan(&id) },
		"SELECT id FROM session WHERE station = $1 AND transaction_id = $2 ORDER BY started_at DESC LIMIT 1", station, transaction)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// NotifySettlement keeps what a station tells of a payment, once, also when
// its message comes again. It is answered when that is committed.
func (s *Service) NotifySettlement(ctx context.Context, p ocpp.Peer, r *ocpp.NotifySettlementRequest) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		x := Settlement{ID: id.New[string](tx.Now), Station: p.Station, Transaction: clip(r.TransactionID, 64), PSPRef: clip(r.PspRef, 500), Status: clip(string(r.Status), 64), Info: clip(r.StatusInfo, 1000),
			Amount: r.SettlementAmount.String(), ReceiptID: clip(r.ReceiptID, 100), ReceiptURL: clip(r.ReceiptURL, 4000), VATNumber: clip(r.VatNumber, 64), SettledAt: r.SettlementTime.Time, ReceivedAt: tx.Now}
		if x.SettledAt.Year() < 2015 { // its clock was never set
			x.SettledAt = tx.Now
		}
		if r.VatCompany != nil {
			text, err := json.Marshal(r.VatCompany)
			if err != nil {
				return err
			}
			x.VATCompany = text
		}
		var err error
		if x.Session, err = sessionOf(tx, p.Station, x.Transaction); err != nil {
			return err
		}
		n, err := tx.Exec("INSERT INTO session_settlement (org, site, "+settlementColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16) ON CONFLICT DO NOTHING",
			p.Org, p.Site, x.ID, x.Station, string(x.Session), x.Transaction, x.PSPRef, x.Status, x.Info, x.Amount, x.ReceiptID, x.ReceiptURL, x.VATNumber, string(x.VATCompany), db.Micros(x.SettledAt), db.Micros(tx.Now))
		if err != nil || n == 0 {
			return err
		}
		return event.Record(tx, event.Fact{Org: p.Org, Site: p.Site, Station: p.Station, Subject: subjectOf(x.Session, p.Station), Kind: KindSettlement}, x)
	})
}

// NotifyPriorityCharging keeps that a station began or ended to charge with
// priority. It is answered when that is committed; what is told twice in a
// row is kept once.
func (s *Service) NotifyPriorityCharging(ctx context.Context, p ocpp.Peer, r *ocpp.NotifyPriorityChargingRequest) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		x := Priority{ID: id.New[string](tx.Now), Station: p.Station, Transaction: clip(r.TransactionID, 64), Activated: r.Activated, At: tx.Now}
		before, err := db.Collect(tx, scanPriority, "SELECT "+priorityColumns+" FROM session_priority WHERE station = $1 AND transaction_id = $2 ORDER BY at DESC, id DESC LIMIT 1", x.Station, x.Transaction)
		if err != nil || len(before) > 0 && before[0].Activated == x.Activated {
			return err
		}
		if x.Session, err = sessionOf(tx, p.Station, x.Transaction); err != nil {
			return err
		}
		if err := tx.Send("INSERT INTO session_priority (org, site, "+priorityColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
			p.Org, p.Site, x.ID, x.Station, string(x.Session), x.Transaction, x.Activated, db.Micros(x.At)); err != nil {
			return err
		}
		return event.Record(tx, event.Fact{Org: p.Org, Site: p.Site, Station: p.Station, Subject: subjectOf(x.Session, p.Station), Kind: KindPriority}, x)
	})
}

func subjectOf(session ID, station string) string {
	if session == "" {
		return "station/" + station
	}
	return string(session)
}

func (s *Service) settlementRoutes(a *web.API) {
	listOf(s, a, "/settlements", "List payments at stations' terminals that were settled or failed", settlementSpec, scanSettlement)
	listOf(s, a, "/priority-charging", "List when charging with priority began and ended", prioritySpec, scanPriority)
}

// listOf registers a list of rows as they are.
func listOf[T any](s *Service, a *web.API, path, summary string, spec db.ListSpec, scan func(db.Scanner) (T, error)) {
	o := op(http.MethodGet, path, identity.SessionRead, summary)
	o.List = &spec
	web.Handle(a, o, func(ctx context.Context, in *listInput) (*web.ListOutput[T], error) {
		c, err := identity.Require(ctx, identity.SessionRead)
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var rows []T
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			rows, next, err = db.List(tx, spec, []db.Cond{c.Scope.Where("org")}, req, scan)
			return err
		})
		if err != nil {
			return nil, err
		}
		if rows == nil {
			rows = []T{}
		}
		return web.NewList(rows, next), nil
	})
}

// clip cuts a text of a station to what a column is for.
func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}
