// Package schema holds the migrations: one numbered sequence for SQLite and
// PostgreSQL, one file per room and step (NNNN_room.sql, goose format).
//
// A file is never changed after it was released; a later number changes the
// schema further. Lines between "-- +sqlite" or "-- +postgres" and "-- +end"
// are for that engine only. The resulting schema is kept under testdata, one
// text per engine, so that a review sees what a migration really does.
package schema
