package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Connection is the latest connection of a station, as the table has it.
type Connection struct {
	Station, Org, Site string
	Node               string
	Epoch              int64
	Version            ocpp.Version
	RemoteAddr         string
	SecurityProfile    int
	ConnectedAt        time.Time
	DisconnectedAt     *time.Time // nil while connected
	Reason             string     // why it ended
	Incarnation        string
	QuarantinedUntil   time.Time // two devices took turns; zero when never
}

// When two devices share an identity.
const (
	flapLimit      = 3                // turns in a row
	flapWindow     = 10 * time.Minute // a turn after a longer stay does not count
	quarantineTime = 5 * time.Minute
	liveWithin     = 30 * time.Second // a holder heard more recently is alive
)

// store is all SQL on gateway_node and connection.
type store struct {
	db      *db.DB
	node    string
	joins   *db.Batch[*joining]
	leaves  *db.Batch[*leaving]
	serials *db.Batch[*serial]
}

// rest gathers what many connections that open or end at once have to store.
// All of it yields: who charges already goes before who only comes back.
const rest = 80 * time.Millisecond

func newStore(d *db.DB, node string) *store {
	s := &store{db: d, node: node}
	s.joins = db.NewBatch(d, db.BatchOptions{MaxRows: 200, Rest: rest, Yields: true}, inRounds(func(j *joining) string { return j.key }, s.join))
	s.leaves = db.NewBatch(d, db.BatchOptions{Rest: rest, Yields: true}, inRounds(func(l *leaving) string { return l.key }, s.leave))
	s.serials = db.NewBatch(d, db.BatchOptions{MaxRows: 200, Rest: rest, Yields: true}, inRounds(func(r *serial) string { return r.key }, s.serial))
	return s
}

func (s *store) close() {
	s.joins.Close()
	s.leaves.Close()
	s.serials.Close()
}

// inRounds writes rows of different identities together, in the order of the
// identities: two nodes that write the same rows seldom wait for each other in
// a circle, and one of them runs again then.
func inRounds[T any](key func(T) string, write func(*db.Tx, []T) error) func(*db.Tx, []T) error {
	return func(tx *db.Tx, rows []T) error {
		for some := range db.Rounds(rows, key) {
			slices.SortFunc(some, func(a, b T) int { return strings.Compare(key(a), key(b)) })
			if err := write(tx, some); err != nil {
				return err
			}
		}
		return nil
	}
}

// joining asks for the epoch of a new connection.
type joining struct {
	key, host string
	peer      ocpp.Peer
	live      bool  // the present holder, if any, is alive as far as we know
	parted    int64 // the epoch of one that ended, which the table may not know yet; 0: none

	refused      bool // the identity is quarantined and another device has it
	epoch        int64
	incarnation  string
	previousNode string // held it until now; "" when nobody did
	flaps        int64
}

// One statement takes the rows and their next epochs, so that two nodes cannot
// give the same one. In SET, connection.x is the value before; a connection is
// there while it is not disconnected and has another epoch than the parted
// one, which excluded.epoch follows.
//
// A turn is counted when the device of the connection before the last comes
// back while the last one is still there: A, B, A. A station on a mobile
// network that returns with ever new addresses does not count.
//
// No row is given for one that is refused.
func joinSQL(live string) string {
	const there = "connection.disconnected_at IS NULL AND connection.epoch <> excluded.epoch - 1"
	return fmt.Sprintf(`ON CONFLICT (station_key) DO UPDATE SET
	station = excluded.station, org = excluded.org, site = excluded.site, node = excluded.node,
	epoch = connection.epoch + 1, version = excluded.version, remote_addr = excluded.remote_addr, host = excluded.host,
	security_profile = excluded.security_profile, connected_at = excluded.connected_at, disconnected_at = NULL, reason = '',
	previous_node = CASE WHEN %[1]s THEN connection.node ELSE '' END,
	previous_host = CASE WHEN connection.host <> excluded.host THEN connection.host ELSE connection.previous_host END,
	flaps = CASE
		WHEN connection.host = excluded.host THEN connection.flaps
		WHEN excluded.connected_at - connection.connected_at > %[2]d THEN 0
		WHEN %[1]s AND connection.previous_host = excluded.host THEN connection.flaps + 1
		ELSE connection.flaps END,
	quarantined_until = CASE
		WHEN %[1]s AND connection.host <> excluded.host AND connection.previous_host = excluded.host
			AND connection.flaps + 1 >= %[3]d AND excluded.connected_at - connection.connected_at <= %[2]d THEN excluded.connected_at + %[4]d
		ELSE connection.quarantined_until END
WHERE NOT (connection.quarantined_until > excluded.connected_at AND connection.host <> excluded.host AND %[1]s AND %[5]s)
RETURNING station_key, epoch, incarnation, previous_node, flaps`, there, flapWindow.Microseconds(), flapLimit, quarantineTime.Microseconds(), live)
}

