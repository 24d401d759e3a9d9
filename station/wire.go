package station

import (
	"encoding/json"
	"time"
)

type connectorBody struct {
	ID        int    `json:"id"`
	Type      string `json:"type,omitempty" doc:"OCPI ConnectorType where known"`
	Status    Report `json:"status,omitempty" doc:"As the station reported it last"`
	Format    string `json:"format,omitempty" doc:"SOCKET or CABLE"`
	PowerType string `json:"power_type,omitempty" doc:"OCPI PowerType"`
	MaxPower  int64  `json:"max_power_w,omitempty"`
	Error     string `json:"error_code,omitempty"`
	Vendor    string `json:"vendor_error_code,omitempty"`
	Info      string `json:"info,omitempty"`
}

type evseBody struct {
	ID         int             `json:"id"`
	Label      string          `json:"label,omitempty"`
	Status     State           `json:"status" doc:"The one state of the port"`
	Since      time.Time       `json:"status_since"`
	OCPI       OCPI            `json:"ocpi_status"`
	UK         Uptime          `json:"uk_pcpr" doc:"SI 2023/1168 regulation 7"`
	NEVI       Uptime          `json:"nevi" doc:"23 CFR 680.116"`
	IRVE       string          `json:"irve_state" doc:"etat_pdc"`
	IRVEUse    string          `json:"irve_use" doc:"occupation_pdc"`
	InUse      bool            `json:"in_use"`
	Suspect    bool            `json:"suspect" doc:"Available, but the last starts failed"`
	Operative  bool            `json:"operative" doc:"false: we took it out of service"`
	Session    string          `json:"session_id,omitempty"`
	Power      int64           `json:"power_w,omitempty"`
	MaxPower   int64           `json:"max_power_w,omitempty"`
	Hold       Hold            `json:"hold,omitempty"`
	Connectors []connectorBody `json:"connectors" nullable:"false"`
}

