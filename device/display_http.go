package device

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type contentBody struct {
	Language string `json:"language,omitempty" maxLength:"8" doc:"BCP 47; empty: any"`
	Format   string `json:"format,omitempty" enum:"ASCII,UTF8,HTML,URI,QRCODE" default:"UTF8"`
	Text     string `json:"text" minLength:"1" maxLength:"1024"`
}

type messageDraft struct {
	Organisation string        `json:"organisation,omitempty" maxLength:"40"`
	Site         string        `json:"site,omitempty" maxLength:"60" doc:"Only stations at this site"`
	Station      string        `json:"station,omitempty" maxLength:"48" doc:"Only this station"`
	Kind         string        `json:"kind,omitempty" enum:"message,local_information" default:"message" doc:"local_information: at most 500 characters of plain text about the place"`
	Priority     string        `json:"priority,omitempty" enum:"AlwaysFront,InFront,NormalCycle" default:"NormalCycle"`
	State        string        `json:"state,omitempty" enum:"Charging,Faulted,Idle,Unavailable,Suspended,Discharging" doc:"Only in this state; the last two are of OCPP 2.1"`
	StartAt      *time.Time    `json:"start_at,omitempty"`
	EndAt        *time.Time    `json:"end_at,omitempty"`
	Transaction  string        `json:"transaction,omitempty" maxLength:"36" doc:"Only until this transaction of the station ends"`
	Contents     []contentBody `json:"contents" minItems:"1" maxItems:"5" doc:"One text per language; the first is for all others"`
}