var (
	joinLive  = joinSQL("TRUE")
	joinQuiet = joinSQL("FALSE")

	joinColumns = []db.Col{{Name: "station_key", Type: "text"}, {Name: "station", Type: "text"}, {Name: "org", Type: "text"},
		{Name: "site", Type: "text"}, {Name: "node", Type: "text"}, {Name: "epoch", Type: "bigint"}, {Name: "version", Type: "text"},
		{Name: "remote_addr", Type: "text"}, {Name: "host", Type: "text"}, {Name: "security_profile", Type: "bigint"}, {Name: "connected_at", Type: "bigint"}}
)

// join gives connections of different identities their epochs.
func (s *store) join(tx *db.Tx, all []*joining) error {
	byKey := make(map[string]*joining, len(all))
	var live, quiet [][]any
	for _, j := range all {
		byKey[j.key], j.refused = j, true
		p := j.peer
		row := []any{j.key, p.Station, p.Org, p.Site, s.node, j.parted + 1, string(p.Version), p.RemoteAddr, j.host, p.SecurityProfile, db.Micros(p.ConnectedAt)}
		if j.live {
			live = append(live, row)
		} else {
			quiet = append(quiet, row)
		}
	}
	joined := func(row db.Scanner) (none struct{}, err error) {
		var key string
		var got joining
		if err := row.Scan(&key, &got.epoch, &got.incarnation, &got.previousNode, &got.flaps); err != nil {
			return none, err
		}
		j := byKey[key]
		j.epoch, j.incarnation, j.previousNode, j.flaps, j.refused = got.epoch, got.incarnation, got.previousNode, got.flaps, false
		return none, nil
	}
	_, err := db.InsertGiving(tx, joined, "connection", joinColumns, live, joinLive)
	if err == nil {
		_, err = db.InsertGiving(tx, joined, "connection", joinColumns, quiet, joinQuiet)
	}
	return err
}

// leaving ends a connection, unless a newer one has the row.
type leaving struct {
	key, reason string
	epoch       int64
	at          time.Time
	ours        bool
}

var leaveColumns = []db.Col{{Name: "k", Type: "text"}, {Name: "e", Type: "bigint"}, {Name: "at", Type: "bigint"}, {Name: "why", Type: "text"}}

// leave ends connections of different identities.
func (s *store) leave(tx *db.Tx, all []*leaving) error {
	byKey, rows := make(map[string]*leaving, len(all)), make([][]any, len(all))
	for i, l := range all {
		byKey[l.key], l.ours = l, false
		rows[i] = []any{l.key, l.epoch, db.Micros(l.at), l.reason}
	}
	return updated(tx, db.Table{Name: "l", Cols: leaveColumns, Rows: rows},
		"UPDATE connection SET disconnected_at = l.at, reason = l.why FROM l WHERE station_key = l.k AND epoch = l.e AND disconnected_at IS NULL RETURNING station_key, 0",
		func(key string, _ int64) { byKey[key].ours = true })
}

