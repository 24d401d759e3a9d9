package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const maxStatements = 400 // prepared statements kept per connection

// lite is the SQLite side of a DB: one writing connection and a pool of
// reading ones.
type lite struct {
	db    *DB
	path  string
	write *sql.DB
	read  *sql.DB

	syncs *syncer

	slots chan struct{} // one token per reader in use
	mu    sync.Mutex
	idle  []*liteConn // readers, most recently used last

	groupTime time.Duration
	overdue   time.Duration // see yieldTime

	queue    chan *waiting
	yielding chan *waiting // those behind them; see Yielding
	head     *waiting      // the first of these, or nil; the writer's
	stop     chan struct{}
	closed   sync.Once
	done     chan struct{} // the writer has ended

	pages  int           // written since the last checkpoint was asked for; the writer's
	copy   chan struct{} // asks for a checkpoint; full while one waits
	last   atomic.Bool   // the writer is to copy the last pages of the log
	copied chan struct{} // the checkpointer has ended
	base   beside        // the database file; the checkpointer's

	archive *archive // nil: none
}

func dsn(path string, write bool) string {
	q := url.Values{}
	pragmas := []string{"busy_timeout(5000)", "foreign_keys(1)", "synchronous(FULL)", "temp_store(MEMORY)"}
	if write {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			// Of a new file only: said again, it writes to the file at each opening.
			pragmas = append(pragmas, "auto_vacuum(INCREMENTAL)")
		}
		pragmas = append(pragmas, "journal_mode(WAL)", "journal_size_limit(402653184)", "cache_size(-16000)", "wal_autocheckpoint("+ownPages+")")
	} else {
		q.Set("_query_only", "1")
		pragmas = append(pragmas, "cache_size(-1000)") // each of several has its own; the system's cache is behind them
	}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	q.Set("_txlock", map[bool]string{true: "immediate", false: "deferred"}[write])
	q.Set("_time_format", "sqlite")
	q.Set("_timezone", "UTC")
	if vfs := gatheringVFS(); vfs != "" {
		q.Set("vfs", vfs)
	}
	q.Set("_dqs", "0") // a misspelt "column" is an error, not a string
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func openLite(ctx context.Context, d *DB, c Config) (_ *lite, err error) {
	path, readers := c.Path, c.MaxConns
	var keeps *archive
	if c.Archive.Dir != "" && !c.Share {
		if keeps, err = openArchive(d, c.Archive, path); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				keeps.lock.release()
			}
		}()
	}
	l := &lite{
		db: d, path: path, syncs: newSyncer(path, c.CommitDelay),
		slots:     make(chan struct{}, readers),
		groupTime: groupTime,
		overdue:   yieldTime,
		queue:     make(chan *waiting, queueLength),
		yielding:  make(chan *waiting, queueLength),
		stop:      make(chan struct{}),
		done:      make(chan struct{}),
		copy:      make(chan struct{}, 1),
		copied:    make(chan struct{}),
		base:      beside{path: path, flush: syncData},
		archive:   keeps,
	}
	if l.write, err = sql.Open("sqlite", dsn(path, true)); err != nil {
		return nil, err
	}
	if l.read, err = sql.Open("sqlite", dsn(path, false)); err != nil {
		return nil, err
	}
	l.write.SetMaxIdleConns(1)
	l.read.SetMaxOpenConns(readers)
	conn, err := l.writer(ctx)
	if err != nil {
		l.write.Close()
		return nil, fault.Wrap(fault.Unavailable, err, "db.open", "the database file %s cannot be opened", path)
	}
	second, err := l.connect(ctx, l.write)
	if err != nil {
		conn.close()
		l.write.Close()
		return nil, fault.Wrap(fault.Unavailable, err, "db.open", "the database file %s cannot be opened a second time", path)
	}
	go l.writeLoop(conn)
	go l.syncs.loop(d.log)
	go l.checkpointLoop(second)
	return l, nil
}

func (l *lite) close() error {
	l.closed.Do(func() { close(l.stop) })
	if l.archive != nil {
		<-l.archive.ended
	}
	<-l.done
	<-l.copied
	for range cap(l.slots) { // wait for the readers
		l.slots <- struct{}{}
	}
	for _, c := range l.idle {
		c.close()
	}
	l.idle = nil
	err := errors.Join(l.read.Close(), l.write.Close())
	l.base.close() // after them: closing a file ends a process's locks on it
	if l.archive != nil {
		err = errors.Join(err, l.archive.close())
	}
	return err
}

// liteConn is a connection with its prepared statements. It belongs to one
// goroutine at a time.
type liteConn struct {
	conn  *sql.Conn
	raw   driver.ConnPrepareContext // the same, below database/sql
	stmts map[string]*liteStmt
	plain map[string]driver.StmtExecContext // statements that give no rows
	named []driver.NamedValue               // lent to one execution after the other
	bad   bool
}

type liteStmt struct {
	*sql.Stmt
	rows *sql.Rows // of the last query
}

// busy reports whether rows of the statement are still being read: the driver
// must not run it a second time meanwhile.
func (s *liteStmt) busy() bool {
	if s.rows == nil {
		return false
	}
	if _, err := s.rows.Columns(); err == nil {
		return true
	}
	s.rows = nil
	return false
}