type deviationBody struct {
	Code    string    `json:"code"`
	Action  string    `json:"action,omitempty"`
	Detail  string    `json:"detail"`
	Count   int64     `json:"count"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

// StationBody is a station on the wire. It is exported for the schema, which
// leaves out embedded types that are not.
type StationBody struct {
	ID          ID              `json:"id"`
	Org         string          `json:"organisation"`
	Site        string          `json:"site,omitempty"`
	SiteName    string          `json:"site_name,omitempty"`
	Name        string          `json:"name,omitempty"`
	Active      bool            `json:"active"`
	Retired     bool            `json:"retired,omitempty"`
	Profile     int             `json:"security_profile" doc:"The least that may connect: 0 no password, 1 password, 2 TLS and password, 3 TLS and certificate"`
	Proven      int             `json:"proven_profile,omitempty" doc:"The highest it connected with, if TLS; below it only after security_profile was set anew"`
	LinkProfile int             `json:"connected_profile" doc:"Of the last connection"`
	NeedsCreds  bool            `json:"needs_credentials,omitempty" doc:"It cannot connect before it is given a password: POST …/credentials, or …/credentials/rotate while it is connected"`
	HasPassword bool            `json:"has_password"`
	Rotating    bool            `json:"password_pending,omitempty" doc:"A new password was given out and not used yet"`
	Shared      bool            `json:"password_shared,omitempty" doc:"It signs in with an enrolment token; rotate it"`
	Vendor      string          `json:"vendor,omitempty"`
	Model       string          `json:"model,omitempty"`
	Serial      string          `json:"serial_number,omitempty"`
	Firmware    string          `json:"firmware_version,omitempty"`
	ICCID       string          `json:"iccid,omitempty"`
	IMSI        string          `json:"imsi,omitempty"`
	Protocol    string          `json:"protocol,omitempty" doc:"OCPP version of the last connection"`
	Online      bool            `json:"online"`
	LastSeenAt  *time.Time      `json:"last_seen_at,omitempty" doc:"To somewhat more than half a heartbeat interval, at most 3.5 minutes"`
	ConnectedAt *time.Time      `json:"connected_at,omitempty"`
	GoneAt      *time.Time      `json:"disconnected_at,omitempty"`
	BootedAt    *time.Time      `json:"booted_at,omitempty"`
	RemoteAddr  string          `json:"remote_addr,omitempty"`
	Status      State           `json:"status" doc:"Over all ports: what needs a hand first"`
	StatusSince time.Time       `json:"status_since"`
	InUse       bool            `json:"in_use"`
	Suspect     bool            `json:"suspect"`
	Operative   bool            `json:"operative"`
	Quarantined bool            `json:"quarantined" doc:"Two devices use this id; its boots are answered Pending"`
	Skew        int64           `json:"clock_skew_s" doc:"Station clock minus ours, seconds"`
	Heartbeat   int64           `json:"heartbeat_s"`
	URL         string          `json:"url"`
	CreatedAt   time.Time       `json:"created_at"`
	ActivatedAt *time.Time      `json:"activated_at,omitempty"`
	EVSEs       []evseBody      `json:"evses" nullable:"false"`
	Deviations  []deviationBody `json:"deviations" nullable:"false"`
}

func (s *Service) body(v View) StationBody {
	st := v.Station
	b := StationBody{
		ID: st.ID, Org: st.Org, Site: st.Site, SiteName: st.SiteName, Name: st.Name, Active: st.Life == Active, Retired: st.Life == Retired,
		Profile: st.Profile, Proven: st.Proven, LinkProfile: st.LinkProfile, NeedsCreds: s.needsCredentials(&st), HasPassword: st.HasPassword, Rotating: st.Rotating, Shared: st.SharedSecret, Vendor: st.Vendor, Model: st.Model,
		Serial: st.Serial, Firmware: st.Firmware, ICCID: st.ICCID, IMSI: st.IMSI, Protocol: st.Protocol, Online: st.Connected,
		LastSeenAt: utc(st.LastSeenAt), ConnectedAt: utc(st.ConnectedAt), BootedAt: utc(st.BootedAt), RemoteAddr: host(st.RemoteAddr),
		Status: st.Status, StatusSince: st.StatusSince.UTC(), InUse: st.InUse, Suspect: st.Suspect, Operative: st.Operative,
		Quarantined: st.Quarantined != nil, Skew: int64(st.Skew / time.Second), Heartbeat: int64(st.Heartbeat / time.Second), URL: s.urlOf(&st),
		CreatedAt: st.CreatedAt.UTC(), ActivatedAt: utc(st.ActivatedAt), EVSEs: evseBodies(v.EVSEs), Deviations: deviationBodies(v.Deviations),
	}
	if !st.Connected {
		b.GoneAt = utc(st.GoneAt)
	}
	return b
}

// urlOf is where the station is to connect.
func (s *Service) urlOf(st *Station) string {
	if st.Profile >= 3 && s.d.CertificateURL != nil {
		if url := s.d.CertificateURL(string(st.ID)); url != "" {
			return url
		}
	}
	return s.d.URL(string(st.ID))
}

// needsCredentials holds for a station in service that nothing lets in: it
// enrolled without a password.
func (s *Service) needsCredentials(st *Station) bool {
	return st.Life == Active && !st.HasPassword && !st.Rotating && st.Profile < 3 && (st.Profile > 0 || !s.d.AllowProfile0)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func evseBodies(ports []EVSE) []evseBody {
	out := make([]evseBody, 0, len(ports))
	for _, e := range ports {
		out = append(out, evseBodyOf(e))
	}
	return out
}

func evseBodyOf(e EVSE) evseBody {
	b := evseBody{
		ID: e.EVSE, Label: e.Label, Status: e.Status.State, Since: e.Since.UTC(), OCPI: e.Status.OCPI, UK: e.Status.UK, NEVI: e.Status.NEVI,
		IRVE: e.Status.IRVE, IRVEUse: e.Status.IRVEUse, InUse: e.Status.InUse, Suspect: e.Status.Suspect, Operative: e.Operative,
		Session: e.Session, Power: e.Power, MaxPower: e.MaxPower, Hold: e.Hold, Connectors: []connectorBody{},
	}
	for _, c := range e.Connectors {
		b.Connectors = append(b.Connectors, connectorBody{
			ID: c.ID, Type: c.Type, Status: c.Report, Format: c.Format, PowerType: c.PowerType, MaxPower: c.MaxPower, Error: c.Error, Vendor: c.VendorCode, Info: c.Info,
		})
	}
	return b
}

type changeBody struct {
	EVSE    int       `json:"evse_id"`
	At      time.Time `json:"at"`
	Status  State     `json:"status"`
	OCPI    OCPI      `json:"ocpi_status"`
	UK      Uptime    `json:"uk_pcpr"`
	NEVI    Uptime    `json:"nevi"`
	InUse   bool      `json:"in_use"`
	Suspect bool      `json:"suspect"`
	Session string    `json:"session_id,omitempty"`
	Error   string    `json:"error_code,omitempty"`
}

func changeBodies(list []Change) []changeBody {
	out := make([]changeBody, 0, len(list))
	for _, c := range list {
		r := regimes[c.OCPI]
		out = append(out, changeBody{EVSE: c.EVSE, At: c.At.UTC(), Status: c.State, OCPI: c.OCPI, UK: r.uk, NEVI: r.nevi, InUse: c.InUse, Suspect: c.Suspect, Session: c.Session, Error: c.Error})
	}
	return out
}

type outageBody struct {
	EVSE     int        `json:"evse_id"`
	Cause    State      `json:"cause" doc:"unreachable or faulted"`
	Start    time.Time  `json:"start"`
	End      *time.Time `json:"end,omitempty" doc:"Absent while it lasts"`
	Duration int64      `json:"duration_s"`
}

func outageBodies(list []Outage, until time.Time) []outageBody {
	out := make([]outageBody, 0, len(list))
	for _, o := range list {
		end := until
		if o.End != nil {
			end = *o.End
		}
		out = append(out, outageBody{EVSE: o.EVSE, Cause: o.Cause, Start: o.Start.UTC(), End: utc(o.End), Duration: int64(end.Sub(o.Start) / time.Second)})
	}
	return out
}

type messageBody struct {
	ID         string    `json:"id"`
	Station    string    `json:"station_id"`
	At         time.Time `json:"at"`
	Direction  string    `json:"direction" doc:"in from the station, out to it"`
	Type       string    `json:"type" doc:"call, result, error, resulterror, send or unreadable"`
	Action     string    `json:"action" doc:"Of a reply: that of its call"`
	MessageID  string    `json:"message_id"`
	Payload    string    `json:"payload" doc:"The whole frame as text"`
	Connection string    `json:"connection"`
}

type commandBody struct {
	ID         string          `json:"id"`
	Station    ID              `json:"station_id"`
	Action     string          `json:"action"`
	Payload    json.RawMessage `json:"payload"`
	Raw        bool            `json:"raw"`
	Status     CommandStatus   `json:"status" enum:"queued,sent,accepted,rejected,failed,timed_out"`
	Response   json.RawMessage `json:"response,omitempty" doc:"What the station answered"`
	Error      string          `json:"error,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	SentAt     *time.Time      `json:"sent_at,omitempty"`
	FinishedAt *time.Time      `json:"finished_at,omitempty"`
	VerifiedAt *time.Time      `json:"verified_at,omitempty" doc:"An event of the station showed that it happened"`
	Actor      string          `json:"actor"`
	ActorName  string          `json:"actor_name"`
	Reason     string          `json:"reason,omitempty"`
}

