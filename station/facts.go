package station

import (
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/cluster"
	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
)

// Kinds of the facts this room records. Their subject is the station.
const (
	KindCreated         = "station.created"          // Changed
	KindChanged         = "station.changed"          // Changed
	KindActivated       = "station.activated"        // Changed
	KindDeactivated     = "station.deactivated"      // Changed
	KindRetired         = "station.retired"          // Changed
	KindBoot            = "station.boot"             // Boot
	KindConnected       = "station.connected"        // Connection
	KindDisconnected    = "station.disconnected"     // Connection
	KindStatusChanged   = "station.status_changed"   // StatusChanged
	KindCommandFinished = "station.command_finished" // CommandFinished
	KindQuarantined     = "station.quarantined"      // Quarantine
	KindRefused         = "station.refused"          // Refused: a connection that people should look at
	KindReplaced        = "station.replaced"         // Replaced: another device behind the same id
)

// SignalLive is the kind of the signal published after each change of a
// station, with Live as data; it may be lost.
const SignalLive = "station.live"

// Changed is what a station is after it was created, edited, activated …
type Changed struct {
	ID      ID     `json:"id"`
	Name    string `json:"name,omitempty"`
	Active  bool   `json:"active"`
	Retired bool   `json:"retired,omitempty"`
	Profile int    `json:"security_profile"`
}

// Connection tells that a station came back, or that it is gone: recorded
// only when it stayed away for longer than the debounce (field note 25).
type Connection struct {
	Since      time.Time `json:"since"`
	Protocol   string    `json:"protocol,omitempty"`
	RemoteAddr string    `json:"remote_addr,omitempty"`
}

// StatusChanged tells of one port.
type StatusChanged struct {
	EVSE    int       `json:"evse_id"`
	From    State     `json:"from,omitempty"`
	Status  State     `json:"status"`
	OCPI    OCPI      `json:"ocpi"`
	Since   time.Time `json:"since"`
	InUse   bool      `json:"in_use"`
	Suspect bool      `json:"suspect"`
	Session string    `json:"session_id,omitempty"`
	Error   string    `json:"error_code,omitempty"`
}

// Live is a station as dashboards show it.
type Live struct {
	Online bool       `json:"online"`
	Status State      `json:"status"`
	EVSEs  []LiveEVSE `json:"evses"`
}

// LiveEVSE is a port as dashboards show it.
type LiveEVSE struct {
	ID      int       `json:"id"`
	Status  State     `json:"status"`
	Since   time.Time `json:"status_since"`
	Session string    `json:"session_id,omitempty"`
	Power   int64     `json:"power_w,omitempty"`
}

// signal is the form of everything published under "signal.": live relays it.
type signal struct {
	Kind    string          `json:"kind"`
	Org     string          `json:"org"`
	Site    string          `json:"site,omitempty"`
	Station string          `json:"station"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

func record(tx *db.Tx, s *Station, kind string, payload any) error {
	return event.Record(tx, factOf(s, kind), payload)
}

func factOf(s *Station, kind string) event.Fact {
	return event.Fact{Org: s.Org, Site: s.Site, Station: string(s.ID), Subject: "station/" + string(s.ID), Kind: kind}
}

func changedOf(s *Station) Changed {
	return Changed{ID: s.ID, Name: s.Name, Active: s.Life == Active, Retired: s.Life == Retired, Profile: s.Profile}
}

func (c Change) payload() StatusChanged {
	return StatusChanged{EVSE: c.EVSE, From: c.from, Status: c.State, OCPI: c.OCPI, Since: c.At, InUse: c.InUse, Suspect: c.Suspect, Session: c.Session, Error: c.Error}
}

// recordTrees records what became true: of each station the room's own facts
// of the change first, then each new state of a port.
func recordTrees(tx *db.Tx, trees []*tree) error {
	var all []event.Draft
	for _, t := range trees {
		for _, f := range t.facts {
			all = append(all, event.Draft{Fact: factOf(&t.Station, f.kind), Payload: f.payload})
		}
		for _, c := range t.history {
			if !c.quiet {
				all = append(all, event.Draft{Fact: factOf(&t.Station, KindStatusChanged), Payload: c.payload()})
			}
		}
	}
	return event.RecordAll(tx, all)
}

// publish tells dashboards; a lost signal costs a refresh.
func (s *Service) publish(t *tree, at time.Time) {
	if s.d.Bus == nil {
		return
	}
	l := Live{Online: t.Connected, Status: t.Status, EVSEs: []LiveEVSE{}}
	for _, e := range t.EVSEs {
		if e.RemovedAt == nil {
			l.EVSEs = append(l.EVSEs, LiveEVSE{ID: e.EVSE, Status: e.Status.State, Since: e.Since, Session: e.Session, Power: e.Power})
		}
	}
	data, err := json.Marshal(l)
	if err == nil {
		data, err = json.Marshal(signal{Kind: SignalLive, Org: t.Org, Site: t.Site, Station: string(t.ID), At: at, Data: data})
	}
	if err == nil {
		err = s.d.Bus.Publish("signal."+cluster.Token(t.Org)+"."+cluster.Token(SignalLive)+"."+cluster.Token(string(t.ID)), data)
	}
	if err != nil {
		s.d.Log.Debug("signal lost", "station", t.ID, "error", err)
	}
}
