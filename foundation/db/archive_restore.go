package db

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Restored says what an archive gave.
type Restored struct {
	Base    time.Time // when the base was begun
	Until   time.Time // of the last commit that is in; Base's end when there was none since
	Commits int       // written over the base
	More    time.Time // begin of what the archive has beyond a gap and no base for; zero: nothing
}

// RestoreArchive puts together a database at path from an archive, as it was
// at an instant; zero: with all that the archive has. No server may be running
// on the place, and no database be there (fault.Conflict). An archive that
// cannot give the instant: fault.Invalid.
func RestoreArchive(ctx context.Context, dir, path string, to time.Time) (r Restored, err error) {
	lock, err := lockDir(filepath.Dir(path))
	if err != nil {
		return r, err
	}
	defer lock.release()
	if _, err := os.Lstat(path); err == nil {
		return r, fault.New(fault.Conflict, "db.restore", "there is a database at %s already", path)
	}
	base, err := chooseBase(dir, to)
	if err != nil {
		return r, err
	}
	bad := func(err error) error {
		return fault.Wrap(fault.Unavailable, err, "db.restore", "the database could not be restored from %s", dir)
	}
	plan, err := planReplay(dir, base, to)
	if fault.Of(err) != nil {
		return r, err
	} else if err != nil {
		return r, bad(err)
	}
	part := path + ".part"
	defer os.Remove(part)
	if err := copyFile(baseName(dir, base.Number), part); err != nil {
		return r, bad(err)
	}
	if err := plan.apply(ctx, dir, part); err != nil {
		return r, bad(err)
	}
	if err := checkBackup(ctx, part); err != nil {
		return r, err
	}
	for _, old := range []string{path + "-wal", path + "-shm"} {
		if err := drop(old); err != nil {
			return r, bad(err)
		}
	}
	if err := settle(part, path); err != nil {
		return r, bad(err)
	}
	if to.IsZero() && plan.More.IsZero() {
		err = carryOn(dir, path)
	}
	return plan.Restored, err
}

// carryOn lets a server that opens the restored database with the archive go
// on with it, as if it had closed it: so what is committed next stands on the
// same base. Not if some server writes the archive now, or somebody changes
// the database before: then it begins with a new base.
func carryOn(dir, path string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return nil
	}
	defer lock.release()
	all, err := numbers(dir, segmentEnd)
	if err != nil {
		return err
	}
	end, _, err := segmentMark(dir, all[len(all)-1])
	if errors.Is(err, errNoSegment) {
		return nil
	}
	if err != nil {
		return err
	}
	a := &archive{ArchiveConfig: ArchiveConfig{Dir: dir}, path: path}
	is, err := a.stands(end)
	if err != nil {
		return err
	}
	return writeJSON(a.restoredFile(), is) // the lost one may have closed in peace and come back
}

// chooseBase takes the newest that was whole at the instant.
func chooseBase(dir string, to time.Time) (baseInfo, error) {
	bases, err := readBases(dir)
	if err != nil {
		return baseInfo{}, fault.Wrap(fault.Unavailable, err, "db.restore", "the archive %s cannot be read", dir)
	}
	for i := len(bases) - 1; i >= 0; i-- {
		if to.IsZero() || !bases[i].Ended.After(to) {
			return bases[i], nil
		}
	}
	if len(bases) == 0 {
		return baseInfo{}, fault.New(fault.Invalid, "db.restore", "%s holds no base: it is no archive, or its first base was never finished", dir)
	}
	return baseInfo{}, fault.New(fault.Invalid, "db.restore", "the archive reaches back to %s, not to %s", bases[0].Ended.Format(time.RFC3339), to.Format(time.RFC3339))
}

// replay is what is written over a base.
type replay struct {
	Restored
	first int64           // the segment to begin with
	until segEnd          // behind the last commit
	ends  map[int64]int64 // up to where a segment counts; -1: all of it
	size  int64           // of the database after it; 0: as the base is
}

