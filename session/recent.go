package session

import (
	"encoding/json"
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// recent keeps sessions as they were last written by a batch of this node. A
// batch asks the database for the version of each of its sessions, and reads
// those whose row is another: so it does not matter who else writes sessions,
// here or on another node.
type recent struct {
	mu       sync.Mutex
	sessions map[ID]Session // their insides are shared and never changed
}

// maxRecent bounds the memory: about 1.5 KB each.
const maxRecent = 20_000

// held is the row of a session in as few words as possible.
type held struct {
	id      ID
	version int64
	n       int // of the sighting that it is for
}

// of gives a session that was read from its row as it is: the row may lag
// behind what this node keeps.
func (c *recent) of(row *Session) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.sessions[row.ID]; ok && s.version == row.version {
		return &s
	}
	return row
}

// forget drops a session until the commit: should it fail, the row is read.
func (c *recent) forget(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, id)
}

// read gives the sessions behind rows that the transaction holds.
func (c *recent) read(tx *db.Tx, rows []held) (map[ID]Session, error) {
	out := make(map[ID]Session, len(rows))
	var missing []ID
	c.mu.Lock()
	for _, r := range rows {
		if s, ok := c.sessions[r.id]; ok && s.version == r.version {
			out[r.id] = s
		} else {
			missing = append(missing, r.id)
		}
	}
	c.mu.Unlock()
	read, err := sessionsByID(tx, missing)
	for _, s := range read {
		out[s.ID] = s
	}
	return out, err
}

// keep takes what a batch has written.
func (c *recent) keep(all []*work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range all {
		if !w.SettledAt.IsZero() {
			delete(c.sessions, w.ID)
			continue
		}
		if was, ok := c.sessions[w.ID]; ok && was.version > w.version {
			continue // a later batch was faster
		}
		if len(c.sessions) >= maxRecent {
			for id := range c.sessions { // any tenth; the map's order is random
				if delete(c.sessions, id); len(c.sessions) <= maxRecent*9/10 {
					break
				}
			}
		}
		c.sessions[w.ID] = *w.Session
	}
}

// heldByRef finds the sessions of transactions, of every incarnation, with one
// statement, and holds them until the commit.
func heldByRef(tx *db.Tx, refs []ref) ([]held, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	scan := func(row db.Scanner) (h held, err error) {
		err = row.Scan(&h.id, &h.version)
		return h, err
	}
	if tx.Dialect == db.Postgres {
		stations, transactions := make([]string, len(refs)), make([]string, len(refs))
		for i, r := range refs {
			stations[i], transactions[i] = r.station, r.transaction
		}
		return db.Collect(tx, scan, `SELECT id, version FROM session
			WHERE (station, transaction_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY id FOR UPDATE`, stations, transactions)
	}
	// SQLite has no arrays to bind; JSON stands in.
	pairs := make([][2]string, len(refs))
	for i, r := range refs {
		pairs[i] = [2]string{r.station, r.transaction}
	}
	list, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	return db.Collect(tx, scan, `SELECT s.id, s.version FROM json_each($1) r
		CROSS JOIN session s ON s.station = r.value ->> 0 AND s.transaction_id = r.value ->> 1`, string(list))
}

// lastAtSpot is the latest session where r says.
const lastAtSpot = `SELECT x.id FROM session x WHERE x.station = r.station AND x.started_at >= r.since
	AND (CASE WHEN r.wire > 0 AND x.wire_connector > 0 THEN x.wire_connector = r.wire
		ELSE x.evse = r.evse AND (x.connector = 0 OR r.connector = 0 OR x.connector = r.connector) END)
	ORDER BY x.started_at DESC, x.id DESC LIMIT 1`

// heldAt finds for each sighting the latest session where it was made, with
// one statement, and holds them. A 1.6 session is found by its connector,
// whatever EVSE that was when it began (field note 12); one of 2.x by EVSE and
// connector, since the free sibling of a busy connector says nothing about it.
func heldAt(tx *db.Tx, all []*sighting) ([]held, error) {
	if len(all) == 0 {
		return nil, nil
	}
	scan := func(row db.Scanner) (h held, err error) {
		err = row.Scan(&h.n, &h.id, &h.version)
		return h, err
	}
	if tx.Dialect == db.Postgres {
		n, stations := make([]int64, len(all)), make([]string, len(all))
		since, evses, connectors, wires := make([]int64, len(all)), make([]int64, len(all)), make([]int64, len(all)), make([]int64, len(all))
		for i, g := range all {
			n[i], stations[i], since[i] = int64(i), g.station, db.Micros(g.since())
			evses[i], connectors[i], wires[i] = int64(g.at.evse), int64(g.at.connector), int64(g.at.wire)
		}
		return db.Collect(tx, scan, `SELECT r.n, s.id, s.version
			FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS r(n, station, since, evse, connector, wire)
			CROSS JOIN LATERAL (`+lastAtSpot+`) last JOIN session s ON s.id = last.id ORDER BY s.id FOR UPDATE OF s`, n, stations, since, evses, connectors, wires)
	}
	spots := make([][5]any, len(all))
	for i, g := range all {
		spots[i] = [5]any{g.station, db.Micros(g.since()), g.at.evse, g.at.connector, g.at.wire}
	}
	list, err := json.Marshal(spots)
	if err != nil {
		return nil, err
	}
	return db.Collect(tx, scan, `WITH r(n, station, since, evse, connector, wire) AS
		(SELECT key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($1))
		SELECT r.n, s.id, s.version FROM r CROSS JOIN session s ON s.id = (`+lastAtSpot+`)`, string(list))
}

// sessionsByID reads sessions that the transaction holds.
func sessionsByID(tx *db.Tx, ids []ID) ([]Session, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if tx.Dialect == db.Postgres {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = string(id)
		}
		return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session WHERE id = ANY ($1::text[])`, list)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	return db.Collect(tx, scanSession, `SELECT `+sessionColumns+` FROM session WHERE id IN (SELECT value FROM json_each($1))`, string(list))
}
