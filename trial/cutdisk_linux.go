package trial

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// cutDisk is a file system of its own, on a file, whose power can be cut.
type cutDisk struct {
	dir   string // where it is mounted
	image string
}

// make makes the disk and mounts it.
func (d *cutDisk) make(size int64) error {
	file, err := os.Create(d.image)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		return err
	}
	if err := run("mkfs.ext4", "-q", "-F", d.image); err != nil {
		return err
	}
	if err := d.mount(); err != nil {
		return err
	}
	return os.Remove(filepath.Join(d.dir, "lost+found")) // PostgreSQL and others want an empty directory
}

func (d *cutDisk) mount() error { return run("mount", "-o", "loop", d.image, d.dir) }

func (d *cutDisk) sync() error { return run("sync", "-f", d.dir) }

// unmount waits for those that were killed to let go of their files.
func (d *cutDisk) unmount() (err error) {
	for range 50 {
		if err = run("umount", d.dir); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// Scattered writes before the power goes: how many, and how long.
const (
	mostPieces = 8
	piece      = 64 << 10
	startWrite = 2 // SYNC_FILE_RANGE_WRITE
	awaitWrite = 4 // SYNC_FILE_RANGE_WAIT_AFTER
)

// scatter has the system write some pieces of the files, as it may at any
// time: of what was not synced a power cut leaves some, not just the first.
func (d *cutDisk) scatter(chance *rand.Rand) error {
	return filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // it was removed meanwhile
		}
		file, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		for range chance.IntN(mostPieces + 1) {
			at := chance.Int64N(info.Size()/piece+1) * piece
			if err := syscall.SyncFileRange(int(file.Fd()), at, piece, startWrite|awaitWrite); err != nil {
				return fmt.Errorf("sync_file_range %s: %w", path, err)
			}
		}
		return nil
	})
}

// The file system's own way to stop at once, without a word to its journal
// (EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH). From then on every
// write and sync fails, and nothing reaches the disk.
const (
	goDown     = 0x8004587d
	noLogFlush = 2
)

// cut cuts the power.
func (d *cutDisk) cut() error {
	dir, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	how := uint32(noLogFlush)
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), goDown, uintptr(unsafe.Pointer(&how))); failed != 0 {
		return fmt.Errorf("shutting the file system down: %w", failed)
	}
	return nil
}

// back mounts the disk again, which reads its journal.
func (d *cutDisk) back() error {
	if err := d.unmount(); err != nil {
		return err
	}
	return d.mount()
}

func run(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