// planReplay finds the last commit that is wanted, without writing anything.
func planReplay(dir string, base baseInfo, to time.Time) (p replay, err error) {
	chain, err := following(dir, base.Number)
	if err != nil {
		return p, err
	}
	p = replay{Restored: Restored{Base: base.Begun, Until: base.Ended}, first: base.Number, ends: map[int64]int64{}}
	for i, head := range chain {
		end := int64(-1)
		if i+1 < len(chain) {
			end = chain[i+1].Follows.Off
		}
		p.ends[head.Number] = end
		read := head.length
		_, err := readSegment(dir, head.Number, end, func(c chunk) error {
			if !to.IsZero() && c.at.After(to) {
				return errEnough
			}
			if read = c.end; c.commit {
				p.until, p.size = segEnd{head.Number, c.end}, databaseSize(c)
				p.Commits++
				p.Until = later(p.Until, c.at)
			}
			return nil
		})
		enough := errors.Is(err, errEnough)
		if err != nil && !enough {
			return p, err
		}
		if damaged(head.Number, read, end, enough, base.Until) {
			return p, fault.New(fault.Invalid, "db.restore", "%s is damaged behind byte %d: what came later cannot be restored over this base, an earlier instant can", segmentName(dir, head.Number), read)
		}
		if enough {
			return p, nil
		}
	}
	if chain[len(chain)-1].Number < base.Until.Number {
		return p, fault.New(fault.Invalid, "db.restore", "%s is missing, and the base %d is nothing without it", segmentName(dir, chain[len(chain)-1].Number+1), base.Number)
	}
	p.More, err = beyond(dir, chain[len(chain)-1].Number, to)
	return p, err
}

// beyond looks behind the last segment that could be followed: a new beginning
// is told of, a segment that should be there and is not is an error.
func beyond(dir string, number int64, to time.Time) (more time.Time, err error) {
	all, err := numbers(dir, segmentEnd)
	if err != nil || all[len(all)-1] <= number {
		return more, err
	}
	next, err := readSegment(dir, number+1, 0, nil)
	switch {
	case err == nil && next.Follows == nil && (to.IsZero() || next.Made.Before(to)):
		return next.Made, nil
	case err == nil: // later than wanted, or a server has just begun it
		return more, nil
	case errors.Is(err, errNoSegment) && all[len(all)-1] == number+1: // it was being made
		return more, nil
	}
	return more, fault.Wrap(fault.Invalid, err, "db.restore", "%s is damaged or missing: what came later cannot be restored over this base, an earlier instant can", segmentName(dir, number+1))
}

var errEnough = errors.New("enough")

// damaged says that of a segment less could be read than was written: what the
// next one follows, or what the base needs.
func damaged(number, read, end int64, enough bool, needs segEnd) bool {
	return !enough && end >= 0 && read < end || number == needs.Number && read < needs.Off
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// databaseSize is in the last frame of a commit, in pages.
func databaseSize(c chunk) int64 {
	f := c.frames[len(c.frames)-int(frameHeader+c.page):]
	return int64(binary.BigEndian.Uint32(f[4:])) * c.page
}

// apply writes the pages.
func (p *replay) apply(ctx context.Context, dir, file string) (err error) {
	out, err := os.OpenFile(file, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for number := p.first; number <= p.until.Number; number++ {
		end := p.ends[number]
		if number == p.until.Number {
			end = p.until.Off
		}
		_, err := readSegment(dir, number, end, func(c chunk) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for f := c.frames; len(f) > 0; f = f[frameHeader+c.page:] {
				if _, err := out.WriteAt(f[frameHeader:frameHeader+c.page], (int64(binary.BigEndian.Uint32(f))-1)*c.page); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if p.size > 0 {
		err = out.Truncate(p.size)
	}
	return errors.Join(err, out.Sync())
}
