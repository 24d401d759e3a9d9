package db

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	baseBlock = 1 << 20
	basePause = time.Minute // before a base that failed is tried again
)

// archiveLoop has bases taken and old ones removed, and gives the writer a
// reason to look at the log when nobody writes.
func (l *lite) archiveLoop() {
	a := l.archive
	defer close(a.ended)
	t := time.NewTicker(archiveTick)
	defer t.Stop()
	var failed time.Time
	for {
		due := a.due() && time.Since(failed) > basePause
		if due {
			a.turn.Store(true)
		}
		if err := l.db.Update(context.Background(), func(*Tx) error { return nil }); err != nil {
			l.db.log.Debug("the archive's look at the log", "err", err)
		}
		if from := a.next(); from > 0 && time.Since(failed) > basePause {
			if err := a.take(from, l.stop); err != nil && !errors.Is(err, errClosed) {
				failed = time.Now()
				l.db.log.Error("the archive has no new base; it is tried again", "archive", a.Dir, "again", basePause, "err", err)
			}
		}
		if err := a.packAll(l.stop); err != nil && !errors.Is(err, errClosed) {
			l.db.log.Warn("a segment of the archive cannot be compressed", "archive", a.Dir, "err", err)
		}
		select {
		case <-t.C:
			a.retry.Store(true)
		case <-a.wake:
		case <-l.stop:
			return
		}
	}
}

// due says whether a base is wanted.
func (a *archive) due() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.base.IsZero() || time.Since(a.base) >= a.Every || a.since > a.most
}

// replayMost is how many bytes of commits may have to be replayed over a base
// before a new one is taken: so that a restore stays within a few times what
// copying the database takes.
func replayMost(base int64) int64 { return max(16*base, 4<<30) }

// next is the segment from which a base can be taken now; 0: none.
func (a *archive) next() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.from
	if a.from = 0; a.err != nil {
		return 0
	}
	return from
}

// take copies the database file while it changes. Pages that are written
// meanwhile may be copied old, new or torn: all of them are in the log since
// its round began, and so in the segments from number on.
func (a *archive) take(number int64, stop <-chan struct{}) error {
	info := baseInfo{Number: number, Begun: time.Now().UTC()}
	name := baseName(a.Dir, number)
	n, err := a.copy(name+".part", stop)
	if err == nil {
		err = settle(name+".part", name)
	}
	if err != nil {
		return errors.Join(err, drop(name+".part"))
	}
	a.mu.Lock()
	info.Bytes, info.Ended, info.Until = n, time.Now().UTC(), a.place
	a.mu.Unlock()
	chain, err := following(a.Dir, number)
	if err != nil {
		return err
	}
	if chain[len(chain)-1].Number < info.Until.Number {
		return errors.Join(errors.New("the archive was interrupted meanwhile"), drop(name))
	}
	if err := writeJSON(name+".json", info); err != nil {
		return err
	}
	a.mu.Lock()
	a.base, a.most = info.Begun, replayMost(n)
	a.mu.Unlock()
	a.db.log.Info("the archive has a new base", "archive", a.Dir, "bytes", n, "took", info.Ended.Sub(info.Begun))
	return a.prune(info.Ended)
}

func (a *archive) copy(to string, stop <-chan struct{}) (n int64, err error) {
	if a.data == nil {
		if a.data, err = os.Open(a.path); err != nil {
			return 0, err
		}
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	block := make([]byte, baseBlock)
	for {
		select {
		case <-stop:
			return n, errClosed
		default:
		}
		got, err := a.data.ReadAt(block, n)
		if _, e := out.Write(block[:got]); e != nil {
			return n, e
		}
		n += int64(got)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// prune removes what is not needed to restore any instant of the kept time.
func (a *archive) prune(now time.Time) error {
	bases, err := readBases(a.Dir)
	if err != nil {
		return err
	}
	var first int64 // the newest base that is old enough
	for _, b := range bases {
		if b.Ended.Before(now.Add(-a.Keep)) {
			first = b.Number
		}
	}
	entries, err := os.ReadDir(a.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, _, _ := strings.Cut(e.Name(), ".")
		number, known := archived(text)
		if known && number < first || strings.HasSuffix(e.Name(), ".part") {
			if err := drop(filepath.Join(a.Dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// following gives the heads of a segment and of those behind it that follow
// it without a gap.
func following(dir string, number int64) ([]segmentHead, error) {
	head, err := readSegment(dir, number, 0, nil)
	if err != nil {
		return nil, err
	}
	chain := []segmentHead{head}
	for {
		number++
		next, err := readSegment(dir, number, 0, nil)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, errNoSegment) {
			return chain, nil
		}
		if err != nil {
			return nil, err
		}
		if next.Follows == nil || next.Follows.Number != number-1 {
			return chain, nil
		}
		chain = append(chain, next)
	}
}
