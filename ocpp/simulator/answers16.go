package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// request16 is any 1.6 command of the platform; each uses some of it.
type request16 struct {
	ConnectorID            *int       `json:"connectorId"`
	IDTag                  string     `json:"idTag"`
	TransactionID          int64      `json:"transactionId"`
	Type                   string     `json:"type"`
	RequestedMessage       string     `json:"requestedMessage"`
	Key                    any        `json:"key"` // one name, or a list of them
	Value                  string     `json:"value"`
	Duration               int        `json:"duration"`
	ListVersion            int        `json:"listVersion"`
	UpdateType             string     `json:"updateType"`
	List                   []entry16  `json:"localAuthorizationList"`
	ReservationID          int        `json:"reservationId"`
	ParentIDTag            string     `json:"parentIdTag"`
	ID                     *int       `json:"id"`
	StackLevel             *int       `json:"stackLevel"`
	ChargingProfilePurpose string     `json:"chargingProfilePurpose"`
	ChargingProfile        *profile16 `json:"chargingProfile"`
	Profiles               *profile16 `json:"csChargingProfiles"`

	ExpiryDate      *ocpp.DateTime           `json:"expiryDate"`
	CertificateType string                   `json:"certificateType"`
	Certificate     string                   `json:"certificate"`
	Chain           string                   `json:"certificateChain"`
	Hash            ocpp.CertificateHashData `json:"certificateHashData"`

	Location      string             `json:"location"`
	RetrieveDate  *ocpp.DateTime     `json:"retrieveDate"`
	Retries       *int               `json:"retries"`
	RetryInterval *int               `json:"retryInterval"`
	RequestID     int                `json:"requestId"`
	LogType       string             `json:"logType"`
	Log           ocpp.LogParameters `json:"log"`
	Firmware      ocpp.Firmware      `json:"firmware"`
}

type profile16 struct {
	ID             int        `json:"chargingProfileId"`
	TransactionID  *int64     `json:"transactionId"`
	StackLevel     int        `json:"stackLevel"`
	Purpose        string     `json:"chargingProfilePurpose"`
	Kind           string     `json:"chargingProfileKind"`
	RecurrencyKind string     `json:"recurrencyKind"`
	ValidFrom      *time.Time `json:"validFrom"`
	ValidTo        *time.Time `json:"validTo"`
	Schedule       struct {
		Duration      *int       `json:"duration"`
		StartSchedule *time.Time `json:"startSchedule"`
		Unit          string     `json:"chargingRateUnit"`
		Periods       []struct {
			Start  int          `json:"startPeriod"`
			Limit  unit.Decimal `json:"limit"`
			Phases int          `json:"numberPhases"`
		} `json:"chargingSchedulePeriod"`
	} `json:"chargingSchedule"`
}

func (q request16) connector() int {
	if q.ConnectorID == nil {
		return 0
	}
	return *q.ConnectorID
}

func status16(ok bool, yes, no string) any {
	if ok {
		return fields{"status": yes}
	}
	return fields{"status": no}
}

var answers16 = map[string]func(m *machine, q request16, now time.Time) any{
	"RemoteStartTransaction": func(m *machine, q request16, now time.Time) any {
		ok := m.remoteStart(q.connector(), Token{ID: q.IDTag}, nil, now)
		if e := m.evse(q.connector()); ok && e != nil && q.ChargingProfile != nil {
			m.store(q.ChargingProfile.version0(q.connector()))
		}
		return status16(ok, "Accepted", "Rejected")
	},
	"RemoteStopTransaction": func(m *machine, q request16, now time.Time) any {
		e := m.running(strconv.FormatInt(q.TransactionID, 10))
		if e != nil {
			m.finish(e, "Remote", now)
		}
		return status16(e != nil, "Accepted", "Rejected")
	},
	"Reset": func(m *machine, q request16, now time.Time) any {
		m.stopAll(q.Type+"Reset", now)
		m.rebooted = true
		return fields{"status": "Accepted"}
	},
	"UnlockConnector": func(m *machine, q request16, now time.Time) any {
		e := m.evse(q.connector())
		if e == nil {
			return fields{"status": "NotSupported"}
		}
		m.finish(e, "UnlockCommand", now)
		return fields{"status": "Unlocked"}
	},
	"ChangeAvailability": func(m *machine, q request16, now time.Time) any {
		known, done := m.change(q.connector(), q.Type == "Operative", now)
		if known && !done {
			return fields{"status": "Scheduled"}
		}
		return status16(known, "Accepted", "Rejected")
	},
	"TriggerMessage": func(m *machine, q request16, now time.Time) any {
		return status16(m.trigger(q.RequestedMessage, q.connector(), now), "Accepted", "NotImplemented")
	},
	"GetConfiguration":    getConfiguration,
	"ChangeConfiguration": changeConfiguration,
	"SetChargingProfile": func(m *machine, q request16, _ time.Time) any {
		ok := q.Profiles != nil && (q.connector() == 0 || m.evse(q.connector()) != nil)
		if ok {
			m.store(q.Profiles.version0(q.connector()))
		}
		return status16(ok, "Accepted", "Rejected")
	},
	"ClearChargingProfile": func(m *machine, q request16, _ time.Time) any {
		found := m.clear(func(p profile) bool {
			return (q.ID == nil || *q.ID == p.id) && (q.ConnectorID == nil || *q.ConnectorID == p.evse) && (q.StackLevel == nil || *q.StackLevel == p.stack) &&
				(q.ChargingProfilePurpose == "" || purposeOf(q.ChargingProfilePurpose) == p.purpose)
		})
		return status16(found, "Accepted", "Unknown")
	},
	"GetCompositeSchedule": composite16,
	"ClearCache": func(m *machine, _ request16, _ time.Time) any {
		clear(m.cache)
		return fields{"status": "Accepted"}
	},
	"GetLocalListVersion": func(m *machine, _ request16, _ time.Time) any { return fields{"listVersion": m.listVer} },
	"DataTransfer":        func(*machine, request16, time.Time) any { return fields{"status": "UnknownVendorId"} },
}

