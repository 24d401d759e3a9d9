// Package pgserver runs a PostgreSQL of its own in a directory, for tests and
// fault trials: made with the initdb and postgres found in PATH or under
// /usr/lib/postgresql (as the user postgres when the program runs as root),
// listening on a Unix socket in that directory only.
//
// The server ends with the program that started it, however that ends.
package pgserver
