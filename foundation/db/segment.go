package db

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An archive is a directory of bases (copies of the database file, taken
// while it changes) and segments (what was committed). A segment begins with
// one line of JSON; chunks follow: a header of 24 bytes, then frames of the
// write-ahead log. Segments that are complete are compressed (zstd, .zst).
//
//	0  length of the frames   4  CRC-32C of the header's rest and the frames
//	8  instant, µs UTC       16  page size     20  1: ends with a commit; 0: goes on
//
// A last chunk that is not whole, or does not end with a commit, was being
// written when the process ended; nobody was told that it is stored.
const (
	chunkHeader = 24
	segmentMost = 64 << 20
	segmentEnd  = ".log"
	baseEnd     = ".db"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentHead is the first line of a segment.
type segmentHead struct {
	Format  int       `json:"format"` // 1
	Number  int64     `json:"number"`
	Made    time.Time `json:"made"`
	Whole   bool      `json:"whole"`             // begins with the beginning of a round: a base may stand under it
	Follows *segEnd   `json:"follows,omitempty"` // nothing is missing since there
	At      walMark   `json:"at"`                // what the log was known up to when it was made

	length int64 // of the line
}

// segEnd is a place in the archive.
type segEnd struct {
	Number int64 `json:"number"`
	Off    int64 `json:"off"`
}

// chunk is what a segment holds of one commit, or a part of it.
type chunk struct {
	at     time.Time
	page   int64
	commit bool
	frames []byte // valid until the next is read
	end    int64  // of it in the segment
}

func segmentName(dir string, number int64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d%s", number, segmentEnd))
}

// segment is being written.
type segment struct {
	segmentHead
	file *os.File
	end  int64 // of what is whole and durable
	at   int64 // where is written
	out  []byte
}

func makeSegment(dir string, head segmentHead) (*segment, error) {
	head.Format = 1
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(segmentName(dir, head.Number), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	_, err = f.Write(line)
	if err = errors.Join(err, f.Sync(), flush(dir)); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return &segment{segmentHead: head, file: f, end: int64(len(line)), at: int64(len(line))}, nil
}

// add writes frames behind the others; they count when a chunk with commit
// has been written and synced.
func (s *segment) add(c chunk) error {
	s.out = slices.Grow(s.out[:0], chunkHeader+len(c.frames))[:chunkHeader]
	binary.LittleEndian.PutUint32(s.out, uint32(len(c.frames)))
	binary.LittleEndian.PutUint64(s.out[8:], uint64(c.at.UnixMicro()))
	binary.LittleEndian.PutUint32(s.out[16:], uint32(c.page))
	binary.LittleEndian.PutUint32(s.out[20:], map[bool]uint32{true: 1}[c.commit])
	s.out = append(s.out, c.frames...)
	binary.LittleEndian.PutUint32(s.out[4:], crc32.Checksum(s.out[8:], castagnoli))
	n, err := s.file.WriteAt(s.out, s.at)
	s.at += int64(n)
	return err
}

// sync makes what was added durable.
func (s *segment) sync() error {
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.end = s.at
	return nil
}

// readSegment gives the head of a segment and each whole chunk up to off
// (negative: as many as there are). An error of each ends it.
func readSegment(dir string, number, off int64, each func(chunk) error) (segmentHead, error) {
	var head segmentHead
	name := segmentName(dir, number)
	f, err := openSegment(name)
	if err != nil {
		return head, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	line, err := in.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil || head.Format != 1 || head.Number != number {
		return head, fmt.Errorf("%s is not a segment of an archive (format %d): %w", name, head.Format, errors.Join(err, errNoSegment))
	}
	at := int64(len(line))
	if head.length = at; each == nil {
		return head, nil
	}
	var h [chunkHeader]byte
	var frames bytes.Buffer
	for off < 0 || at < off {
		if _, err := io.ReadFull(in, h[:]); err != nil {
			return head, notTorn(err)
		}
		length := int64(binary.LittleEndian.Uint32(h[:]))
		frames.Reset()
		if n, err := io.CopyN(&frames, in, length); n < length {
			return head, notTorn(err)
		}
		if crc32.Update(crc32.Checksum(h[8:], castagnoli), castagnoli, frames.Bytes()) != binary.LittleEndian.Uint32(h[4:]) {
			return head, nil
		}
		at += chunkHeader + length
		c := chunk{at: Time(int64(binary.LittleEndian.Uint64(h[8:]))), page: int64(binary.LittleEndian.Uint32(h[16:])),
			commit: h[20] == 1, frames: frames.Bytes(), end: at}
		if err := each(c); err != nil {
			return head, err
		}
	}
	return head, nil
}

var errNoSegment = errors.New("no head")

// notTorn is nil for the end of a file in the middle of a chunk.
func notTorn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// numbers lists the segments or bases of an archive, ascending.
func numbers(dir, end string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []int64
	for _, e := range entries {
		if text, ok := strings.CutSuffix(strings.TrimSuffix(e.Name(), packedEnd), end); ok {
			if n, ok := archived(text); ok {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// archived is the number in the name of a file of an archive.
func archived(name string) (int64, bool) {
	n, err := strconv.ParseInt(name, 10, 64)
	return n, err == nil && len(name) == 12
}

// segmentMark finds what a segment ends with: its last commit.
func segmentMark(dir string, number int64) (end segEnd, mark walMark, err error) {
	head, err := readSegment(dir, number, 0, nil)
	if err != nil {
		return end, mark, err
	}
	end, mark = segEnd{number, head.length}, head.At
	at := head.At
	_, err = readSegment(dir, number, -1, func(c chunk) error {
		size := frameHeader + c.page
		if n := int64(len(c.frames)); n > 0 && n%size == 0 {
			if f := c.frames[n-size:]; walSalt(f[8:16]) != at.Salt {
				at = walMark{Salt: walSalt(f[8:16]), Off: walHeader}
			}
			f := c.frames[n-size:]
			at.Off += n
			at.Sum = [2]uint32{binary.BigEndian.Uint32(f[16:]), binary.BigEndian.Uint32(f[20:])}
		}
		if c.commit {
			end.Off, mark = c.end, at
		}
		return nil
	})
	return end, mark, err
}

// baseInfo stands beside a finished base. Its number is the segment from
// which on everything must be replayed over it, at least until Until.
type baseInfo struct {
	Number int64     `json:"number"`
	Until  segEnd    `json:"until"`
	Begun  time.Time `json:"begun"`
	Ended  time.Time `json:"ended"`
	Bytes  int64     `json:"bytes"`
}

func baseName(dir string, number int64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d%s", number, baseEnd))
}

// readBases gives the finished bases, ascending.
func readBases(dir string) ([]baseInfo, error) {
	all, err := numbers(dir, baseEnd)
	if err != nil {
		return nil, err
	}
	var out []baseInfo
	for _, n := range all {
		text, err := os.ReadFile(baseName(dir, n) + ".json")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var b baseInfo
		if err == nil {
			err = json.Unmarshal(text, &b)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", baseName(dir, n)+".json", err)
		}
		out = append(out, b)
	}
	return out, nil
}
