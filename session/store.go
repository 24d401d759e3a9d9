package session

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// fixed columns never change after the insert; the others are in one order
// for insert, update and scan.
const (
	sessionColumns = `id, org, site, station, incarnation, transaction_id, protocol, start_key, boot, wire_connector,
	evse, connector, token, token_type, token_ref, driver, authorisation, status, phase, charging,
	started_at, energy_started_at, energy_ended_at, ended_at, unplugged_at, stop_reason,
	energy_mwh, meter_start_mwh, meter_stop_mwh, power_w, max_power_w, soc_mpct, readings, flags, marks,
	tariff, tariff_id, tariff_number, currency, cost_excl, cost_incl, priced_at, used_id, remote_start, limit_energy_mwh, limit_seconds, limit_reached, limit_at,
	heard_at, told_at, settle_at, settled_at, revision, version, memory`
)

// columns of a session with their PostgreSQL types, in the order of values.
var columns = func() []db.Col {
	text := map[string]bool{}
	for _, n := range strings.Fields(`id org site station incarnation transaction_id protocol start_key token token_type token_ref driver
		authorisation status charging stop_reason tariff tariff_id currency memory`) {
		text[n] = true
	}
	var out []db.Col
	for _, n := range strings.Split(sessionColumns, ",") {
		n = strings.TrimSpace(n)
		typ := "bigint"
		switch {
		case text[n]:
			typ = "text"
		case n == "used_id" || n == "limit_reached":
			typ = "boolean"
		}
		out = append(out, db.Col{Name: n, Type: typ})
	}
	return out
}()

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return db.Micros(t)
}

func nullInt(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// kept is what the column memory holds.
type kept struct {
	*Memory
	FoldedAt int64 `json:"fo,omitempty"`
	Stale    bool  `json:"stale,omitempty"`
}

// values gives a session in the order of sessionColumns.
func (s *Session) values() ([]any, error) {
	k := kept{Memory: &s.State.Memory, Stale: s.stale || s.lag.may}
	if !s.foldedAt.IsZero() {
		k.FoldedAt = db.Micros(s.foldedAt)
	}
	memory, err := json.Marshal(&k)
	return s.row(string(memory)), err
}

// row gives the values of columns, that of memory being given.
func (s *Session) row(memory string) []any {
	st := &s.State
	var soc any
	if st.HasSoC {
		soc = int64(st.SoC)
	}
	return []any{
		string(s.ID), s.Org, s.Site, s.Station, s.Incarnation, s.Transaction, s.Protocol, s.startKey, s.boot, int64(s.Wire),
		int64(st.EVSE), int64(st.Conn), st.Token.Value, st.Token.Type, s.TokenRef, s.Driver, s.Authorisation,
		string(s.Status), int64(st.Phase), st.Charging.String(),
		db.Micros(st.StartedAt), nullTime(st.EnergyStartedAt), nullTime(st.EnergyEndedAt), nullTime(st.EndedAt), nullTime(st.UnpluggedAt), st.Reason,
		int64(st.Energy), int64(st.MeterStart), int64(st.MeterStop), int64(st.Power), int64(st.MaxPower), soc, st.Readings, int64(st.Flags), int64(s.Marks),
		s.Tariff, s.TariffID, int64(s.TariffNo), string(s.Currency), int64(s.Excl), int64(s.Incl), nullTime(s.PricedAt), s.usedID,
		nullInt(s.RemoteStart), nullInt(int64(s.Limit.Energy)), nullInt(int64(s.Limit.Duration / time.Second)), s.LimitReached, nullTime(s.LimitAt),
		db.Micros(s.HeardAt), db.Micros(s.ToldAt), nullTime(s.lookAt()), nullTime(s.SettledAt), s.Revision, s.version, memory,
	}
}

func scanSession(row db.Scanner) (Session, error) {
	var s Session
	st := &s.State
	var energyStarted, energyEnded, ended, unplugged, soc, priced, remote, limitEnergy, limitSeconds, limitAt, settle, settled sql.NullInt64
	var started, heard, told int64
	var charging, memory string
	err := row.Scan(&s.ID, &s.Org, &s.Site, &s.Station, &s.Incarnation, &s.Transaction, &s.Protocol, &s.startKey, &s.boot, &s.Wire,
		&st.EVSE, &st.Conn, &st.Token.Value, &st.Token.Type, &s.TokenRef, &s.Driver, &s.Authorisation, &s.Status, &st.Phase, &charging,
		&started, &energyStarted, &energyEnded, &ended, &unplugged, &st.Reason,
		&st.Energy, &st.MeterStart, &st.MeterStop, &st.Power, &st.MaxPower, &soc, &st.Readings, &st.Flags, &s.Marks,
		&s.Tariff, &s.TariffID, &s.TariffNo, &s.Currency, &s.Excl, &s.Incl, &priced, &s.usedID, &remote, &limitEnergy, &limitSeconds, &s.LimitReached, &limitAt,
		&heard, &told, &settle, &settled, &s.Revision, &s.version, &memory)
	if err != nil {
		return s, err
	}
	db.Intern(&s.Org, &s.Site, &s.Protocol, &st.Token.Type, &s.Authorisation, (*string)(&s.Status), &st.Reason,
		&s.Tariff, &s.TariffID, (*string)(&s.Currency))
	st.Charging = ParseCharging(charging)
	st.StartedAt, st.EnergyStartedAt, st.EnergyEndedAt = db.Time(started), timeOf(energyStarted), timeOf(energyEnded)
	st.EndedAt, st.UnpluggedAt = timeOf(ended), timeOf(unplugged)
	st.SoC, st.HasSoC = unit.MilliPercent(soc.Int64), soc.Valid
	s.PricedAt, s.RemoteStart = timeOf(priced), remote.Int64
	s.Limit = Limit{Energy: unit.Energy(limitEnergy.Int64), Duration: time.Duration(limitSeconds.Int64) * time.Second}
	s.LimitAt = timeOf(limitAt)
	s.HeardAt, s.ToldAt, s.SettleAt, s.SettledAt = db.Time(heard), db.Time(told), timeOf(settle), timeOf(settled)
	k := kept{Memory: &st.Memory}
	if err := json.Unmarshal([]byte(memory), &k); err != nil {
		return s, fault.Wrap(fault.Internal, err, "session.memory", "the memory of session %s cannot be read", s.ID)
	}
	if s.stale = k.Stale; k.FoldedAt != 0 {
		s.foldedAt = db.Time(k.FoldedAt)
	}
	return s, nil
}

func timeOf(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return db.Time(us.Int64)
}

// forUpdate holds the selected rows until the commit. SQLite has one writer
// and no such clause.
func forUpdate(tx *db.Tx) string {
	if tx.Dialect == db.Postgres {
		return " FOR UPDATE"
	}
	return ""
}

func sessionByID(tx *db.Tx, id ID) (Session, error) {
	return scanSession(tx.QueryRow(`SELECT `+sessionColumns+` FROM session WHERE id = $1`+forUpdate(tx), string(id)))
}

// ref names a transaction as a station does.
type ref struct{ station, transaction string }

// sessionsByRef finds the sessions of a transaction, of every incarnation, and
// holds them.
func sessionsByRef(tx *db.Tx, r ref) ([]Session, error) {
	return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session
		WHERE station = $1 AND transaction_id = $2 ORDER BY id`+forUpdate(tx), r.station, r.transaction)
}

// openAt finds the unsettled sessions on an EVSE (0: of the whole station),
// the latest first.
func openAt(tx *db.Tx, station string, evse int) ([]Session, error) {
	return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session
		WHERE station = $1 AND settled_at IS NULL AND ($2 = 0 OR evse = $2) ORDER BY started_at DESC, id DESC`+forUpdate(tx), station, evse)
}

