// Package db runs one SQL text on two engines: SQLite (embedded, the default)
// and PostgreSQL.
//
// Statements use $1…$n, TEXT, BIGINT and BOOLEAN, INSERT … ON CONFLICT and
// … RETURNING. Instants are BIGINT microseconds UTC (Micros, Time). A statement
// that truly must differ asks Tx.Dialect and says why.
//
// # Transactions
//
// [DB.Update] is the only way to write, [DB.View] the way to read. A closure
// may be run more than once (on PostgreSQL whenever another transaction wrote a
// row that it read and writes, and after deadlocks), so it has no side effects
// outside the transaction: those go to [Tx.AfterCommit]. Two closures that read
// different rows than they write may both commit: what must hold between them
// needs a row that both write, or a lock. A transaction inside a transaction panics. After a
// statement has failed the transaction cannot commit, on either engine.
//
// On PostgreSQL each answer that is waited for costs a journey. The begin of a
// transaction, and statements whose result nobody needs ([Tx.Send],
// [InsertRows]), go out together with the next statement that has one, or with
// the commit (pipe.go); so an error of theirs may come later. Queries that do
// not need each other's rows go together ([CollectAll]). Batches run on
// connections of their own, where statements are planned once and read no table
// from end to end where an index serves (planOnce). While PostgreSQL is slow,
// batches that can wait and lookups rest longer, so that there are fewer
// transactions (slow.go).
//
// On SQLite one writer commits many waiting closures together, so that one
// fsync serves many callers, who are answered after it; it is done beside the
// writer (durable.go). An error or a panic undoes only the closure it
// came from. That takes a savepoint each, under which SQLite copies every page
// before it changes it; the first closure of a group, and batches as long as
// only batches ran before, go without, and run again if one fails. Closures
// must be short and must not wait for anything but the database. Work that
// nobody stands at a station for says so ([Yielding], BatchOptions.Yields): it
// is done when nobody else waits, or has waited long enough itself, in brief
// transactions ([Portion]). The write-ahead log is copied into the file beside
// the writer (checkpoint.go).
//
// # Hot rows
//
// [Batch] gathers rows from many goroutines into one transaction and
// acknowledges each after the commit; [NewLanes] lets it write several
// transactions side by side on PostgreSQL. [Gather] collects rows of one
// transaction. [InsertRows] writes many rows with one statement on PostgreSQL
// and one prepared statement on SQLite; [Given] is for a statement that reads
// many.
//
// # Lists
//
// [List] turns a filter, a sort order and a cursor, all given by a stranger,
// into a keyset page over columns that a [ListSpec] allows.
package db
