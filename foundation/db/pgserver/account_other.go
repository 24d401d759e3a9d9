//go:build !unix

package pgserver

import (
	"errors"
	"syscall"
)

// Account is for Unix: the server listens on a Unix socket and runs under a
// shell.
func Account(string) (*syscall.SysProcAttr, error) {
	return nil, errors.New("a PostgreSQL of its own can be run on Unix only; name a running one")
}