// serial records the serial number of a boot.
type serial struct {
	key, number string
	epoch       int64
	changes     int64
}

var serialColumns = []db.Col{{Name: "k", Type: "text"}, {Name: "e", Type: "bigint"}, {Name: "number", Type: "text"}, {Name: "at", Type: "bigint"}}

var serialSQL = fmt.Sprintf(`UPDATE connection SET
	incarnations = CASE WHEN incarnation = '' OR r.at - incarnated_at > %d THEN 0 ELSE incarnations + 1 END,
	incarnation = r.number, incarnated_at = r.at
FROM r WHERE station_key = r.k AND epoch = r.e RETURNING station_key, incarnations`, flapWindow.Microseconds())

// serial records those of different identities; a newer connection that has
// the row keeps it.
func (s *store) serial(tx *db.Tx, all []*serial) error {
	byKey, rows := make(map[string]*serial, len(all)), make([][]any, len(all))
	for i, r := range all {
		byKey[r.key], r.changes = r, 0
		rows[i] = []any{r.key, r.epoch, r.number, db.Micros(tx.Now)}
	}
	return updated(tx, db.Table{Name: "r", Cols: serialColumns, Rows: rows}, serialSQL, func(key string, n int64) { byKey[key].changes = n })
}

// updated runs an update from given rows and tells of each row what it gives:
// its key and a number.
func updated(tx *db.Tx, from db.Table, query string, each func(key string, n int64)) error {
	q, err := db.Given(tx, from)
	if err != nil {
		return err
	}
	text, args := q.Add(query).SQL()
	_, err = db.Collect(tx, func(row db.Scanner) (none struct{}, err error) {
		var key string
		var n int64
		if err := row.Scan(&key, &n); err != nil {
			return none, err
		}
		each(key, n)
		return none, nil
	}, text, args...)
	return err
}

// incarnate stores a new serial number and gives the number of quick changes.
func (s *store) incarnate(ctx context.Context, l *link, number string) (int64, error) {
	r := &serial{key: l.key, number: number, epoch: l.epoch()}
	err := s.serials.Add(ctx, r)
	return r.changes, err
}

const connectionColumns = `station, org, site, node, epoch, version, remote_addr, security_profile, connected_at, disconnected_at, reason,
	incarnation, quarantined_until`

func scanConnection(row db.Scanner) (Connection, error) {
	var c Connection
	var connected, quarantined int64
	var gone sql.NullInt64
	err := row.Scan(&c.Station, &c.Org, &c.Site, &c.Node, &c.Epoch, &c.Version, &c.RemoteAddr, &c.SecurityProfile, &connected, &gone,
		&c.Reason, &c.Incarnation, &quarantined)
	c.ConnectedAt, c.DisconnectedAt = db.Time(connected), db.TimePtr(gone)
	if quarantined > 0 {
		c.QuarantinedUntil = db.Time(quarantined)
	}
	return c, err
}

// Lookup reads the latest connection of a station; fault.NotFound when it
// never connected.
func Lookup(tx *db.Tx, station string) (Connection, error) {
	return scanConnection(tx.QueryRow(`SELECT `+connectionColumns+` FROM connection WHERE station_key = $1`, key(station)))
}

// peer gives the connection as the rooms know it.
func (c Connection) peer() ocpp.Peer {
	return ocpp.Peer{Org: c.Org, Site: c.Site, Station: c.Station, Version: c.Version, Epoch: c.Epoch, ConnectedAt: c.ConnectedAt,
		SecurityProfile: c.SecurityProfile, RemoteAddr: c.RemoteAddr, Incarnation: c.Incarnation}
}

// beat says that this node lives.
func (s *store) beat(ctx context.Context, started time.Time) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`INSERT INTO gateway_node (node, started_at, beat_at) VALUES ($1, $2, $3)
ON CONFLICT (node) DO UPDATE SET started_at = excluded.started_at, beat_at = excluded.beat_at, stopped_at = NULL`,
			s.node, db.Micros(started), db.Micros(tx.Now))
	})
}