func (voice16) handle(m *machine, action string, payload json.RawMessage, now time.Time) (any, error) {
	answer, known := answers16[action]
	if !known {
		answer, known = files16[action]
	}
	if !known {
		answer, known = more16[action]
	}
	if !known || m.has(NoSecurity16) && (action == "GetLog" || action == "SignedUpdateFirmware") {
		return nil, errNotImplemented
	}
	var q request16
	if err := json.Unmarshal(payload, &q); err != nil {
		return nil, fmt.Errorf("%w: %v", errFormat, err)
	}
	return answer(m, q, now), nil
}

func (p *profile16) version0(connector int) profile {
	out := profile{
		id: p.ID, stack: p.StackLevel, evse: connector, purpose: purposeOf(p.Purpose), every: recurrence(p.RecurrencyKind),
		inWatts: p.Schedule.Unit == "W", duration: seconds(p.Schedule.Duration),
	}
	if p.TransactionID != nil {
		out.transaction = strconv.FormatInt(*p.TransactionID, 10)
	}
	for to, from := range map[*time.Time]*time.Time{&out.from: p.ValidFrom, &out.to: p.ValidTo, &out.start: p.Schedule.StartSchedule} {
		if from != nil {
			*to = *from
		}
	}
	if p.Kind == "Relative" {
		out.start = time.Time{}
	}
	for _, q := range p.Schedule.Periods {
		out.periods = append(out.periods, period{offset: time.Duration(q.Start) * time.Second, limit: scaled(q.Limit, out.inWatts), phases: q.Phases})
	}
	return out
}

func getConfiguration(m *machine, q request16, _ time.Time) any {
	names := slices.DeleteFunc(sortedKeys(m.variables), hidden)
	if list, ok := q.Key.([]any); ok && len(list) > 0 {
		names = names[:0]
		for _, k := range list {
			names = append(names, fmt.Sprint(k))
		}
	}
	var known []any
	var unknown []string
	for _, name := range names {
		value, ok := m.variables[name]
		if !ok || hidden(name) {
			unknown = append(unknown, name)
			continue
		}
		known = append(known, fields{"key": name, "readonly": readOnly(name), "value": value})
	}
	out := fields{}
	if known != nil {
		out["configurationKey"] = known
	}
	if unknown != nil {
		out["unknownKey"] = unknown
	}
	return out
}

func changeConfiguration(m *machine, q request16, _ time.Time) any {
	name, _ := q.Key.(string)
	switch _, known := m.variables[name]; {
	case !known:
		return fields{"status": "NotSupported"}
	case readOnly(name), !m.secure(name, q.Value):
		return fields{"status": "Rejected"}
	}
	m.variables[name] = q.Value
	m.apply(name, q.Value)
	return fields{"status": "Accepted"}
}

func composite16(m *machine, q request16, now time.Time) any {
	e := m.evse(q.connector())
	if e == nil && q.connector() == 0 && len(m.evses) > 0 {
		e = m.evses[0]
	}
	if e == nil {
		return fields{"status": "Rejected"}
	}
	var periods []any
	for _, p := range m.composite(e, now, time.Duration(q.Duration)*time.Second) {
		periods = append(periods, fields{"startPeriod": int(p.offset / time.Second), "limit": unit.DecimalOf(p.limit, -3)})
	}
	schedule := fields{"duration": q.Duration, "startSchedule": m.stamp16(now), "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
	return fields{"status": "Accepted", "connectorId": q.connector(), "scheduleStart": m.stamp16(now), "chargingSchedule": schedule}
}
