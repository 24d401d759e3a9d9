//go:build unix

package db

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// dirLock holds a data directory for one process. The kernel drops it when
// the process dies, so a lock is never stale.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "db.lock", "the data directory %s cannot be written", dir)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner := make([]byte, 20)
		n, _ := f.ReadAt(owner, 0)
		f.Close()
		return nil, inUse(dir, strings.TrimSpace(string(owner[:n])))
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fault.Wrap(fault.Unavailable, err, "db.lock", "the data directory %s cannot be written", dir)
	}
	return &dirLock{f}, nil
}

func (l *dirLock) release() {
	if l != nil && l.file != nil {
		l.file.Close()
		l.file = nil
	}
}
