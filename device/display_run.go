package device

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const messageColumns = "id, number, org, site, station, kind, priority, state, start_at, end_at, transaction_id, contents, created_at, updated_at, deleted_at"

func scanMessage(row db.Scanner) (Message, error) {
	var m Message
	var contents string
	var created, updated int64
	var start, end, deleted sql.NullInt64
	if err := row.Scan(&m.ID, &m.Number, &m.Org, &m.Site, &m.Station, &m.Kind, &m.Priority, &m.State, &start, &end, &m.Transaction, &contents, &created, &updated, &deleted); err != nil {
		return m, err
	}
	m.StartAt, m.EndAt, m.DeletedAt, m.CreatedAt, m.UpdatedAt = db.TimePtr(start), db.TimePtr(end), db.TimePtr(deleted), db.Time(created), db.Time(updated)
	return m, json.Unmarshal([]byte(contents), &m.Contents)
}

// shown is how a message stands at a station.
type shown struct {
	Station, Message, Org string
	Number                int
	State                 string // pending, applied, failed
	Reason                string
	Print                 string // fingerprint of what the station has; empty: nothing
	At                    time.Time
}

// States of a message at a station.
const (
	pending = "pending"
	applied = "applied"
	failing = "failed"
)

const shownColumns = "station, message, org, number, state, reason, shown, changed_at"

func scanShown(row db.Scanner) (shown, error) {
	var v shown
	var at int64
	err := row.Scan(&v.Station, &v.Message, &v.Org, &v.Number, &v.State, &v.Reason, &v.Print, &at)
	v.At = db.Time(at)
	return v, err
}

