package simulator

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// reserved is a place kept for a token.
type reserved struct {
	id      int
	evse    int
	token   string
	group   string
	until   time.Time
	anyEVSE bool // of the station, not of this EVSE
}

// reserve keeps an EVSE (0: any free one) for a token; the answer is a word
// of ReservationStatusEnum (OCPP 2.0.1 H01; 1.6 §5.13).
func (m *machine) reserve(r reserved, now time.Time) string {
	for at, old := range m.reserved { // the same id replaces (OCPP 2.0.1 H01.FR.02)
		if old.id == r.id {
			m.release(at, now)
		}
	}
	e := m.evse(r.evse)
	if r.evse == 0 {
		r.anyEVSE = true
		if i := slices.IndexFunc(m.evses, func(e *EVSE) bool { return e.state == Available }); i >= 0 {
			e = m.evses[i]
		}
	}
	switch {
	case e == nil && r.evse == 0:
		return "Occupied"
	case e == nil:
		return "Rejected"
	case e.state == Faulted:
		return "Faulted"
	case e.state == Unavailable || e.disabled:
		return "Unavailable"
	case e.state != Available:
		return "Occupied"
	}
	if m.reserved == nil {
		m.reserved = map[int]*reserved{}
	}
	m.reserved[e.config.ID] = &r
	m.enter(e, Reserved, now)
	return "Accepted"
}

// release ends the reservation of an EVSE.
func (m *machine) release(evse int, now time.Time) {
	delete(m.reserved, evse)
	if e := m.evse(evse); e != nil && e.state == Reserved {
		m.enter(e, Available, now)
	}
}

func (m *machine) cancelReservation(id int, now time.Time) bool {
	for at, r := range m.reserved {
		if r.id == id {
			m.release(at, now)
			return true
		}
	}
	return false
}

// keeps tells whether an EVSE is kept for somebody else than this token.
func (m *machine) keeps(e *EVSE, token Token) bool {
	r := m.reserved[e.config.ID]
	return r != nil && r.token != token.ID && (r.group == "" || m.list[token.ID].group != r.group)
}

// use ends a reservation by its token's arrival; nil without one.
func (m *machine) use(e *EVSE, token Token) *int {
	r := m.reserved[e.config.ID]
	if r == nil || m.keeps(e, token) {
		return nil
	}
	delete(m.reserved, e.config.ID)
	return &r.id
}

// expire ends reservations whose time is over or whose EVSE broke; 2.x says
// so (OCPP 2.0.1 H04, H01.FR.17; 1.6 only by the status).
func (m *machine) expire(now time.Time) {
	for _, e := range m.evses {
		r := m.reserved[e.config.ID]
		if r == nil {
			continue
		}
		why := ""
		switch {
		case !r.until.IsZero() && !now.Before(r.until):
			why = "Expired"
		case e.state == Faulted || e.state == Unavailable:
			why = "Removed"
		default:
			continue
		}
		m.release(e.config.ID, now)
		if m.config.Version != "1.6" {
			m.say(&call{action: "ReservationStatusUpdate", payload: func() any {
				return fields{"reservationId": r.id, "reservationUpdateStatus": why}
			}})
		}
	}
}

func (voice2) onReserve(m *machine, req *ocpp.ReserveNowRequest, now time.Time) any {
	r := reserved{id: req.ID, token: req.IdToken.IdToken, until: req.ExpiryDateTime.Time}
	if req.EVSEID != nil {
		r.evse = *req.EVSEID
	}
	if req.GroupIdToken != nil {
		r.group = req.GroupIdToken.IdToken
	}
	return ocpp.ReserveNowResponse{Status: ocpp.ReserveNowStatusEnum(m.reserve(r, now))}
}

func (voice2) onCancelReservation(m *machine, req *ocpp.CancelReservationRequest, now time.Time) any {
	return fields{"status": map[bool]string{true: "Accepted", false: "Rejected"}[m.cancelReservation(req.ReservationID, now)]}
}

func reserve16(m *machine, q request16, now time.Time) any {
	r := reserved{id: q.ReservationID, evse: q.connector(), token: q.IDTag, group: q.ParentIDTag, until: instant(q.ExpiryDate)}
	return fields{"status": m.reserve(r, now)}
}

func cancelReservation16(m *machine, q request16, now time.Time) any {
	return status16(m.cancelReservation(q.ReservationID, now), "Accepted", "Rejected")
}
