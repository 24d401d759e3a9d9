// Package schematest gives each test a fresh, migrated database on SQLite and
// on PostgreSQL.
//
// PostgreSQL is a cluster of its own, made once per test binary with the
// initdb and postgres found in PATH or /usr/lib/postgresql (as the user
// postgres when the test runs as root), listening on a Unix socket in a
// temporary directory. The environment variable FORECOURT_TEST_POSTGRES may
// name a running server instead, whose user may create databases. A test
// that cannot have its database fails; it is never skipped.
package schematest