func (l *lite) connect(ctx context.Context, pool *sql.DB) (*liteConn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &liteConn{conn: conn, stmts: map[string]*liteStmt{}, plain: map[string]driver.StmtExecContext{}}
	err = conn.Raw(func(raw any) (err error) {
		var ok bool
		if c.raw, ok = raw.(driver.ConnPrepareContext); !ok {
			err = fault.New(fault.Internal, "db.driver", "the SQLite driver's %T cannot prepare statements", raw)
		}
		return err
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// prepare gives the statement ready to run, or nil when the same statement is
// still being read and must be run unprepared.
func (c *liteConn) prepare(ctx context.Context, query string) (*liteStmt, error) {
	if s := c.stmts[query]; s != nil {
		if s.busy() {
			return nil, nil
		}
		return s, nil
	}
	stmt, err := c.conn.PrepareContext(ctx, bareMarks(query))
	if err != nil {
		return nil, err
	}
	s := &liteStmt{Stmt: stmt}
	c.stmts[query] = s
	return s, nil
}

func (c *liteConn) send(ctx context.Context, query string, args []any) error {
	_, err := c.exec(ctx, query, args)
	return err
}

// exec goes to the driver itself: what database/sql does around each
// execution (locks, a copy of the arguments, the driver's name for each)
// costs as much as the statement of one row.
func (c *liteConn) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	s := c.plain[query]
	if s == nil {
		stmt, err := c.raw.PrepareContext(ctx, bareMarks(query))
		if err != nil {
			return nil, c.note(err)
		}
		s = stmt.(driver.StmtExecContext)
		c.plain[query] = s
	}
	values, err := c.values(args)
	if err != nil {
		return nil, err
	}
	res, err := s.ExecContext(ctx, values)
	clear(values) // they hold the caller's memory
	return res, c.note(err)
}

// values are the arguments as the driver takes them.
func (c *liteConn) values(args []any) ([]driver.NamedValue, error) {
	if cap(c.named) < len(args) {
		c.named = make([]driver.NamedValue, len(args)*2)
	}
	out := c.named[:len(args)]
	for i, a := range args {
		switch v := a.(type) {
		case int64, string, nil, bool, []byte:
		case int:
			a = int64(v)
		default:
			var err error
			if a, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return nil, fmt.Errorf("db: argument %d: %w", i+1, err)
			}
		}
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return out, nil
}

func (c *liteConn) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, c.note(err)
	}
	if s == nil {
		rows, err := c.conn.QueryContext(ctx, query, args...)
		return rows, c.note(err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err == nil {
		s.rows = rows
	}
	return rows, c.note(err)
}

func (c *liteConn) note(err error) error {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		c.bad = true
	}
	return err
}

// trim forgets the statements when lists with ever new filters have filled
// the cache. Only between transactions: no rows are open then.
func (c *liteConn) trim() {
	if len(c.stmts)+len(c.plain) > maxStatements {
		c.forget()
	}
}

func (c *liteConn) forget() {
	for _, s := range c.stmts {
		s.Close()
	}
	for _, s := range c.plain {
		if err := s.(driver.Stmt).Close(); err != nil {
			c.bad = true
		}
	}
	clear(c.stmts)
	clear(c.plain)
}

func (c *liteConn) close() {
	c.forget()
	c.conn.Close()
}

// reader takes a reading connection; back returns it.
func (l *lite) reader(ctx context.Context) (*liteConn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.stop:
		return nil, errClosed
	}
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = slices.Delete(l.idle, n-1, n)
		l.mu.Unlock()
		return c, nil
	}
	l.mu.Unlock()
	c, err := l.connect(ctx, l.read)
	if err != nil {
		<-l.slots
		return nil, classify(err)
	}
	return c, nil
}

func (l *lite) back(c *liteConn) {
	if c.bad {
		c.close()
	} else {
		c.trim()
		l.mu.Lock()
		l.idle = append(l.idle, c)
		l.mu.Unlock()
	}
	<-l.slots
}

func (d *DB) viewLite(ctx context.Context, fn func(tx *Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := d.lite.reader(ctx)
	if err != nil {
		return err
	}
	free := context.WithoutCancel(ctx)
	if _, err := c.exec(free, "BEGIN", nil); err != nil {
		c.bad = true
		d.lite.back(c)
		return classify(err)
	}
	tx := d.newTx(ctx, c, false)
	defer func() { // also when the closure panics
		tx.finish(nil)
		if _, e := c.exec(free, "ROLLBACK", nil); e != nil {
			c.bad = true
		}
		d.lite.back(c)
		if err == nil && len(tx.after)+len(tx.wakeups) > 0 {
			tx.committed()
		}
	}()
	return tx.finish(tx.gathered(fn(tx)))
}

var errClosed = fault.New(fault.Unavailable, "db.closed", "the database is closed")

// inside reports whether the calling goroutine is running the named function.
func inside(function string) bool {
	pcs := make([]uintptr, 200)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		f, more := frames.Next()
		if f.Function == function {
			return true
		}
		if !more {
			return false
		}
	}
}

func (s steady) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	return s.liteConn.exec(context.WithoutCancel(ctx), query, args)
}

func (s steady) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return s.liteConn.query(context.WithoutCancel(ctx), query, args)
}
