package db

import "github.com/forecourt-ev/forecourt/foundation/fault"

const lockName = "forecourt.lock"

func inUse(dir, pid string) error {
	if pid != "" {
		pid = " (process " + pid + ")"
	}
	return fault.New(fault.Conflict, "db.in_use", "the data directory %s is in use by another server%s: stop it first, or give each server its own directory", dir, pid)
}
