package session

import (
	"sync"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// recent keeps sessions as they were last written by a batch of this node. A
// batch asks the database for the version of each of its sessions, and reads
// those whose row is another: so it does not matter who else writes sessions,
// here or on another node.
type recent struct {
	mu       sync.Mutex
	sessions map[ID]*Session // shared and never changed
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
		return s
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
func (c *recent) read(tx *db.Tx, rows []held) (map[ID]*Session, error) {
	out := make(map[ID]*Session, len(rows))
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
	for _, s := range pointers(read) {
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
		c.sessions[w.ID] = w.Session
	}
}

// lastAtSpot is the latest session where r says. A 1.6 session is found by its
// connector, whatever EVSE that was when it began (field note 12); one of 2.x
// by EVSE and connector, since the free sibling of a busy connector says
// nothing about it.
const lastAtSpot = `SELECT x.id FROM session x WHERE x.station = r.station AND x.started_at >= r.since
	AND (CASE WHEN r.wire > 0 AND x.wire_connector > 0 THEN x.wire_connector = r.wire
		ELSE x.evse = r.evse AND (x.connector = 0 OR r.connector = 0 OR x.connector = r.connector) END)
	ORDER BY x.started_at DESC, x.id DESC LIMIT 1`

var (
	idColumns   = []db.Col{{Name: "id", Type: "text"}}
	refColumns  = []db.Col{{Name: "station", Type: "text"}, {Name: "transaction_id", Type: "text"}}
	spotColumns = []db.Col{{Name: "n", Type: "bigint"}, {Name: "station", Type: "text"}, {Name: "since", Type: "bigint"},
		{Name: "evse", Type: "bigint"}, {Name: "connector", Type: "bigint"}, {Name: "wire", Type: "bigint"}}
)

// hold finds the sessions of transactions, of every incarnation, and for each
// sighting the latest session where it was made, and holds them until the
// commit.
func hold(tx *db.Tx, refs []ref, sightings []*sighting) (named, seen []held, err error) {
	byRef, err := askByRef(tx, refs, &named)
	if err != nil {
		return nil, nil, err
	}
	atSpot, err := askAtSpot(tx, sightings, &seen)
	if err != nil {
		return nil, nil, err
	}
	return named, seen, db.CollectAll(tx, byRef, atSpot)
}

func askByRef(tx *db.Tx, refs []ref, into *[]held) (db.Asking, error) {
	rows := make([][]any, len(refs))
	for i, r := range refs {
		rows[i] = []any{r.station, r.transaction}
	}
	q, err := db.Given(tx, db.Table{Name: "r", Cols: refColumns, Rows: rows})
	if err != nil || len(refs) == 0 {
		return db.Asking{}, err
	}
	if tx.Dialect == db.Postgres {
		q.Add("SELECT id, version FROM session WHERE (station, transaction_id) IN (SELECT * FROM r) ORDER BY id FOR UPDATE")
	} else {
		q.Add("SELECT s.id, s.version FROM r CROSS JOIN session s ON s.station = r.station AND s.transaction_id = r.transaction_id")
	}
	return db.Into(into, func(row db.Scanner) (h held, err error) { return h, row.Scan(&h.id, &h.version) }, q), nil
}

func askAtSpot(tx *db.Tx, all []*sighting, into *[]held) (db.Asking, error) {
	rows := make([][]any, len(all))
	for i, g := range all {
		rows[i] = []any{i, g.station, db.Micros(g.since()), g.at.evse, g.at.connector, g.at.wire}
	}
	q, err := db.Given(tx, db.Table{Name: "r", Cols: spotColumns, Rows: rows})
	if err != nil || len(all) == 0 {
		return db.Asking{}, err
	}
	if tx.Dialect == db.Postgres {
		q.Add("SELECT r.n, s.id, s.version FROM r CROSS JOIN LATERAL (" + lastAtSpot + ") last JOIN session s ON s.id = last.id ORDER BY s.id FOR UPDATE OF s")
	} else {
		q.Add("SELECT r.n, s.id, s.version FROM r CROSS JOIN session s ON s.id = (" + lastAtSpot + ")")
	}
	return db.Into(into, func(row db.Scanner) (h held, err error) { return h, row.Scan(&h.n, &h.id, &h.version) }, q), nil
}

// sessionsByID reads sessions that the transaction holds.
func sessionsByID(tx *db.Tx, ids []ID) ([]Session, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{string(id)}
	}
	q, err := db.Given(tx, db.Table{Name: "wanted", Cols: idColumns, Rows: rows})
	if err != nil {
		return nil, err
	}
	which := "id IN (SELECT id FROM wanted)"
	if tx.Dialect == db.Postgres { // an array is looked up by the index, whatever size the table seems to have
		which = "id = ANY (ARRAY(SELECT id FROM wanted))"
	}
	query, args := q.Add("SELECT " + sessionColumns + " FROM session WHERE " + which).SQL()
	return db.Collect(tx, scanSession, query, args...)
}
