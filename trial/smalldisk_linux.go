package trial

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// smallDisk is a file system in memory that only the server sees: it is
// mounted in a namespace of the server's own, which needs no privileges where
// the kernel gives users namespaces. It is gone when the server ends.
type smallDisk struct {
	dir  string // where it is mounted, for the server
	pid  int
	size int64
}

// under gives the command that the server is started under, and the attributes
// of its process.
func (d *smallDisk) under() ([]string, *syscall.SysProcAttr, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"mount", "nsenter"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, nil, fmt.Errorf("trial disk-full mounts a file system of its own and needs %s: %w", name, err)
		}
	}
	attr := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return []string{"/bin/sh", "-c", `mount -t tmpfs -o size=$0,mode=700 trial "$1" && shift && exec "$@"`, strconv.FormatInt(d.size, 10), d.dir}, attr, nil
}

// inside gives the command that another program is run under to see the disk.
func (d *smallDisk) inside() []string {
	return []string{"nsenter", "--target", strconv.Itoa(d.pid), "--user", "--mount", "--preserve-credentials", "--"}
}

func (d *smallDisk) ballast() string {
	return filepath.Join("/proc", strconv.Itoa(d.pid), "root", d.dir, "ballast")
}

// fill takes all the room that is left.
func (d *smallDisk) fill() (taken int64, err error) {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for piece := make([]byte, 64<<10); len(piece) > 0; {
		n, err := f.Write(piece)
		taken += int64(n)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			piece = piece[:len(piece)/2]
		case err != nil && err != io.ErrShortWrite:
			return taken, err
		}
		if taken > d.size {
			return taken, fmt.Errorf("%d bytes fit on a disk of %d", taken, d.size)
		}
	}
	return taken, nil
}

// clear gives the room back.
func (d *smallDisk) clear() error { return os.Remove(d.ballast()) }
