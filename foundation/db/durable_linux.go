package db

import (
	"os"
	"syscall"
)

// syncData brings a file's content to the disk, and of its properties only the
// size.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