func (s *store) stopped(ctx context.Context) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		return tx.Send(`UPDATE gateway_node SET stopped_at = $1 WHERE node = $2`, db.Micros(tx.Now), s.node)
	})
}

// silent lists the other nodes that hold connections and gave no sign of life
// since the instant.
func (s *store) silent(ctx context.Context, since time.Time) ([]string, error) {
	var out []string
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		out, err = db.Collect(tx, func(row db.Scanner) (n string, err error) { return n, row.Scan(&n) },
			`SELECT node FROM gateway_node n WHERE node <> $1 AND (beat_at < $2 OR stopped_at IS NOT NULL)
AND EXISTS (SELECT 1 FROM connection c WHERE c.node = n.node AND c.disconnected_at IS NULL)`,
			s.node, db.Micros(since))
		return err
	})
	return out, err
}

// holding lists the stations of which a node holds the connection.
func (s *store) holding(ctx context.Context, node string) (keys []string, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) (err error) {
		keys, err = db.Collect(tx, func(row db.Scanner) (k string, err error) { return k, row.Scan(&k) },
			`SELECT station_key FROM connection WHERE node = $1 AND disconnected_at IS NULL`, node)
		return err
	})
	return keys, err
}

// abandon ends those of the stations' connections that the node still holds,
// and gives them; none when it has given a sign of life since the instant. Zero
// asks for no sign.
func (s *store) abandon(ctx context.Context, node, reason string, keys []string, since time.Time) (some []Connection, err error) {
	living := int64(math.MaxInt64)
	if !since.IsZero() {
		living = db.Micros(since)
	}
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		q, err := db.Given(tx, given(keys))
		if err != nil {
			return err
		}
		text, args := q.Add(`UPDATE connection SET disconnected_at = ?, reason = ? FROM k
WHERE station_key = k.key AND node = ? AND disconnected_at IS NULL
AND NOT EXISTS (SELECT 1 FROM gateway_node WHERE node = ? AND beat_at >= ? AND stopped_at IS NULL) RETURNING `+connectionColumns,
			db.Micros(tx.Now), reason, node, node, living).SQL()
		some, err = db.Collect(tx, scanConnection, text, args...)
		return err
	})
	return some, err
}

// row is what reconciliation compares.
type row struct {
	key, node string
	epoch     int64
	open      bool
}

// held reads the rows of the given identities.
func (s *store) held(ctx context.Context, keys []string) ([]row, error) {
	var out []row
	err := s.db.View(ctx, func(tx *db.Tx) error {
		q, err := db.Given(tx, given(keys))
		if err != nil {
			return err
		}
		text, args := q.Add("SELECT station_key, node, epoch, disconnected_at IS NULL FROM k JOIN connection ON station_key = k.key").SQL()
		out, err = db.Collect(tx, func(sc db.Scanner) (r row, err error) {
			err = sc.Scan(&r.key, &r.node, &r.epoch, &r.open)
			return r, err
		}, text, args...)
		return err
	})
	return out, err
}

// given is the keys as a table k.
func given(keys []string) db.Table {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k}
	}
	return db.Table{Name: "k", Cols: keyColumns, Rows: rows}
}

var keyColumns = []db.Col{{Name: "key", Type: "text"}}

// revive reopens a row that another node closed although the connection lives.
func (s *store) revive(ctx context.Context, key string, epoch int64) (bool, error) {
	var n int64
	err := s.db.Update(ctx, func(tx *db.Tx) (err error) {
		n, err = tx.Exec(`UPDATE connection SET disconnected_at = NULL, reason = '' WHERE station_key = $1 AND epoch = $2 AND node = $3`,
			key, epoch, s.node)
		return err
	})
	return n == 1, err
}
