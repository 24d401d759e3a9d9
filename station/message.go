package station

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Heartbeat answers with our clock; life was noted with the frame.
func (s *Service) Heartbeat(_ context.Context, _ ocpp.Peer, _ *ocpp.HeartbeatRequest) (*ocpp.HeartbeatResponse, error) {
	return &ocpp.HeartbeatResponse{CurrentTime: ocpp.DateTime{Time: s.now()}}, nil
}

// StatusNotification takes the status of a connector, or of the station
// itself (connector 0). It is answered when it is stored. A value outside
// the enumerations is kept out of the model and shown as a deviation.
func (s *Service) StatusNotification(ctx context.Context, p ocpp.Peer, r *ocpp.StatusNotification) (*ocpp.StatusNotificationResponse, error) {
	told := r.Status16
	if told == "" {
		told = string(r.ConnectorStatus)
	}
	value, ok := ParseReport(told)
	if !ok {
		s.Deviation(ctx, p, ocpp.Deviation{Code: "status", Action: "StatusNotification", Detail: "unknown status " + quoted(told)})
		return &ocpp.StatusNotificationResponse{}, nil
	}
	rep := report{evse: r.EVSEID, connector: r.ConnectorID, report: value, at: s.receipt(ctx), errorCode: r.ErrorCode, vendor: r.VendorErrorCode, detail: r.Info}
	if rep.errorCode == "NoError" {
		rep.errorCode = ""
	}
	skew, measured := s.sample(p.Station, r.Timestamp.Time, rep.at)
	if err := s.push(ctx, p.Station, func(t *tree) {
		t.apply(rep)
		if measured {
			t.Skew = t.skewOf(skew)
		}
	}); err != nil {
		return nil, err
	}
	return &ocpp.StatusNotificationResponse{}, nil
}

// Availability takes the status of a connector from the device model: a 2.x
// NotifyEvent about Connector.AvailabilityState, or of an EVSE (connector
// 0), or of the station (evse 0). Values it does not know change nothing.
func (s *Service) Availability(ctx context.Context, p ocpp.Peer, evse, connector int, value string) error {
	r, ok := ParseReport(value)
	if !ok {
		return nil
	}
	rep := report{evse: evse, connector: connector, report: r, at: s.receipt(ctx)}
	return s.push(ctx, p.Station, func(t *tree) { t.apply(rep) })
}

func (s *Service) receipt(ctx context.Context) time.Time {
	if at := ocpp.Received(ctx); !at.IsZero() {
		return at
	}
	return s.now()
}

func quoted(v string) string {
	if len(v) > 40 {
		v = v[:40] + "…"
	}
	return `"` + v + `"`
}

type deviating struct {
	station string // key
	dev     ocpp.Deviation
	at      time.Time
	count   int64
}

// Deviation counts a tolerated quirk of a station. Counts are gathered in
// memory and written every few seconds: a station may deviate in each frame.
func (s *Service) Deviation(_ context.Context, p ocpp.Peer, d ocpp.Deviation) {
	id := ID(p.Station).Key()
	key := id + "\x00" + d.Code
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.deviations[key]
	if !ok && len(s.deviations) >= maxPending {
		return // a flood: those that wait already are counted
	}
	s.deviations[key] = deviating{id, d, s.now(), was.count + 1}
	s.gatherSoon()
}

// maxPending bounds what waits in memory for the next write.
const maxPending = 20_000

// storeDeviations writes what was gathered.
func (s *Service) storeDeviations(ctx context.Context) error {
	s.mu.Lock()
	pending := s.deviations
	s.deviations = map[string]deviating{}
	s.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		for _, d := range pending {
			if err := countDeviation(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func countDeviation(tx *db.Tx, d deviating) error {
	detail := d.dev.Detail
	if len(detail) > 500 {
		detail = detail[:500]
	}
	return tx.Send(`INSERT INTO station_deviation (station, code, org, action, detail, count, first_at, last_at)
		SELECT id, CAST($2 AS TEXT), org, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS BIGINT), CAST($6 AS BIGINT)
		FROM charging_station WHERE key = $1
		ON CONFLICT (station, code) DO UPDATE SET count = station_deviation.count + excluded.count, action = excluded.action, detail = excluded.detail, last_at = excluded.last_at`,
		d.station, d.dev.Code, d.dev.Action, detail, d.count, db.Micros(d.at))
}

// deviationsOf loads the deviations of stations, latest first.
func deviationsOf(tx *db.Tx, ids []ID) (map[ID][]Deviation, error) {
	out := map[ID][]Deviation{}
	if len(ids) == 0 {
		return out, nil
	}
	where, args := in("station", ids)
	rows, err := db.Collect(tx, scanDeviation, "SELECT station, code, action, detail, count, first_at, last_at FROM station_deviation WHERE "+where+" ORDER BY last_at DESC, code", args...)
	for _, r := range rows {
		out[r.station] = append(out[r.station], r.Deviation)
	}
	return out, err
}

type deviationRow struct {
	station ID
	Deviation
}

func scanDeviation(row db.Scanner) (deviationRow, error) {
	var d deviationRow
	var first, last int64
	err := row.Scan(&d.station, &d.Code, &d.Action, &d.Detail, &d.Count, &first, &last)
	d.FirstAt, d.LastAt = db.Time(first), db.Time(last)
	return d, err
}
