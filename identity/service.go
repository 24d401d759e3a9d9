package identity

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

// Config of the room.
type Config struct {
	SessionIdle time.Duration // a session ends after this long without a request; 0: 12 h
	SessionLife time.Duration // and after this long in any case; 0: 7 days

	// FirstPassword is given to the first owner; empty: one is made up.
	FirstPassword string
}

// Deps are what the room needs.
type Deps struct {
	DB     *db.DB
	Log    *slog.Logger
	Config Config
}

// Service is the room's use-cases. It is safe for concurrent use.
type Service struct {
	db         *db.DB
	log        *slog.Logger
	idle, life time.Duration
	first      string // password of the first owner, when given
	hash       *hasher
	cache      cache
}

// New makes the service. Only DB is needed: a command-line tool can create a
// key beside a running server.
func New(d Deps) *Service {
	s := &Service{db: d.DB, log: d.Log, idle: d.Config.SessionIdle, life: d.Config.SessionLife, first: d.Config.FirstPassword, hash: newHasher()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.idle == 0 {
		s.idle = 12 * time.Hour
	}
	if s.life == 0 {
		s.life = 7 * 24 * time.Hour
	}
	return s
}

// Jobs registers the room's periodic work.
func (s *Service) Jobs(r *job.Runner) { r.Every("identity.tidy", time.Hour, s.Tidy) }

// Change is one field before and after.
type Change [2]any

// Entry is what happened, for the audit.
type Entry struct {
	Org     OrgID
	Action  string // "user.created"
	Subject string // the id of the thing
	Changes map[string]Change
}

// Audit records who did what, in the transaction that does it. The caller
// and the request come from ctx. Values must not be secrets.
func Audit(ctx context.Context, tx *db.Tx, e Entry) error {
	c, ok := From(ctx)
	if !ok {
		return errNobody()
	}
	changes := e.Changes
	if changes == nil {
		changes = map[string]Change{}
	}
	b, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	address := ""
	if a := web.ClientAddr(ctx); a.IsValid() {
		address = a.String()
	}
	db.Gather(tx, "audit_entry", []any{id.New[string](tx.Now), string(e.Org), db.Micros(tx.Now), c.Actor(), c.Name, e.Action, e.Subject, string(b), web.RequestID(ctx), address}, writeAudit)
	return nil
}

var auditColumns = []db.Col{{Name: "id", Type: "text"}, {Name: "org", Type: "text"}, {Name: "at", Type: "bigint"}, {Name: "actor", Type: "text"},
	{Name: "actor_name", Type: "text"}, {Name: "action", Type: "text"}, {Name: "subject", Type: "text"}, {Name: "changes", Type: "text"},
	{Name: "request", Type: "text"}, {Name: "address", Type: "text"}}

// writeAudit stores the entries of a transaction at its end.
func writeAudit(tx *db.Tx, rows [][]any) error {
	return db.InsertRows(tx, "audit_entry", auditColumns, rows, "")
}

// changed records e in the audit and as a fact, and empties the cache once
// it is true.
func (s *Service) changed(ctx context.Context, tx *db.Tx, e Entry) error {
	if err := Audit(ctx, tx, e); err != nil {
		return err
	}
	tx.AfterCommit(s.cache.clear)
	return event.Record(tx, event.Fact{Org: string(e.Org), Subject: e.Subject, Kind: e.Action}, struct {
		ID      string            `json:"id"`
		Changes map[string]Change `json:"changes,omitempty"`
	}{e.Subject, e.Changes})
}

// diff collects the fields that differ.
type diff map[string]Change

func (d diff) add(field string, before, after any) {
	if before != after {
		d[field] = Change{before, after}
	}
}

// cacheTime bounds how long a revoked key or session may live on another
// node.
const cacheTime = 5 * time.Second

// cache keeps resolved credentials by their hash.
type cache struct {
	mu   sync.Mutex
	rows map[string]cached
	// generation tells an answer that was read before a clear from one read
	// after it.
	generation uint64
}

type cached struct {
	who   *principal
	until time.Time
}

// cacheSize bounds memory; reaching it costs a few lookups.
const cacheSize = 10_000

func (c *cache) get(key string, now time.Time) (*principal, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, ok := c.rows[key]; ok && now.Before(row.until) {
		return row.who, c.generation
	}
	return nil, c.generation
}

func (c *cache) put(key string, who *principal, now time.Time, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if c.rows == nil || len(c.rows) >= cacheSize {
		c.rows = map[string]cached{}
	}
	c.rows[key] = cached{who, now.Add(cacheTime)}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = nil
	c.generation++
}

// rootID gives the organisation at the top.
func rootID(tx *db.Tx) (OrgID, error) {
	var root string
	err := tx.QueryRow(`SELECT id FROM organisation WHERE parent IS NULL`).Scan(&root)
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Conflict, "organisation.no_root", "This installation has no organisation yet; start the server once.")
	}
	return OrgID(root), err
}