func commandBodyOf(c Command) commandBody {
	return commandBody{
		ID: c.ID, Station: c.Station, Action: c.Action, Payload: c.Payload, Raw: c.Raw, Status: c.Status, Response: c.Response, Error: c.Error,
		CreatedAt: c.CreatedAt.UTC(), SentAt: utc(c.SentAt), FinishedAt: utc(c.FinishedAt), VerifiedAt: utc(c.VerifiedAt), Actor: c.Actor, ActorName: c.ActorName, Reason: c.Reason,
	}
}

type knockBody struct {
	ID         ID        `json:"id"`
	FirstAt    time.Time `json:"first_at"`
	LastAt     time.Time `json:"last_at"`
	Count      int64     `json:"count"`
	RemoteAddr string    `json:"remote_addr"`
	UserAgent  string    `json:"user_agent,omitempty"`
	Protocols  string    `json:"protocols,omitempty"`
	Reason     string    `json:"reason" doc:"unknown, retired, or why the connection came to nothing: tls_failed, tls_without_http, plain_on_tls, tls_on_plain; then id may be empty"`
	Detail     string    `json:"detail,omitempty"`
}

type windowBody struct {
	ID        string    `json:"id"`
	Org       string    `json:"organisation"`
	Site      string    `json:"site,omitempty"`
	Label     string    `json:"label,omitempty"`
	OpensAt   time.Time `json:"opens_at"`
	ClosesAt  time.Time `json:"closes_at"`
	Max       int       `json:"max_stations"`
	Used      int       `json:"used"`
	Open      bool      `json:"open"`
	Token     bool      `json:"needs_token"`
	Secret    string    `json:"token,omitempty" doc:"Shown once: stations present it as ?token= or as Basic password"`
	CreatedAt time.Time `json:"created_at"`
}

func windowBodyOf(w Window, token string, now time.Time) windowBody {
	return windowBody{
		ID: w.ID, Org: w.Org, Site: w.Site, Label: w.Label, OpensAt: w.OpensAt.UTC(), ClosesAt: w.ClosesAt.UTC(), Max: w.Max, Used: w.Used,
		Open: w.open(now), Token: w.Token, Secret: token, CreatedAt: w.Created.UTC(),
	}
}

type deviceBody struct {
	Serial   string    `json:"serial_number"`
	Vendor   string    `json:"vendor"`
	Model    string    `json:"model"`
	Firmware string    `json:"firmware_version,omitempty"`
	FirstAt  time.Time `json:"first_boot_at"`
	LastAt   time.Time `json:"last_boot_at"`
}