// sameStart finds the latest session that the same 1.6 start made.
func sameStart(tx *db.Tx, station, key string) ([]Session, error) {
	return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session
		WHERE station = $1 AND start_key = $2 ORDER BY started_at DESC, id DESC LIMIT 1`+forUpdate(tx), station, key)
}

const conflictNothing = "ON CONFLICT DO NOTHING"

// insertSession stores a new session; false when its transaction has one.
func insertSession(tx *db.Tx, s *Session) (bool, error) {
	v, err := s.values()
	if err != nil {
		return false, err
	}
	n, err := db.InsertCounted(tx, "session", columns, [][]any{v}, conflictNothing)
	return n == 1, err
}

// Columns from firstMutable on can change; those before name the session.
const firstMutable = 10

// live are the columns that nearly every reading changes, and no others.
var live = []string{"energy_started_at", "energy_ended_at", "energy_mwh", "meter_stop_mwh", "power_w", "max_power_w", "soc_mpct",
	"readings", "flags", "heard_at", "version", "memory"}

// updater writes some columns of sessions.
type updater struct {
	cols []int // places in columns; the first is the id
	text string
}

func newUpdater(changes func(i int, name string) bool) updater {
	u := updater{cols: []int{0}}
	var set []string
	for i, c := range columns {
		if changes(i, c.Name) {
			u.cols = append(u.cols, i)
			set = append(set, c.Name+"=$"+strconv.Itoa(len(u.cols)))
		}
	}
	u.text = "UPDATE session SET " + strings.Join(set, ", ") + " WHERE id=$1"
	return u
}

var (
	updateAll  = newUpdater(func(i int, _ string) bool { return i >= firstMutable })
	updateLive = newUpdater(func(_ int, name string) bool { return slices.Contains(live, name) })
	updateLag  = newUpdater(func(_ int, name string) bool { return slices.Contains(live, name) || name == "settle_at" })
)

func (u updater) write(tx *db.Tx, values []any) error {
	args := make([]any, len(u.cols))
	for n, i := range u.cols {
		args[n] = values[i]
	}
	return tx.Send(u.text, args...)
}

// updaters are those made so far, by the columns they write.
var updaters sync.Map // of uint64, a bit for each column, to updater

// liveSet has the bits of the live columns.
var liveSet = func() (set uint64) {
	if len(columns) > 64 {
		panic("session: more columns than a set has bits")
	}
	for i, c := range columns {
		if slices.Contains(live, c.Name) {
			set |= 1 << i
		}
	}
	return set
}()

// updateOf writes the live columns and those in which the row differs from
// before: SQLite enters a row anew into every index over a column that the
// statement names, changed or not.
func updateOf(before, row []any) updater {
	set := liveSet
	for i := firstMutable; i < len(columns); i++ {
		if before[i] != row[i] {
			set |= 1 << i
		}
	}
	if u, ok := updaters.Load(set); ok {
		return u.(updater)
	}
	u := newUpdater(func(i int, _ string) bool { return set&(1<<i) != 0 })
	updaters.Store(set, u)
	return u
}

func updateSession(tx *db.Tx, s *Session) error {
	s.version++
	v, err := s.values()
	if err != nil {
		return err
	}
	return updateAll.write(tx, v)
}

// onlyLive reports whether nothing but the live columns differs.
func (s *Session) onlyLive(before *Session) bool {
	a, b := &s.State, &before.State
	return a.Phase == b.Phase && a.Charging == b.Charging && a.Token == b.Token && a.EVSE == b.EVSE && a.Conn == b.Conn &&
		a.StartedAt.Equal(b.StartedAt) && a.EndedAt.Equal(b.EndedAt) && a.UnpluggedAt.Equal(b.UnpluggedAt) && a.Reason == b.Reason &&
		a.MeterStart == b.MeterStart && s.TokenRef == before.TokenRef && s.Driver == before.Driver && s.Authorisation == before.Authorisation &&
		s.Status == before.Status && s.Marks == before.Marks && s.Tariff == before.Tariff && s.Currency == before.Currency &&
		s.Excl == before.Excl && s.Incl == before.Incl && s.PricedAt.Equal(before.PricedAt) && s.RemoteStart == before.RemoteStart &&
		s.Limit == before.Limit && s.LimitReached == before.LimitReached && s.ToldAt.Equal(before.ToldAt) && s.SettleAt.Equal(before.SettleAt) &&
		s.SettledAt.Equal(before.SettledAt) && s.Revision == before.Revision && s.usedID == before.usedID
}

var upsert = func() string {
	set := make([]string, 0, len(columns))
	for _, c := range columns[firstMutable:] {
		set = append(set, c.Name+"=excluded."+c.Name)
	}
	return "ON CONFLICT (id) DO UPDATE SET " + strings.Join(set, ", ")
}()

// updateSessions writes many sessions. PostgreSQL gets all of them at once:
// there every statement is a journey.
func updateSessions(tx *db.Tx, all []*work) error {
	rows := make([][]any, 0, len(all))
	for _, w := range all {
		v, err := w.values()
		if err != nil {
			return err
		}
		if tx.Dialect == db.Postgres && len(all) > 1 {
			rows = append(rows, v)
			continue
		}
		var u updater
		switch {
		case w.fresh || tx.Dialect == db.Postgres:
			u = updateAll
		case !w.onlyLive(w.before):
			u = updateOf(w.before.row(""), v)
		case w.lag.may || w.before.lag.may:
			u = updateLag
		default:
			u = updateLive
		}
		if err := u.write(tx, v); err != nil {
			return err
		}
	}
	return db.InsertRows(tx, "session", columns, rows, upsert)
}

var (
	eventColumns = []db.Col{{Name: "session", Type: "text"}, {Name: "kind", Type: "bigint"}, {Name: "seq", Type: "bigint"},
		{Name: "station_at", Type: "bigint"}, {Name: "digest", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"},
		{Name: "station", Type: "text"}, {Name: "at", Type: "bigint"}, {Name: "received_at", Type: "bigint"}, {Name: "skew_us", Type: "bigint"},
		{Name: "offline", Type: "boolean"}, {Name: "answer", Type: "text"}, {Name: "payload", Type: "text"}}
	sampleColumns = []db.Col{{Name: "stream", Type: "text"}, {Name: "station_at", Type: "bigint"}, {Name: "seq", Type: "bigint"},
		{Name: "digest", Type: "bigint"}, {Name: "org", Type: "text"}, {Name: "site", Type: "text"}, {Name: "station", Type: "text"},
		{Name: "evse", Type: "bigint"}, {Name: "at", Type: "bigint"}, {Name: "received_at", Type: "bigint"}, {Name: "skew_us", Type: "bigint"},
		{Name: "anchor", Type: "bigint"}, {Name: "location", Type: "bigint"}, {Name: "clock", Type: "boolean"},
		{Name: "register_mwh", Type: "bigint"}, {Name: "interval_mwh", Type: "bigint"}, {Name: "power_w", Type: "bigint"},
		{Name: "offered_w", Type: "bigint"}, {Name: "current_ma", Type: "bigint"}, {Name: "voltage_mv", Type: "bigint"},
		{Name: "soc_mpct", Type: "bigint"}, {Name: "detail", Type: "text"}, {Name: "current_sum_ma", Type: "bigint"}}
	sliceColumns = []db.Col{{Name: "session", Type: "text"}, {Name: "start_at", Type: "bigint"}, {Name: "end_at", Type: "bigint"},
		{Name: "org", Type: "text"}, {Name: "site", Type: "text"}, {Name: "station", Type: "text"}, {Name: "charging", Type: "bigint"},
		{Name: "energy_mwh", Type: "bigint"}, {Name: "max_power_w", Type: "bigint"}, {Name: "measured", Type: "boolean"},
		{Name: "min_power_w", Type: "bigint"}, {Name: "min_current_ma", Type: "bigint"}, {Name: "max_current_ma", Type: "bigint"}}
)

func eventRow(s *Session, e Event, answer, payload string) []any {
	return []any{string(s.ID), int64(e.Kind), e.Seq, db.Micros(e.Station), int64(e.Digest), s.Org, s.Site, s.Station,
		db.Micros(e.Time()), db.Micros(e.Received), e.Skew.Microseconds(), e.Offline, answer, payload}
}

func insertEvents(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "session_event", eventColumns, rows, conflictNothing)
}

func sampleRow(stream, org, site, station string, p Sample) []any {
	r := &p.Reading
	opt := func(has Measure, v int64) any {
		if r.Has&has == 0 {
			return nil
		}
		return v
	}
	return []any{stream, db.Micros(p.Station), p.Seq, int64(p.Digest), org, site, station, int64(p.EVSE), db.Micros(p.Time()),
		db.Micros(p.Received), p.Skew.Microseconds(), int64(p.Anchor), int64(r.Location), r.Clock,
		opt(HasRegister, int64(r.Register)), opt(HasInterval, int64(r.Interval)), opt(HasPower, int64(r.Power)),
		opt(HasOffered, int64(r.Offered)), opt(HasCurrent, int64(r.Current)), opt(HasVoltage, int64(r.Voltage)),
		opt(HasSoC, int64(r.SoC)), p.Detail, opt(HasCurrentSum, int64(r.Amperes))}
}

func insertSamples(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "meter_sample", sampleColumns, rows, conflictNothing)
}

func sliceRow(s *Session, p Slice) []any {
	return []any{string(s.ID), db.Micros(p.Start), db.Micros(p.End), s.Org, s.Site, s.Station, int64(p.Charging), int64(p.Energy), int64(p.MaxPower), p.Measured,
		int64(p.MinPower), int64(p.MinCurrent), int64(p.MaxCurrent)}
}

func insertSlices(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "session_interval", sliceColumns, rows, conflictNothing)
}

func deleteSlices(tx *db.Tx, id ID) error {
	return tx.Send(`DELETE FROM session_interval WHERE session = $1`, string(id))
}

func slicesOf(tx *db.Tx, id ID) ([]Slice, error) {
	return db.Collect(tx, func(row db.Scanner) (Slice, error) {
		var p Slice
		var start, end int64
		err := row.Scan(&start, &end, &p.Charging, &p.Energy, &p.MaxPower, &p.Measured, &p.MinPower, &p.MinCurrent, &p.MaxCurrent)
		p.Start, p.End = db.Time(start), db.Time(end)
		return p, err
	}, `SELECT start_at, end_at, charging, energy_mwh, max_power_w, measured, min_power_w, min_current_ma, max_current_ma FROM session_interval WHERE session = $1 ORDER BY start_at, end_at`, string(id))
}

// recentAt finds the latest sessions of a station, the latest first.
func recentAt(tx *db.Tx, station string, since time.Time) ([]Session, error) {
	return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session
		WHERE station = $1 AND started_at >= $2 ORDER BY started_at DESC, id DESC LIMIT 100`+forUpdate(tx), station, db.Micros(since))
}