func saveShown(tx *db.Tx, v shown) error {
	return tx.Send("INSERT INTO device_display_state ("+shownColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (station, message) DO UPDATE SET state=excluded.state, reason=excluded.reason, shown=excluded.shown, changed_at=excluded.changed_at`,
		v.Station, v.Message, v.Org, v.Number, v.State, clip(v.Reason, 500), v.Print, db.Micros(tx.Now))
}

const (
	jobDisplay = "device.display"
	jobSpread  = "device.display_spread"
)

type displayJob struct {
	Station string `json:"station"`
	Ask     bool   `json:"ask,omitempty"` // first ask what the display has: it restarted
}

type spreadJob struct {
	Message string `json:"message"`
}

func enqueueDisplay(tx *db.Tx, org, station string, ask bool, at time.Time) error {
	key := station
	if ask {
		key += "/ask"
	}
	return job.Enqueue(tx, job.Job{Kind: jobDisplay, Key: key, Org: org, Payload: displayJob{station, ask}, RunAt: at})
}

// spreadMessage has every station that a message is for told.
func (s *Service) spreadMessage(ctx context.Context, j job.Job) error {
	var p spreadJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	var m Message
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		m, err = scanMessage(tx.QueryRow("SELECT "+messageColumns+" FROM device_display_message WHERE id = $1", p.Message))
		return err
	})
	if err != nil {
		return err
	}
	req := db.ListRequest{Limit: 500}
	if m.Site != "" {
		req.Filters = []db.Filter{{Field: "site", Value: m.Site}}
	}
	if m.Station != "" {
		req.Filters = []db.Filter{{Field: "id", Value: m.Station}}
	}
	for {
		list, next, err := s.d.Stations.List(identity.System(ctx, identity.OrgID(m.Org)), req, "", false)
		if err != nil {
			return err
		}
		err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
			for _, v := range list {
				err := tx.Send("INSERT INTO device_display_state ("+shownColumns+") VALUES ($1,$2,$3,$4,'pending','','',$5) ON CONFLICT (station, message) DO UPDATE SET state = 'pending', reason = ''",
					string(v.ID), m.ID, v.Org, m.Number, db.Micros(tx.Now))
				if err == nil {
					err = enqueueDisplay(tx, v.Org, string(v.ID), false, tx.Now)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if req.Cursor = next; err != nil || next == "" {
			return err
		}
	}
}

// reconcileDisplays looks again at stations whose displays are not as they
// should be.
func (s *Service) reconcileDisplays(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		due, err := db.Collect(tx, func(row db.Scanner) (o owner, err error) { err = row.Scan(&o.station, &o.org); return o, err },
			`SELECT DISTINCT s.station, s.org FROM device_display_state s JOIN device_display_message m ON m.id = s.message
			WHERE s.state = 'pending' OR s.state = 'failed' AND s.changed_at < $1 OR m.deleted_at IS NOT NULL OR m.end_at < $2 LIMIT 500`, db.Micros(tx.Now.Add(-6*time.Hour)), db.Micros(tx.Now))
		for _, o := range due {
			if err == nil {
				err = enqueueDisplay(tx, o.org, o.station, false, tx.Now)
			}
		}
		return err
	})
}

// display is what is known of one station's display.
type display struct {
	station  station.Station
	wanted   []Message
	have     map[string]shown
	gone     []shown // rows of messages that are not wanted any more
	limits   limits
	adapter  *adapter
	messages map[string]Message
}

func (s *Service) display(ctx context.Context, id string) (d display, err error) {
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		d = display{have: map[string]shown{}, messages: map[string]Message{}}
		if d.station, err = s.d.Stations.Get(tx, id); err != nil {
			return err
		}
		all, err := db.Collect(tx, scanMessage, "SELECT "+messageColumns+" FROM device_display_message WHERE deleted_at IS NULL AND (site = '' OR site = $1) AND (station = '' OR station = $2) ORDER BY created_at, id",
			d.station.Site, string(d.station.ID))
		if err != nil {
			return err
		}
		for _, m := range all {
			in, err := identity.ScopeOf(identity.OrgID(m.Org)).Has(tx, identity.OrgID(d.station.Org))
			if err != nil {
				return err
			}
			if in && m.wanted(tx.Now) {
				d.wanted, d.messages[m.ID] = append(d.wanted, m), m
			}
		}
		rows, err := db.Collect(tx, scanShown, "SELECT "+shownColumns+" FROM device_display_state WHERE station = $1 ORDER BY message", id)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if _, wanted := d.messages[r.Message]; wanted {
				d.have[r.Message] = r
			} else {
				d.gone = append(d.gone, r)
			}
		}
		return s.displayAbilities(tx, &d)
	})
	return d, err
}

// displayAbilities reads what the display can do, and how 1.6 stations are
// told.
func (s *Service) displayAbilities(tx *db.Tx, d *display) error {
	vars, err := db.Collect(tx, scanVariable, "SELECT "+variableColumns+" FROM device_variable WHERE station = $1 AND path LIKE 'displaymessagectrlr:%'", string(d.station.ID))
	if err != nil {
		return err
	}
	byName := map[string]Variable{}
	for _, v := range vars {
		byName[v.Path()] = v
	}
	d.limits = limitsFrom(ocpp.Version(d.station.Protocol), byName)
	list, err := db.Collect(tx, scanAdapter, "SELECT "+adapterColumns+" FROM device_display_adapter ORDER BY created_at DESC, id")
	for _, a := range list {
		if err != nil || !matches(a.Vendor, d.station.Vendor) || !matches(a.Model, d.station.Model) {
			continue
		}
		in, failure := identity.ScopeOf(identity.OrgID(a.Org)).Has(tx, identity.OrgID(d.station.Org))
		if err = failure; in && d.adapter == nil {
			d.adapter = &a
		}
	}
	return err
}

// syncDisplay brings a station's display to what it should show. A station
// that is offline is left: its boot comes back to it.
func (s *Service) syncDisplay(ctx context.Context, j job.Job) error {
	var p displayJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	d, err := s.display(ctx, p.Station)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || !d.station.Connected || len(d.wanted)+len(d.gone) == 0 {
		return err
	}
	if p.Ask && ocpp.Version(d.station.Protocol) != ocpp.V16 && len(d.have) > 0 {
		return gone(s.askDisplay(ctx, d))
	}
	for id, row := range d.have {
		if p.Ask { // it cannot be asked what it still shows: tell it again
			row.Print = ""
			d.have[id] = row
		}
	}
	for _, r := range d.gone {
		if err := s.takeDown(ctx, d, r); err != nil {
			return gone(err)
		}
	}
	for i, m := range d.wanted {
		if err := s.putUp(ctx, d, m, i); err != nil {
			return gone(err)
		}
	}
	return nil
}

// putUp shows a message at a station, unless it has it.
func (s *Service) putUp(ctx context.Context, d display, m Message, before int) error {
	row := d.have[m.ID]
	row.Station, row.Message, row.Org, row.Number = string(d.station.ID), m.ID, d.station.Org, m.Number
	fits, why := d.limits.fit(m, before)
	row.State, row.Reason = failing, why
	if why == "" {
		print := fingerprint(fits.info())
		if row.Print == print {
			return s.keepShown(ctx, row, applied, "", print)
		}
		status, err := s.tell(ctx, d, fits)
		if err != nil {
			return err
		}
		if status == "" {
			return s.keepShown(ctx, row, applied, "", print)
		}
		row.Reason = status
	}
	return s.keepShown(ctx, row, row.State, row.Reason, row.Print)
}

func (s *Service) keepShown(ctx context.Context, row shown, state, reason, print string) error {
	row.State, row.Reason, row.Print = state, reason, print
	return s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveShown(tx, row) })
}

// tell sends a message to a display; refused says why the station does not
// show it. The error is for a station that went away.
func (s *Service) tell(ctx context.Context, d display, m Message) (refused string, err error) {
	id := string(d.station.ID)
	if ocpp.Version(d.station.Protocol) == ocpp.V16 {
		if d.adapter == nil {
			return "unsupported: OCPP 1.6 has no display messages, and no display adapter is set for " + d.station.Vendor + " " + d.station.Model, nil
		}
		return s.transfer(ctx, id, d.adapter.VendorID, d.adapter.MessageID, fill(d.adapter.Template, m))
	}
	answer, err := s.d.Commander.Send(ctx, id, &ocpp.SetDisplayMessageRequest{Message: m.info()})
	if refusal(err) {
		return reasonOf(err), nil
	}
	if err != nil {
		return "", err
	}
	r, ok := answer.(*ocpp.SetDisplayMessageResponse)
	if !ok {
		return "the station's answer cannot be read", nil
	}
	if r.Status != ocpp.DisplayMessageStatusEnumAccepted {
		return string(r.Status) + map[bool]string{true: ": " + infoText(r.StatusInfo)}[infoText(r.StatusInfo) != ""], nil
	}
	return "", nil
}

// transfer tells a 1.6 station by DataTransfer.
func (s *Service) transfer(ctx context.Context, id, vendor, message, text string) (refused string, err error) {
	data, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	answer, err := s.d.Commander.Send(ctx, id, &ocpp.DataTransferRequest{VendorID: vendor, MessageID: message, Data: data})
	if refusal(err) {
		return reasonOf(err), nil
	}
	if err != nil {
		return "", err
	}
	if r, ok := answer.(*ocpp.DataTransferResponse); !ok || r.Status != ocpp.DataTransferStatusEnumAccepted {
		return "the station did not take the DataTransfer: " + string(r.Status), nil
	}
	return "", nil
}

// takeDown clears a message that is not wanted any more.
func (s *Service) takeDown(ctx context.Context, d display, r shown) error {
	id := string(d.station.ID)
	if r.Print != "" {
		var err error
		if ocpp.Version(d.station.Protocol) != ocpp.V16 {
			// Unknown is as good: OCPP 2.0.1 O05; an ended message is gone already.
			_, err = s.d.Commander.Send(ctx, id, &ocpp.ClearDisplayMessageRequest{ID: r.Number})
		} else if a := d.adapter; a != nil && a.ClearID != "" {
			_, err = s.transfer(ctx, id, a.VendorID, a.ClearID, fill(a.ClearText, Message{Number: r.Number}))
		}
		if err != nil && !refusal(err) {
			return err
		}
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("DELETE FROM device_display_state WHERE station = $1 AND message = $2", id, r.Message)
	})
}

// askDisplay asks what a display has after it restarted (OCPP 2.0.1 O03). Its
// answer, or NotifyDisplayMessages, tells what is missing.
func (s *Service) askDisplay(ctx context.Context, d display) error {
	id := string(d.station.ID)
	answer, err := s.d.Commander.Send(ctx, id, &ocpp.GetDisplayMessagesRequest{RequestID: int(reportID(s.d.DB.Now()))})
	if err != nil && !refusal(err) {
		return err
	}
	if r, ok := answer.(*ocpp.GetDisplayMessagesResponse); ok && r.Status == ocpp.GetDisplayMessagesStatusEnumAccepted {
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.missing(tx, ownerOf(d.station), nil) })
}

// missing has everything sent again that a display does not have.
func (s *Service) missing(tx *db.Tx, o owner, has map[int]bool) error {
	rows, err := db.Collect(tx, scanShown, "SELECT "+shownColumns+" FROM device_display_state WHERE station = $1", o.station)
	for _, r := range rows {
		if err == nil && !has[r.Number] && r.Print != "" {
			r.State, r.Reason, r.Print = pending, "", ""
			err = saveShown(tx, r)
		}
	}
	if err != nil {
		return err
	}
	return enqueueDisplay(tx, o.org, o.station, false, tx.Now)
}

// hearsDisplay compares what a display says it has with what it should have.
// Messages come in parts; those before the last are among the notices.
func (s *Service) hearsDisplay(tx *db.Tx, o owner, r *ocpp.NotifyDisplayMessagesRequest) error {
	if r.Tbc != nil && *r.Tbc {
		return nil
	}
	parts, err := db.Collect(tx, func(row db.Scanner) (p ocpp.NotifyDisplayMessagesRequest, err error) {
		var text string
		if err = row.Scan(&text); err == nil {
			err = json.Unmarshal([]byte(text), &p)
		}
		return p, err
	}, "SELECT payload FROM device_notice WHERE station = $1 AND kind = 'NotifyDisplayMessages' AND at > $2", o.station, db.Micros(tx.Now.Add(-15*time.Minute)))
	if err != nil {
		return err
	}
	has := map[int]bool{}
	for _, p := range append(parts, *r) {
		for _, one := range p.MessageInfo {
			if p.RequestID == r.RequestID {
				has[one.ID] = true
			}
		}
	}
	for number := range has {
		if err := s.leftover(tx, o, number); err != nil {
			return err
		}
	}
	return s.missing(tx, o, has)
}

// leftover has a message of ours cleared that a display still has although no
// row knows of it.
func (s *Service) leftover(tx *db.Tx, o owner, number int) error {
	m, err := scanMessage(tx.QueryRow("SELECT "+messageColumns+" FROM device_display_message WHERE number = $1", number))
	if fault.Is(err, fault.NotFound) {
		return nil // not ours: left alone
	}
	if err != nil {
		return err
	}
	return tx.Send("INSERT INTO device_display_state ("+shownColumns+") VALUES ($1,$2,$3,$4,'pending','','?',$5) ON CONFLICT (station, message) DO NOTHING", o.station, m.ID, o.org, number, db.Micros(tx.Now))
}

const adapterColumns = "id, org, vendor, model, vendor_id, message_id, template, clear_id, clear_text, created_at"

func scanAdapter(row db.Scanner) (adapter, error) {
	var a adapter
	var at int64
	err := row.Scan(&a.ID, &a.Org, &a.Vendor, &a.Model, &a.VendorID, &a.MessageID, &a.Template, &a.ClearID, &a.ClearText, &at)
	a.CreatedAt = db.Time(at)
	return a, err
}

func messageOf(tx *db.Tx, message string, scope db.Cond) (Message, error) {
	q, args := db.Build("SELECT "+messageColumns+" FROM device_display_message WHERE deleted_at IS NULL AND id = ?", message).And(scope).SQL()
	m, err := scanMessage(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "device.no_message", "there is no display message %q", clip(message, 60))
	}
	return m, err
}
