package station

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Knock is an unknown station that tried to connect.
type Knock struct {
	ID         ID
	FirstAt    time.Time
	LastAt     time.Time
	Count      int64
	RemoteAddr string
	UserAgent  string
	Protocols  string // offered subprotocols, comma-separated
	Reason     string // "unknown", "retired" or one of FailureReasons; then ID may be empty
	Detail     string
}

// maxKnocks bounds the list of knocking stations; the oldest leave.
const maxKnocks = 1000

// knock gathers in memory; a job writes. Strangers never cause a write each.
func (s *Service) knock(h ocpp.Handshake, reason, detail string) {
	key := strings.ToLower(h.Station)
	if key == "" {
		key = " " + host(h.RemoteAddr) + " " + reason // no id has a blank
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.knocks[key]
	if !ok && len(s.knocks) >= maxKnocks {
		return
	}
	now := s.now()
	if !ok {
		k = Knock{ID: ID(h.Station), FirstAt: now}
	}
	k.LastAt, k.Count, k.RemoteAddr, k.Reason = now, k.Count+1, host(h.RemoteAddr), reason
	k.Detail = short(detail, 400)
	k.UserAgent, k.Protocols = short(h.UserAgent, 200), short(strings.Join(h.Protocols, ","), 200)
	s.knocks[key] = k
	s.gatherSoon()
}

func short(v string, most int) string {
	if len(v) > most {
		v = v[:most]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(v, "\x00", ""), "")
}

// storeKnocks writes what was gathered and keeps the list bounded. Strangers
// belong to nobody yet, so the root organisation sees them.
func (s *Service) storeKnocks(ctx context.Context) error {
	s.mu.Lock()
	pending := s.knocks
	s.knocks = map[string]Knock{}
	s.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		root, err := identity.Root(tx)
		if err != nil {
			return err
		}
		for key, k := range pending {
			if err := upsertKnock(tx, key, string(root.ID), k); err != nil {
				return err
			}
		}
		// Who enrolled or was created meanwhile knocks no more.
		if err = tx.Send("DELETE FROM knocking_station WHERE EXISTS (SELECT 1 FROM charging_station s WHERE s.key = knocking_station.key AND s.life <> $1)", string(Retired)); err != nil {
			return err
		}
		// Whoever scans the internet must not push out those that said who they are.
		if err = tx.Send("DELETE FROM knocking_station WHERE id = '' AND key NOT IN (SELECT key FROM knocking_station WHERE id = '' ORDER BY last_at DESC, key LIMIT $1)", maxKnocks/5); err != nil {
			return err
		}
		return tx.Send("DELETE FROM knocking_station WHERE key NOT IN (SELECT key FROM knocking_station ORDER BY last_at DESC, key LIMIT $1)", maxKnocks)
	})
}

func upsertKnock(tx *db.Tx, key, org string, k Knock) error {
	return tx.Send(`INSERT INTO knocking_station (key, id, org, first_at, last_at, count, remote_addr, user_agent, protocols, reason, detail)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) ON CONFLICT (key) DO UPDATE SET last_at=excluded.last_at, count=knocking_station.count+excluded.count,
		remote_addr=excluded.remote_addr, user_agent=excluded.user_agent, protocols=excluded.protocols, reason=excluded.reason, detail=excluded.detail`,
		key, string(k.ID), org, db.Micros(k.FirstAt), db.Micros(k.LastAt), k.Count, k.RemoteAddr, k.UserAgent, k.Protocols, k.Reason, k.Detail)
}

func forgetKnock(tx *db.Tx, key string) error {
	return tx.Send("DELETE FROM knocking_station WHERE key = $1", key)
}

var knockSpec = db.ListSpec{
	Base:    "SELECT id, first_at, last_at, count, remote_addr, user_agent, protocols, reason, detail FROM knocking_station WHERE 1=1",
	Default: "-last_at",
	Key:     "key",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Sort: true, Filter: true},
		{Name: "first_at", Column: "first_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "last_at", Column: "last_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "count", Column: "count", Kind: db.Int, Sort: true, Filter: true},
		{Name: "remote_addr", Column: "remote_addr", Kind: db.Text, Sort: true, Filter: true},
		{Name: "user_agent", Column: "user_agent", Kind: db.Text, Sort: true, Filter: true},
		{Name: "reason", Column: "reason", Kind: db.Enum, Allowed: append([]string{"unknown", "retired"}, FailureReasons...), Sort: true, Filter: true},
	},
}

func scanKnock(row db.Scanner) (Knock, error) {
	var k Knock
	var first, last int64
	err := row.Scan(&k.ID, &first, &last, &k.Count, &k.RemoteAddr, &k.UserAgent, &k.Protocols, &k.Reason, &k.Detail)
	k.FirstAt, k.LastAt = db.Time(first), db.Time(last)
	return k, err
}

// Knocking lists the unknown stations that tried to connect, latest first.
func (s *Service) Knocking(ctx context.Context, req db.ListRequest) (knocks []Knock, next string, err error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, "", err
	}
	if err := s.storeKnocks(ctx); err != nil { // what waits in memory counts too
		return nil, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		knocks, next, err = db.List(tx, knockSpec, []db.Cond{caller.Scope.Where("org")}, req, scanKnock)
		return err
	})
	return knocks, next, err
}

// Adopt makes a station of one that knocked; n.ID names it. The station
// connects by itself at its next attempt.
func (s *Service) Adopt(ctx context.Context, n Draft) (Station, string, error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return Station{}, "", err
	}
	if err := s.storeKnocks(ctx); err != nil {
		return Station{}, "", err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT id FROM knocking_station WHERE key = ?", n.ID.Key()).And(caller.Scope.Where("org")).SQL()
		if err := tx.QueryRow(q, args...).Scan(&n.ID); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "station.not_knocking", "no station %q knocked", n.ID)
		} else {
			return err
		}
	})
	if err != nil {
		return Station{}, "", err
	}
	return s.Create(ctx, n)
}
