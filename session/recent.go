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
}

// byRef finds the sessions of transactions, of every incarnation, and holds
// them until the commit.
func (c *recent) byRef(tx *db.Tx, refs []ref) ([]Session, error) {
	rows, err := heldByRef(tx, refs)
	if err != nil {
		return nil, err
	}
	out := make([]Session, 0, len(rows))
	var missing []ID
	c.mu.Lock()
	for _, r := range rows {
		if s, ok := c.sessions[r.id]; ok && s.version == r.version {
			out = append(out, s)
		} else {
			missing = append(missing, r.id)
		}
	}
	c.mu.Unlock()
	read, err := sessionsByID(tx, missing)
	return append(out, read...), err
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

// heldByRef finds the sessions of transactions with one statement.
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
