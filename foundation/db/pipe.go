package db

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// pipe is a connection of PostgreSQL, as database/sql uses it, that spares
// round trips: statements whose result nobody reads wait (later), and go out
// together with the next one that has a result or with the commit, all in one
// flight. The begin of a transaction is the first that waits. Where one of
// them fails the engine passes over what follows it in the flight, a commit
// too, and the flight fails with its error.
type pipe struct {
	conn     *pgx.Conn
	lookedAt time.Time // zero for a new connection
	waiting  pgx.Batch
	begins   int  // 1 while the begin is among what waits
	asked    int  // queries at the end of what waits whose rows are wanted
	answered bool // something of this transaction came back
	room     room
	columns  []byte // of the statements that wait
}

// room is where pgx writes what goes out. Its own begins with 1 KiB each time,
// and doubles while rows are written.
type room []byte

const (
	roomFor  = 64 << 10
	mostKept = 256 << 10 // of other buffers of a connection that grow as they need
)

// Encode is given what pgx has written so far.
func (r *room) Encode(written []byte) ([]byte, error) {
	if *r == nil {
		*r = make([]byte, 0, roomFor)
	}
	return append((*r)[:0], written...), nil
}

func (*room) Decode([]byte) error { return errors.New("db: room is no message") }
func (*room) Frontend()           {}

// mostWaiting is how many statements wait at most.
const mostWaiting = 64

// idleTrust is how long a connection counts as alive after its last use.
const idleTrust = time.Second

// unbegun is the end of a pooled connection that shows when a transaction is to
// begin on it: nothing has happened.
type unbegun struct{ error }

func (u unbegun) Unwrap() error { return u.error }

// pipes makes connections.
type pipes struct{ config *pgx.ConnConfig }

func (p pipes) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, p.config.Copy())
	if err != nil {
		return nil, err
	}
	takeArrays(conn)
	return &pipe{conn: conn}, nil
}

func (p pipes) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// start begins a transaction with the statement that says how.
func (c *pipe) start(begin string) {
	c.begins, c.answered = 1, false
	c.waiting.Queue(begin)
}

// idle tells whether nothing waits but the begin.
func (c *pipe) idle() bool { return c.waiting.Len() == c.begins }

// later has a statement wait. What it was given must not change any more.
func (c *pipe) later(ctx context.Context, query string, args []any) error {
	c.waiting.Queue(query, args...)
	if c.waiting.Len() < mostWaiting {
		return nil
	}
	return c.flush(ctx)
}

// ask has a query wait. Its rows come with those of the next one, before them.
func (c *pipe) ask(query string, args []any) {
	c.waiting.Queue(query, args...)
	c.asked++
}

// flush sends what waits, but for a begin that is alone.
func (c *pipe) flush(ctx context.Context) error {
	if c.idle() {
		return nil
	}
	_, err := c.flight(ctx, nil)
	return err
}

// commit ends the transaction. Nothing goes out for one that asked nothing.
func (c *pipe) commit(ctx context.Context) error {
	if c.begins > 0 && c.idle() {
		c.drop()
		return nil
	}
	c.answered = true // once it is on the way, a lost connection does not tell what happened
	c.waiting.Queue("commit")
	tag, err := c.flight(ctx, nil)
	if err == nil && tag.String() != "COMMIT" {
		err = pgx.ErrTxCommitRollback
	}
	if err != nil {
		c.rollback(ctx)
	}
	return err
}

// rollback undoes the transaction; a connection on which that fails is not
// used again.
func (c *pipe) rollback(ctx context.Context) {
	c.drop()
	switch {
	case c.conn.IsClosed():
		return
	case c.conn.PgConn().IsBusy(): // something panicked while it was read
		c.conn.Close(ctx)
		return
	case c.conn.PgConn().TxStatus() == 'I':
		return
	}
	if _, err := c.conn.Exec(ctx, "rollback"); err != nil {
		c.conn.Close(ctx)
	}
}

