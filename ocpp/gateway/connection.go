package gateway

import (
	"context"
	"database/sql"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
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
	s.joins = db.NewBatch(d, db.BatchOptions{MaxRows: 200, Rest: rest, Yields: true}, flushEach(s.join))
	s.leaves = db.NewBatch(d, db.BatchOptions{Rest: rest, Yields: true}, flushEach(s.leave))
	s.serials = db.NewBatch(d, db.BatchOptions{MaxRows: 200, Rest: rest, Yields: true}, flushEach(s.serial))
	return s
}

func (s *store) close() {
	s.joins.Close()
	s.leaves.Close()
	s.serials.Close()
}

func flushEach[T any](one func(*db.Tx, T) error) func(*db.Tx, []T) error {
	return func(tx *db.Tx, rows []T) error {
		for _, r := range rows {
			if err := one(tx, r); err != nil {
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

// One statement takes the row and the next epoch, so that two nodes cannot
// give the same one. In SET, connection.x is the value before; a connection is
// there while it is not disconnected and has another epoch than $15.
//
// A turn is counted when the device of the connection before the last comes
// back while the last one is still there: A, B, A. A station on a mobile
// network that returns with ever new addresses does not count.
const joinSQL = `
INSERT INTO connection (station_key, station, org, site, node, epoch, version, remote_addr, host, security_profile, connected_at)
VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10)
ON CONFLICT (station_key) DO UPDATE SET
	station = excluded.station, org = excluded.org, site = excluded.site, node = excluded.node,
	epoch = connection.epoch + 1, version = excluded.version, remote_addr = excluded.remote_addr, host = excluded.host,
	security_profile = excluded.security_profile, connected_at = excluded.connected_at, disconnected_at = NULL, reason = '',
	previous_node = CASE WHEN connection.disconnected_at IS NULL AND connection.epoch <> $15 THEN connection.node ELSE '' END,
	previous_host = CASE WHEN connection.host <> excluded.host THEN connection.host ELSE connection.previous_host END,
	flaps = CASE
		WHEN connection.host = excluded.host THEN connection.flaps
		WHEN excluded.connected_at - connection.connected_at > $11 THEN 0
		WHEN connection.disconnected_at IS NULL AND connection.epoch <> $15 AND connection.previous_host = excluded.host THEN connection.flaps + 1
		ELSE connection.flaps END,
	quarantined_until = CASE
		WHEN connection.disconnected_at IS NULL AND connection.epoch <> $15 AND connection.host <> excluded.host AND connection.previous_host = excluded.host
			AND connection.flaps + 1 >= $12 AND excluded.connected_at - connection.connected_at <= $11 THEN excluded.connected_at + $13
		ELSE connection.quarantined_until END
WHERE NOT (connection.quarantined_until > excluded.connected_at AND connection.host <> excluded.host
	AND connection.disconnected_at IS NULL AND connection.epoch <> $15 AND CAST($14 AS BOOLEAN))
RETURNING epoch, incarnation, previous_node, flaps`

func (s *store) join(tx *db.Tx, j *joining) error {
	p := j.peer
	err := tx.QueryRow(joinSQL, j.key, p.Station, p.Org, p.Site, s.node, string(p.Version), p.RemoteAddr, j.host, p.SecurityProfile,
		db.Micros(p.ConnectedAt), flapWindow.Microseconds(), flapLimit, quarantineTime.Microseconds(), j.live, j.parted).
		Scan(&j.epoch, &j.incarnation, &j.previousNode, &j.flaps)
	j.refused = fault.Is(err, fault.NotFound)
	if j.refused {
		return nil
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

func (s *store) leave(tx *db.Tx, l *leaving) error {
	n, err := tx.Exec(`UPDATE connection SET disconnected_at = $1, reason = $2 WHERE station_key = $3 AND epoch = $4 AND disconnected_at IS NULL`,
		db.Micros(l.at), l.reason, l.key, l.epoch)
	l.ours = n == 1
	return err
}

// serial records the serial number of a boot.
type serial struct {
	key, number string
	epoch       int64
	changes     int64
}

func (s *store) serial(tx *db.Tx, r *serial) error {
	err := tx.QueryRow(`
UPDATE connection SET
	incarnations = CASE WHEN incarnation = '' OR CAST($1 AS BIGINT) - incarnated_at > $2 THEN 0 ELSE incarnations + 1 END,
	incarnation = $3, incarnated_at = $1
WHERE station_key = $4 AND epoch = $5 RETURNING incarnations`,
		db.Micros(tx.Now), flapWindow.Microseconds(), r.number, r.key, r.epoch).Scan(&r.changes)
	if fault.Is(err, fault.NotFound) {
		return nil // a newer connection has the row
	}
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
			`SELECT DISTINCT c.node FROM connection c LEFT JOIN gateway_node n ON n.node = c.node
WHERE c.disconnected_at IS NULL AND c.node <> $1 AND (n.node IS NULL OR n.beat_at < $2 OR n.stopped_at IS NOT NULL)`,
			s.node, db.Micros(since))
		return err
	})
	return out, err
}

// abandon ends all connections of a node and gives them.
func (s *store) abandon(ctx context.Context, node, reason string) ([]Connection, error) {
	var out []Connection
	err := s.db.Update(ctx, func(tx *db.Tx) (err error) {
		out, err = db.Collect(tx, scanConnection,
			`UPDATE connection SET disconnected_at = $1, reason = $2 WHERE node = $3 AND disconnected_at IS NULL RETURNING `+connectionColumns,
			db.Micros(tx.Now), reason, node)
		return err
	})
	return out, err
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
		q := db.Build(`SELECT station_key, node, epoch, disconnected_at IS NULL FROM connection WHERE station_key IN (`)
		for i, k := range keys {
			if i > 0 {
				q.Add(",")
			}
			q.Add("?", k)
		}
		text, args := q.Add(")").SQL()
		rows, err := db.Collect(tx, func(sc db.Scanner) (r row, err error) {
			return r, sc.Scan(&r.key, &r.node, &r.epoch, &r.open)
		}, text, args...)
		out = rows
		return err
	})
	return out, err
}

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