type messageBody struct {
	ID     string `json:"id"`
	Number int    `json:"number" doc:"Its id at stations"`
	messageDraft
	Pending   int64     `json:"pending" doc:"Stations that do not show it yet"`
	Applied   int64     `json:"applied"`
	Failed    int64     `json:"failed"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type messageOutput struct{ Body messageBody }

type shownBody struct {
	Station   string    `json:"station"`
	Message   string    `json:"message"`
	Number    int       `json:"number"`
	State     string    `json:"state" enum:"pending,applied,failed"`
	Reason    string    `json:"reason,omitempty"`
	ChangedAt time.Time `json:"changed_at"`
}

func shownBodyOf(v shown) shownBody {
	return shownBody{Station: v.Station, Message: v.Message, Number: v.Number, State: v.State, Reason: v.Reason, ChangedAt: v.At}
}

var messageSpec = db.ListSpec{
	Base: "SELECT " + messageColumns + " FROM device_display_message WHERE deleted_at IS NULL", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("site", "site"), text("station", "station"), text("kind", "kind"), text("priority", "priority"), instant("created_at", "created_at")},
}

func shownSpec(key string) db.ListSpec {
	return db.ListSpec{
		Base: "SELECT " + shownColumns + " FROM device_display_state WHERE", Default: "-changed_at", Key: key,
		Fields: []db.Field{text("station", "station"), text("message", "message"), text("state", "state"), instant("changed_at", "changed_at")},
	}
}

type adapterBody struct {
	ID           string    `json:"id,omitempty" readOnly:"true"`
	Organisation string    `json:"organisation,omitempty" maxLength:"40"`
	Vendor       string    `json:"vendor,omitempty" maxLength:"100" doc:"Pattern; * stands for anything"`
	Model        string    `json:"model,omitempty" maxLength:"100"`
	VendorID     string    `json:"vendor_id" minLength:"1" maxLength:"255"`
	MessageID    string    `json:"message_id,omitempty" maxLength:"50"`
	Template     string    `json:"template" minLength:"1" maxLength:"4000" doc:"Data of the DataTransfer with {id}, {content}, {language}, {priority}, {state}, {start}, {end}"`
	ClearID      string    `json:"clear_message_id,omitempty" maxLength:"50" doc:"Of the DataTransfer that takes a message down; empty: none"`
	ClearText    string    `json:"clear_template,omitempty" maxLength:"4000"`
	CreatedAt    time.Time `json:"created_at,omitempty" readOnly:"true"`
}

func adapterBodyOf(a adapter) adapterBody {
	return adapterBody{ID: a.ID, Organisation: a.Org, Vendor: a.Vendor, Model: a.Model, VendorID: a.VendorID, MessageID: a.MessageID, Template: a.Template, ClearID: a.ClearID, ClearText: a.ClearText, CreatedAt: a.CreatedAt}
}

var adapterSpec = db.ListSpec{
	Base: "SELECT " + adapterColumns + " FROM device_display_adapter WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("vendor", "vendor"), text("model", "model"), instant("created_at", "created_at")},
}

func (s *Service) displayRoutes(a *web.API) {
	ofOrgs(s, a, "/display-messages", identity.DeviceRead, "List display messages", messageSpec, scanMessage, func(m Message) messageBody { return messageBodyOf(m, nil) })
	web.Handle(a, made(op(http.MethodPost, "/display-messages", identity.DeviceWrite, "Show a message on displays")),
		func(ctx context.Context, in *struct{ Body messageDraft }) (*messageOutput, error) {
			return s.saveMessage(ctx, "", in.Body)
		})
	web.Handle(a, op(http.MethodGet, "/display-messages/{id}", identity.DeviceRead, "Read a display message and how many stations show it"), s.getMessage)
	web.Handle(a, op(http.MethodPut, "/display-messages/{id}", identity.DeviceWrite, "Change a display message; where it is shown stays"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body messageDraft
		}) (*messageOutput, error) {
			return s.saveMessage(ctx, in.ID, in.Body)
		})
	web.Handle(a, op(http.MethodDelete, "/display-messages/{id}", identity.DeviceWrite, "Take a message down everywhere"), s.deleteMessage)
	ofOrgs(s, a, "/display-message-states", identity.DeviceRead, "List how messages stand at stations", shownSpec("station || '/' || message"), scanShown, shownBodyOf)
	list(s, a, "/display-messages", "List the messages of a station's display", shownSpec("message"), scanShown, shownBodyOf)
	ofOrgs(s, a, "/display-adapters", identity.DeviceRead, "List how 1.6 stations are told messages", adapterSpec, scanAdapter, adapterBodyOf)
	web.Handle(a, made(op(http.MethodPost, "/display-adapters", identity.DeviceWrite, "Say how 1.6 stations of a model are told messages")), s.postAdapter)
	web.Handle(a, op(http.MethodDelete, "/display-adapters/{id}", identity.DeviceWrite, "Forget how stations of a model are told messages"), s.deleteAdapter)
}

func messageBodyOf(m Message, counts map[string]int64) messageBody {
	b := messageBody{ID: m.ID, Number: m.Number, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Pending: counts[pending], Applied: counts[applied], Failed: counts[failing]}
	b.messageDraft = messageDraft{Organisation: m.Org, Site: m.Site, Station: m.Station, Kind: m.Kind, Priority: m.Priority, State: m.State, StartAt: m.StartAt, EndAt: m.EndAt, Transaction: m.Transaction}
	for _, c := range m.Contents {
		b.Contents = append(b.Contents, contentBody(c))
	}
	return b
}

func shownCounts(tx *db.Tx, message string) (map[string]int64, error) {
	out := map[string]int64{}
	_, err := db.Collect(tx, func(row db.Scanner) (n int64, err error) {
		var state string
		err = row.Scan(&state, &n)
		out[state] = n
		return n, err
	}, "SELECT state, COUNT(*) FROM device_display_state WHERE message = $1 GROUP BY state", message)
	return out, err
}

func (s *Service) getMessage(ctx context.Context, in *idInput) (*messageOutput, error) {
	caller, err := identity.Require(ctx, identity.DeviceRead)
	if err != nil {
		return nil, err
	}
	out := &messageOutput{}
	return out, s.d.DB.View(ctx, func(tx *db.Tx) error {
		m, err := messageOf(tx, in.ID, caller.Scope.Where("org"))
		if err != nil {
			return err
		}
		counts, err := shownCounts(tx, m.ID)
		out.Body = messageBodyOf(m, counts)
		return err
	})
}

// saveMessage makes a message, or changes one. Stations are told in the
// background.
func (s *Service) saveMessage(ctx context.Context, message string, d messageDraft) (*messageOutput, error) {
	caller, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return nil, err
	}
	m := Message{ID: message, Site: d.Site, Kind: d.Kind, Priority: d.Priority, State: d.State, StartAt: d.StartAt, EndAt: d.EndAt, Transaction: d.Transaction, Station: d.Station}
	for _, c := range d.Contents {
		m.Contents = append(m.Contents, Content(c))
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	contents, err := json.Marshal(m.Contents)
	if err != nil {
		return nil, err
	}
	out := &messageOutput{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := s.placeMessage(ctx, tx, caller, &m, d.Organisation); err != nil {
			return err
		}
		err := tx.Send("INSERT INTO device_display_message ("+messageColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,NULL)
			ON CONFLICT (id) DO UPDATE SET kind=excluded.kind, priority=excluded.priority, state=excluded.state, start_at=excluded.start_at, end_at=excluded.end_at,
			transaction_id=excluded.transaction_id, contents=excluded.contents, updated_at=excluded.updated_at`,
			m.ID, m.Number, m.Org, m.Site, m.Station, m.Kind, m.Priority, m.State, db.NullMicros(m.StartAt), db.NullMicros(m.EndAt), m.Transaction, string(contents), db.Micros(m.CreatedAt), db.Micros(m.UpdatedAt))
		if err != nil {
			return err
		}
		if err := job.Enqueue(tx, job.Job{Kind: jobSpread, Key: m.ID, Org: m.Org, Payload: spreadJob{m.ID}}); err != nil {
			return err
		}
		counts, err := shownCounts(tx, m.ID)
		if err != nil {
			return err
		}
		out.Body = messageBodyOf(m, counts)
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(m.Org), Action: "display_message.saved", Subject: m.ID, Changes: map[string]identity.Change{"text": {nil, m.Contents[0].Text}}})
	})
}