func (c *pipe) drop() {
	c.waiting.QueuedQueries, c.begins, c.asked = nil, 0, 0
	if c.columns = c.columns[:0]; cap(c.columns) > mostKept {
		c.columns = nil
	}
}

// flight sends what waits. read is given the results of those that were asked
// and of the last statement, and closes them; without it all are like the
// others.
func (c *pipe) flight(ctx context.Context, read func(pgx.BatchResults) error) (tag pgconn.CommandTag, err error) {
	batch, begins, unread := c.waiting, c.begins, c.waiting.Len()
	if read != nil {
		unread -= c.asked + 1
	}
	if !c.conn.IsClosed() { // else pgx may still be saying goodbye
		c.conn.PgConn().Frontend().Send(&c.room)
	}
	results := c.conn.SendBatch(ctx, &batch)
	c.drop()
	for i := range unread {
		if tag, err = results.Exec(); err != nil {
			results.Close()
			return tag, c.lost(err, i < begins)
		}
	}
	if read != nil {
		err = read(results)
	} else {
		err = results.Close()
	}
	if err != nil {
		return tag, c.lost(err, false)
	}
	c.answered = true
	return tag, nil
}

// lost marks the error of a pooled connection that had ended unnoticed. That
// its begin was refused says so, or that nothing came back while no commit was
// on the way. What pgx cannot encode ends a connection, too, and is none.
func (c *pipe) lost(err error, begin bool) error {
	var refused *pgconn.PgError
	gone := c.conn.IsClosed() && !c.lookedAt.IsZero() && !strings.Contains(err.Error(), "preprocessing batch (build)")
	if gone && (!c.answered || begin && errors.As(err, &refused)) {
		return unbegun{err}
	}
	return err
}

// ExecContext runs a statement, and all that wait before it.
func (c *pipe) ExecContext(ctx context.Context, query string, named []driver.NamedValue) (driver.Result, error) {
	if c.conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	args := values(named)
	if len(args) == 0 { // may be several statements, which only go out alone
		if c.waiting.Len() > 0 {
			if _, err := c.flight(ctx, nil); err != nil { // a begin that is alone, too
				return nil, err
			}
		}
		tag, err := c.conn.Exec(ctx, query)
		return driver.RowsAffected(tag.RowsAffected()), err
	}
	c.waiting.Queue(query, args...)
	tag, err := c.flight(ctx, nil)
	return driver.RowsAffected(tag.RowsAffected()), err
}

