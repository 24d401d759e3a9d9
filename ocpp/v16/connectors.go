package v16

import (
	"strconv"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// place translates between connectors and EVSEs for one connection of a
// station with a map of its own (ocpp.ConnectorMap, field note 12). Where an
// EVSE has several connectors and a command names only the EVSE, it needs to
// know which of them holds the cable: it remembers what the station told.
type place struct {
	to ocpp.ConnectorMap

	mu           sync.Mutex
	status       map[int]string // by connector, the last one told
	transactions map[string]int // the connector of a running transaction, by id
}

// rememberedTransactions bounds the memory of a connection.
const rememberedTransactions = 200

// For gives the dialect for one connection: itself, when the station has no
// map.
func (d *Dialect) For(p ocpp.Peer) ocpp.Dialect {
	if p.Connectors.Default() {
		return d
	}
	return &Dialect{at: &place{to: p.Connectors, status: map[int]string{}, transactions: map[string]int{}}}
}

func (p *place) told(connector int, status string) {
	if p == nil || connector < 1 || connector > 2*rememberedTransactions {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status[connector] = status
}

func (p *place) started(transaction string, connector int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, c := range p.transactions {
		if c == connector || len(p.transactions) >= rememberedTransactions {
			delete(p.transactions, id)
		}
	}
	p.transactions[transaction] = connector
}

// What a connector of an EVSE must be for a command, the best first.
var (
	plugged  = []string{"Preparing", "Finishing", "SuspendedEV", "SuspendedEVSE", "Charging"}
	occupied = []string{"Charging", "SuspendedEVSE", "SuspendedEV", "Preparing", "Finishing"}
	free     = []string{"Available"}
)

// choose gives the connector of an EVSE that a command means, and whether it
// is sure: the only one, or the first that has one of the statuses.
func (p *place) choose(evse int, statuses []string) (connector int, sure bool) {
	all := p.to.Connectors(evse)
	if len(all) == 1 {
		return all[0], true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, want := range statuses {
		for _, c := range all {
			if p.status[c] == want {
				return c, true
			}
		}
	}
	return all[0], false
}

// number gives the 1.6 number of a connector, 0 for the station. Without a
// connector the EVSE must have only one.
func (p *place) number(evse int, connector *int) (int, error) {
	if evse == 0 {
		return 0, nil
	}
	all := p.to.Connectors(evse)
	switch {
	case connector == nil && len(all) == 1:
		return all[0], nil
	case connector == nil:
		return 0, fault.New(fault.Invalid, "ocpp.evse", "EVSE %d has %d connectors; name one", evse, len(all))
	case *connector < 1 || *connector > len(all):
		return 0, fault.New(fault.Invalid, "ocpp.evse", "EVSE %d has no connector %d; it has 1 to %d", evse, *connector, len(all))
	}
	return all[*connector-1], nil
}

// alone reports whether the station has one EVSE only, so that what is meant
// for it may be said to the whole station.
func (p *place) alone(evse int) bool {
	places := p.to.Places()
	for _, x := range places {
		if x.EVSE != evse {
			return false
		}
	}
	return len(places) > 0
}

// numbered is a request whose EVSE numbers are connector numbers already.
type numbered struct{ ocpp.Request }

// split cuts what goes to all connectors of an EVSE, one message each.
func (p *place) split(req ocpp.Request) []ocpp.Request {
	if p == nil {
		return nil
	}
	switch r := req.(type) {
	case *ocpp.ChangeAvailabilityRequest:
		return each(p, r.EVSE, func(e *ocpp.EVSE) ocpp.Request {
			return &ocpp.ChangeAvailabilityRequest{EVSE: e, OperationalStatus: r.OperationalStatus}
		})
	case *ocpp.TriggerMessageRequest:
		return each(p, r.EVSE, func(e *ocpp.EVSE) ocpp.Request {
			return &ocpp.TriggerMessageRequest{EVSE: e, RequestedMessage: r.RequestedMessage, CustomTrigger: r.CustomTrigger}
		})
	case *ocpp.ClearChargingProfileRequest:
		return p.splitClear(r)
	}
	return nil
}

func each(p *place, e *ocpp.EVSE, make func(*ocpp.EVSE) ocpp.Request) []ocpp.Request {
	if e == nil || e.ID <= 0 || e.ConnectorID != nil {
		return nil
	}
	n := len(p.to.Connectors(e.ID))
	if n < 2 {
		return nil
	}
	var out []ocpp.Request
	for c := 1; c <= n; c++ {
		out = append(out, make(&ocpp.EVSE{ID: e.ID, ConnectorID: &c}))
	}
	return out
}

// splitClear clears at every connector of the EVSE and, where the profiles of
// the only EVSE were given to the station as a whole, there as well.
func (p *place) splitClear(r *ocpp.ClearChargingProfileRequest) []ocpp.Request {
	if r.ChargingProfileCriteria == nil || r.ChargingProfileCriteria.EVSEID == nil || *r.ChargingProfileCriteria.EVSEID <= 0 {
		return nil
	}
	evse := *r.ChargingProfileCriteria.EVSEID
	at := p.to.Connectors(evse)
	if len(at) < 2 {
		return nil
	}
	if p.alone(evse) {
		at = append(at, 0)
	}
	out := make([]ocpp.Request, len(at))
	for i := range at {
		criteria := *r.ChargingProfileCriteria
		criteria.EVSEID = &at[i]
		out[i] = numbered{&ocpp.ClearChargingProfileRequest{ChargingProfileID: r.ChargingProfileID, ChargingProfileCriteria: &criteria}}
	}
	return out
}

// lower gives a request with connector numbers for EVSE numbers. The request
// itself stays as it is.
func (p *place) lower(req ocpp.Request) (ocpp.Request, error) {
	if n, ok := req.(numbered); ok {
		return n.Request, nil
	}
	if p == nil {
		return req, nil
	}
	switch r := req.(type) {
	case *ocpp.RequestStartTransactionRequest:
		return p.lowerStart(*r), nil
	case *ocpp.ReserveNowRequest:
		out := *r
		if r.EVSEID != nil && *r.EVSEID > 0 {
			c, _ := p.choose(*r.EVSEID, free)
			out.EVSEID = &c
		}
		return &out, nil
	case *ocpp.ChangeAvailabilityRequest:
		out := *r
		err := p.lowerEVSE(&out.EVSE)
		return &out, err
	case *ocpp.TriggerMessageRequest:
		out := *r
		err := p.lowerEVSE(&out.EVSE)
		return &out, err
	case *ocpp.UnlockConnectorRequest:
		out := *r
		c, err := p.number(r.EVSEID, &r.ConnectorID)
		out.EVSEID, out.ConnectorID = c, 1
		return &out, err
	case *ocpp.SetChargingProfileRequest:
		return p.lowerProfile(*r)
	case *ocpp.ClearChargingProfileRequest:
		return p.lowerClear(*r)
	case *ocpp.GetCompositeScheduleRequest:
		out := *r
		if r.EVSEID > 0 {
			out.EVSEID, _ = p.choose(r.EVSEID, occupied)
		}
		return &out, nil
	}
	return req, nil
}

func (p *place) lowerEVSE(e **ocpp.EVSE) error {
	if *e == nil {
		return nil
	}
	n, err := p.number((*e).ID, (*e).ConnectorID)
	*e = &ocpp.EVSE{ID: n}
	return err
}

// A start at an EVSE of several connectors goes to the one with a cable in
// it. When none is known the only EVSE of a station chooses itself.
func (p *place) lowerStart(r ocpp.RequestStartTransactionRequest) ocpp.Request {
	if r.EVSEID == nil || *r.EVSEID <= 0 {
		return &r
	}
	c, sure := p.choose(*r.EVSEID, plugged)
	if !sure && p.alone(*r.EVSEID) {
		r.EVSEID = nil
	} else {
		r.EVSEID = &c
	}
	return &r
}

// A profile of a transaction goes to its connector. One for all transactions
// of an EVSE of several connectors can be said only when it is the only EVSE:
// 1.6 would take the same profile at another connector as its replacement.
func (p *place) lowerProfile(r ocpp.SetChargingProfileRequest) (ocpp.Request, error) {
	if r.EVSEID <= 0 {
		return &r, nil
	}
	evse := r.EVSEID
	c, sure := p.choose(evse, occupied)
	p.mu.Lock()
	if at, known := p.transactions[r.ChargingProfile.TransactionID]; known {
		c, sure = at, true
	}
	p.mu.Unlock()
	switch tx := r.ChargingProfile.ChargingProfilePurpose == ocpp.ChargingProfilePurposeEnumTxProfile; {
	case len(p.to.Connectors(evse)) == 1, tx && sure:
		r.EVSEID = c
	case tx:
		return nil, fault.New(fault.Unavailable, "ocpp.evse", "EVSE %d has several connectors, and the station has not told which one is charging", evse)
	case p.alone(evse):
		r.EVSEID = 0 // OCPP 1.6 §3.13.1: at connector 0 a TxDefaultProfile holds for all connectors
	default:
		return nil, unsupported("in OCPP 1.6 a %s cannot be given to connectors %s together; give it to the whole station (EVSE 0)",
			r.ChargingProfile.ChargingProfilePurpose, listed(p.to.Connectors(evse)))
	}
	return &r, nil
}

func (p *place) lowerClear(r ocpp.ClearChargingProfileRequest) (ocpp.Request, error) {
	if r.ChargingProfileCriteria == nil || r.ChargingProfileCriteria.EVSEID == nil || *r.ChargingProfileCriteria.EVSEID <= 0 {
		return &r, nil
	}
	criteria := *r.ChargingProfileCriteria
	n, err := p.number(*criteria.EVSEID, nil)
	criteria.EVSEID = &n
	r.ChargingProfileCriteria = &criteria
	return &r, err
}

func listed(numbers []int) string {
	out := ""
	for i, n := range numbers {
		if i > 0 {
			out += ", "
		}
		out += strconv.Itoa(n)
	}
	return out
}

// joined makes one answer of those of the connectors of an EVSE: the worst
// for a change, the best for a question.
func joined(parts []ocpp.Response) ocpp.Response {
	switch parts[0].(type) {
	case *ocpp.ChangeAvailabilityResponse:
		out := &ocpp.ChangeAvailabilityResponse{Status: ocpp.ChangeAvailabilityStatusEnumAccepted}
		for _, p := range parts {
			if r := p.(*ocpp.ChangeAvailabilityResponse); r.Status == ocpp.ChangeAvailabilityStatusEnumRejected ||
				out.Status == ocpp.ChangeAvailabilityStatusEnumAccepted {
				*out = *r
			}
		}
		return out
	case *ocpp.TriggerMessageResponse:
		return first(parts, func(r *ocpp.TriggerMessageResponse) bool { return r.Status == ocpp.TriggerMessageStatusEnumAccepted })
	case *ocpp.ClearChargingProfileResponse:
		return first(parts, func(r *ocpp.ClearChargingProfileResponse) bool {
			return r.Status == ocpp.ClearChargingProfileStatusEnumAccepted
		})
	}
	return nil
}

// first gives the first part that is good, else the first.
func first[R any](parts []ocpp.Response, good func(*R) bool) ocpp.Response {
	for _, p := range parts {
		if good(p.(*R)) {
			return p
		}
	}
	return parts[0]
}