// placeMessage settles where a message is shown; for one that exists, it stays.
func (s *Service) placeMessage(ctx context.Context, tx *db.Tx, caller identity.Caller, m *Message, asked string) error {
	m.UpdatedAt = tx.Now
	if m.ID != "" {
		was, err := messageOf(tx, m.ID, caller.Scope.Where("org"))
		m.Number, m.Org, m.Site, m.Station, m.CreatedAt = was.Number, was.Org, was.Site, was.Station, was.CreatedAt
		return err
	}
	org, err := identity.Place(ctx, tx, identity.OrgID(asked))
	if err != nil {
		return err
	}
	m.ID, m.Org, m.CreatedAt = id.New[string](tx.Now), string(org), tx.Now
	if m.Station != "" {
		st, err := s.d.Stations.Get(tx, m.Station)
		in := false
		if err == nil {
			in, err = caller.Scope.Has(tx, identity.OrgID(st.Org))
		}
		if fault.Is(err, fault.NotFound) || err == nil && !in {
			return fault.New(fault.Invalid, "station.unknown", "there is no station %q", clip(m.Station, 60)).With("body.station", "must be a station of yours", m.Station)
		}
		if err != nil {
			return err
		}
		m.Station, m.Org, m.Site = string(st.ID), st.Org, ""
	}
	return tx.QueryRow("SELECT COALESCE(MAX(number), 0) + 1 FROM device_display_message").Scan(&m.Number)
}

func (s *Service) deleteMessage(ctx context.Context, in *idInput) (*struct{}, error) {
	caller, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return nil, err
	}
	return nil, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		m, err := messageOf(tx, in.ID, caller.Scope.Where("org"))
		if err != nil {
			return err
		}
		if err := tx.Send("UPDATE device_display_message SET deleted_at = $2 WHERE id = $1", m.ID, db.Micros(tx.Now)); err != nil {
			return err
		}
		rows, err := db.Collect(tx, scanShown, "SELECT "+shownColumns+" FROM device_display_state WHERE message = $1", m.ID)
		for _, r := range rows {
			if err == nil {
				err = enqueueDisplay(tx, r.Org, r.Station, false, tx.Now)
			}
		}
		if err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(m.Org), Action: "display_message.deleted", Subject: m.ID})
	})
}

func (s *Service) postAdapter(ctx context.Context, in *struct{ Body adapterBody }) (*struct{ Body adapterBody }, error) {
	if _, err := identity.Require(ctx, identity.DeviceWrite); err != nil {
		return nil, err
	}
	b := in.Body
	out := &struct{ Body adapterBody }{}
	return out, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, identity.OrgID(b.Organisation))
		if err != nil {
			return err
		}
		a := adapter{ID: id.New[string](tx.Now), Org: string(org), Vendor: b.Vendor, Model: b.Model, VendorID: b.VendorID, MessageID: b.MessageID, Template: b.Template, ClearID: b.ClearID, ClearText: b.ClearText, CreatedAt: tx.Now}
		out.Body = adapterBodyOf(a)
		if err = tx.Send("INSERT INTO device_display_adapter ("+adapterColumns+") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
			a.ID, a.Org, a.Vendor, a.Model, a.VendorID, a.MessageID, a.Template, a.ClearID, a.ClearText, db.Micros(a.CreatedAt)); err != nil {
			return err
		}
		return tx.Send("UPDATE device_display_state SET state = 'pending' WHERE state = 'failed' AND reason LIKE 'unsupported: OCPP 1.6%'")
	})
}

func (s *Service) deleteAdapter(ctx context.Context, in *idInput) (*struct{}, error) {
	caller, err := identity.Require(ctx, identity.DeviceWrite)
	if err != nil {
		return nil, err
	}
	return nil, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		q, args := db.Build("DELETE FROM device_display_adapter WHERE id = ?", in.ID).And(caller.Scope.Where("org")).SQL()
		n, err := tx.Exec(q, args...)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "device.no_adapter", "there is no such display adapter")
		}
		return err
	})
}
