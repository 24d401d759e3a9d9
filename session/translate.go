package session

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// message is a station's message about a transaction, taken apart: what it
// says of the transaction, and the readings it brings.
type message struct {
	peer        ocpp.Peer
	received    time.Time
	skew        time.Duration
	transaction string // "": the station gave none
	known       bool   // the transaction id can be one of ours (1.6: positive)
	evse        int
	connector   int
	wire        int // the 1.6 connector; 0: unknown, or 2.x
	token       *ocpp.IdToken
	remote      int64 // remoteStartId; 0: none
	event       Event // Kind 0: only readings (1.6 MeterValues)
	payload     string
	samples     []Sample
	replay      bool // it happened well before we heard of it
	anchor      *Sample
}

// A message older than this at its receipt was waiting in the station: what
// it asks was decided there long ago.
const replayAge = 2 * time.Minute

// translate takes a transaction event apart. skew is the station's as
// measured so far.
func translate(p ocpp.Peer, e *ocpp.TransactionEvent, received time.Time, skew time.Duration) (*message, error) {
	r := &e.Request
	m := &message{peer: p, received: received, skew: skew, transaction: r.TransactionInfo.TransactionID, known: true, token: r.IdToken}
	if r.EVSE != nil {
		m.evse = r.EVSE.ID
		if r.EVSE.ConnectorID != nil {
			m.connector = *r.EVSE.ConnectorID
		}
	}
	if r.TransactionInfo.RemoteStartID != nil {
		m.remote = int64(*r.TransactionInfo.RemoteStartID)
	}
	seq := int64(r.SeqNo)
	if e.Raw16 != nil {
		seq = NoSeq
		n := e.Raw16.TransactionID
		m.known = n != nil && *n > 0
		m.wire = e.Raw16.ConnectorID
	}
	if e.Raw16 == nil || r.EventType != ocpp.TransactionEventEnumUpdated {
		if err := m.describe(r, seq); err != nil {
			return nil, err
		}
	}
	m.read(r.MeterValue, seq)
	m.anchors(e)
	if e.Raw16 != nil {
		m.sign(e.Raw16.Signed)
	}
	m.replay = m.event.Kind != 0 && received.Sub(m.event.Time()) > replayAge
	if m.replay {
		m.event.Offline = true
	}
	return m, nil
}

// describe makes the event that the message itself is. Its digest leaves out
// what changes when a station sends the same event again after a gap.
func (m *message) describe(r *ocpp.TransactionEventRequest, seq int64) error {
	bare := *r
	bare.MeterValue, bare.Offline = nil, nil
	b, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	m.payload = string(b)
	m.event = eventOf(r)
	m.event.Seq, m.event.Received, m.event.Skew = seq, m.received, m.skew
	m.event.Digest = digestOf(m.payload)
	m.event.Offline = r.Offline != nil && *r.Offline
	return nil
}

// eventOf reads what a request says of its transaction; the inverse of what
// describe stores.
func eventOf(r *ocpp.TransactionEventRequest) Event {
	e := Event{Kind: Updated, Station: r.Timestamp.Time, Trigger: string(r.TriggerReason),
		Charging: ParseCharging(string(r.TransactionInfo.ChargingState)), Reason: string(r.TransactionInfo.StoppedReason)}
	switch r.EventType {
	case ocpp.TransactionEventEnumStarted:
		e.Kind = Started
	case ocpp.TransactionEventEnumEnded:
		e.Kind = Ended
		if e.Reason == "" {
			e.Reason = string(ocpp.ReasonEnumLocal) // E06.FR.09, 1.6 §6.49: left out means Local
		}
	}
	if r.EVSE != nil {
		e.EVSE = r.EVSE.ID
		if r.EVSE.ConnectorID != nil {
			e.Connector = *r.EVSE.ConnectorID
		}
	}
	if r.IdToken != nil {
		e.Token = Token{Value: r.IdToken.IdToken, Type: r.IdToken.Type}
	}
	return e
}

// read turns meter values into samples.
func (m *message) read(values []ocpp.MeterValue, seq int64) {
	for _, mv := range values {
		r, detail := Normalise(mv)
		m.samples = append(m.samples, Sample{Detail: detail, Event: Event{Kind: ReadingTaken, Seq: seq, Station: mv.Timestamp.Time,
			Received: m.received, Skew: m.skew, Digest: digestValue(mv), EVSE: m.evse, Reading: r}})
	}
}

// anchors marks the readings that 1.6 puts into start and stop themselves;
// the dialect gives them as the first or last meter value.
func (m *message) anchors(e *ocpp.TransactionEvent) {
	n := len(m.samples)
	switch {
	case e.MeterStart != nil && n > 0:
		m.samples[0].Anchor = MeterStart
	case e.MeterStop != nil && n > 0:
		m.samples[n-1].Anchor = MeterStop
	}
	for i := range m.samples {
		if s := &m.samples[i]; s.Anchor != NoAnchor {
			s.Station = m.event.Station
			m.anchor = s
		}
	}
}

// sign keeps the signed readings of 1.6: evidence, not a number to count with.
func (m *message) sign(all []ocpp.Signed16) {
	for _, v := range all {
		s := sampled{rest: []detail{{Measurand: v.Measurand, Context: v.Context, Signed: &signedDetail{Data: v.Data}}}}
		m.samples = append(m.samples, Sample{Detail: s.details(), Event: Event{Kind: ReadingTaken, Seq: NoSeq, Station: v.Timestamp.Time,
			Received: m.received, Skew: m.skew, Digest: digestOf(v.Measurand, v.Context, v.Data), EVSE: m.evse}})
	}
}

// digestValue names a meter value by its content.
func digestValue(mv ocpp.MeterValue) uint64 {
	parts := make([]string, 0, 8*len(mv.SampledValue))
	for _, v := range mv.SampledValue {
		u, power := "", ""
		if v.UnitOfMeasure != nil {
			u = v.UnitOfMeasure.Unit
			if v.UnitOfMeasure.Multiplier != nil {
				power = strconv.Itoa(*v.UnitOfMeasure.Multiplier)
			}
		}
		parts = append(parts, string(v.Measurand), string(v.Phase), string(v.Location), string(v.Context), v.Value.String(), u, power)
	}
	return digestOf(parts...)
}

// events are all atoms of the message.
func (m *message) events() []Event {
	out := make([]Event, 0, len(m.samples)+1)
	if m.event.Kind != 0 {
		out = append(out, m.event)
	}
	for i := range m.samples {
		out = append(out, m.samples[i].Event)
	}
	return out
}

// reading reports a message that only brings readings and changes of the
// charging state, so that nobody has to decide anything.
func (m *message) reading() bool {
	return m.event.Kind == 0 || m.event.Kind == Updated && m.token == nil && m.remote == 0
}

// startKey is what makes a repeated 1.6 start the same as the first.
func (m *message) startKey() string {
	tag, meter := "", ""
	if m.token != nil {
		tag = m.token.IdToken
	}
	if m.anchor != nil {
		meter = strconv.FormatInt(int64(m.anchor.Reading.Register), 10)
	}
	return strconv.FormatUint(digestOf(strconv.Itoa(cmp.Or(m.wire, m.evse)), tag, strconv.FormatInt(m.event.Station.UnixMicro(), 10), meter), 16)
}