// QueryContext runs a statement that gives rows, and all that wait before it.
func (c *pipe) QueryContext(ctx context.Context, query string, named []driver.NamedValue) (driver.Rows, error) {
	if c.conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.waiting.Queue(query, values(named)...)
	out := &pipeRows{conn: c, more: c.asked}
	_, err := c.flight(ctx, func(results pgx.BatchResults) error {
		out.results = results
		return out.begin()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func values(named []driver.NamedValue) []any {
	if len(named) == 0 {
		return nil
	}
	args := make([]any, len(named))
	for i, v := range named {
		args[i] = v.Value
	}
	return args
}

// CheckNamedValue leaves arguments to pgx.
func (c *pipe) CheckNamedValue(*driver.NamedValue) error { return nil }

// ResetSession makes sure that the next user finds a connection that lives and
// has no transaction.
func (c *pipe) ResetSession(ctx context.Context) error {
	if c.conn.IsClosed() || c.waiting.Len() > 0 || c.conn.PgConn().IsBusy() || c.conn.PgConn().TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	now := time.Now()
	if now.Sub(c.lookedAt) > idleTrust && c.conn.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	c.lookedAt = now
	return nil
}

func (c *pipe) Ping(ctx context.Context) error {
	if c.conn.IsClosed() || c.conn.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

func (c *pipe) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.conn.Close(ctx)
}

// Prepare is not needed: pgx prepares each statement the first time it comes.
func (c *pipe) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("db: statements are prepared by themselves")
}

// Begin is for those who use the pool beside DB, as migrations do.
func (c *pipe) Begin() (driver.Tx, error) {
	c.start("begin")
	return pipeTx{c}, nil
}

func (c *pipe) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o != (driver.TxOptions{}) {
		return nil, errors.New("db: only plain transactions begin here")
	}
	return c.Begin()
}

type pipeTx struct{ *pipe }

func (t pipeTx) Commit() error { return t.commit(context.Background()) }

func (t pipeTx) Rollback() error {
	t.rollback(context.Background())
	return nil
}

// pipeRows are the rows of the last statements of a flight.
type pipeRows struct {
	conn    *pipe
	rows    pgx.Rows
	results pgx.BatchResults
	more    int  // statements after this one
	held    bool // the first row is there already, and not yet given
	names   []string
}

// begin reads as far as the first row of a statement, where its error shows.
func (r *pipeRows) begin() (err error) {
	if r.rows, err = r.results.Query(); err != nil {
		r.results.Close()
		return err
	}
	r.held = r.rows.Next()
	if !r.held && (r.more == 0 || r.rows.Err() != nil) { // nothing more comes
		return r.Close()
	}
	return nil
}

// HasNextResultSet and NextResultSet lead to the next statement's rows.
func (r *pipeRows) HasNextResultSet() bool { return r.more > 0 }

func (r *pipeRows) NextResultSet() error {
	if r.more == 0 {
		return io.EOF
	}
	r.rows.Close()
	if err := r.rows.Err(); err != nil {
		return err
	}
	r.more--
	r.names = nil
	return r.begin()
}

func (r *pipeRows) Columns() []string {
	if r.names == nil {
		fields := r.rows.FieldDescriptions()
		r.names = make([]string, len(fields))
		for i, f := range fields {
			r.names[i] = f.Name
		}
	}
	return r.names
}

func (r *pipeRows) Close() error {
	r.rows.Close()
	err := r.rows.Err()
	if e := r.results.Close(); err == nil {
		err = e
	}
	return err
}

func (r *pipeRows) Next(dest []driver.Value) error {
	if !r.held && !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	r.held = false
	fields := r.rows.FieldDescriptions()
	for i, raw := range r.rows.RawValues() {
		if raw == nil {
			dest[i] = nil
			continue
		}
		var err error
		if dest[i], err = r.value(fields[i], raw); err != nil {
			return fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// value reads one value. The types that the schema has are read here, any
// other (numeric, of a sum) becomes text.
func (r *pipeRows) value(f pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	isBinary := f.Format == pgtype.BinaryFormatCode
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NameOID, pgtype.UnknownOID:
		return string(raw), nil
	case pgtype.JSONOID:
		return append([]byte(nil), raw...), nil
	case pgtype.Int8OID:
		if isBinary && len(raw) == 8 {
			return int64(binary.BigEndian.Uint64(raw)), nil
		}
	case pgtype.Int4OID:
		if isBinary && len(raw) == 4 {
			return int64(int32(binary.BigEndian.Uint32(raw))), nil
		}
	case pgtype.BoolOID:
		if isBinary && len(raw) == 1 {
			return raw[0] != 0, nil
		}
	case pgtype.Float8OID:
		if isBinary && len(raw) == 8 {
			return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
		}
	case pgtype.ByteaOID:
		if isBinary {
			return append([]byte{}, raw...), nil
		}
	}
	return r.other(f, raw)
}

func (r *pipeRows) other(f pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	types := r.conn.conn.TypeMap()
	switch f.DataTypeOID {
	case pgtype.JSONBOID, pgtype.ByteaOID:
		var v []byte
		err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
		return v, err
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.XIDOID:
		var v int64
		err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
		return v, err
	case pgtype.BoolOID:
		var v bool
		err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
		return v, err
	case pgtype.Float4OID, pgtype.Float8OID:
		var v float64
		err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
		return v, err
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		var v time.Time
		err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
		return v, err
	}
	var v string
	err := types.Scan(f.DataTypeOID, f.Format, raw, &v)
	return v, err
}
