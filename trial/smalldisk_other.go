//go:build !linux

package trial

import (
	"errors"
	"syscall"
)

// smallDisk needs Linux: the file system is mounted in a namespace.
type smallDisk struct {
	dir  string
	pid  int
	size int64
}

var errLinuxOnly = errors.New("trial disk-full mounts a file system of its own and needs Linux")

func (d *smallDisk) under() ([]string, *syscall.SysProcAttr, error) { return nil, nil, errLinuxOnly }
func (d *smallDisk) inside() []string                               { return nil }
func (d *smallDisk) fill() (int64, error)                           { return 0, errLinuxOnly }
func (d *smallDisk) clear() error                                   { return errLinuxOnly }
