package db

import (
	"path/filepath"
	"syscall"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// dirLock holds a data directory for one process: a file opened without
// sharing, which the system closes when the process dies.
type dirLock struct{ handle syscall.Handle }

func lockDir(dir string) (*dirLock, error) {
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "db.lock", "%q is no directory name", dir)
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, inUse(dir, "")
	}
	return &dirLock{h}, nil
}

func (l *dirLock) release() {
	if l != nil && l.handle != syscall.InvalidHandle {
		syscall.CloseHandle(l.handle)
		l.handle = syscall.InvalidHandle
	}
}
