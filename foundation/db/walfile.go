package db

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// The write-ahead log of SQLite: a header of 32 bytes, then frames of 24
// bytes and a page. A log that has been copied into the database file whole
// is begun anew at its start with another salt; what is left of the old one
// behind the new frames has the old salt. Source: the SQLite file format,
// section 4, "The Write-Ahead Log".
const (
	walHeader   = 32
	frameHeader = 24
	walMagic    = 0x377f0682 // the lowest bit says the byte order of checksums
)

// walSalt tells one round of the log from the next.
type walSalt [8]byte

func (s walSalt) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

func (s *walSalt) UnmarshalText(text []byte) error {
	if len(text) != 2*len(s) {
		return fmt.Errorf("a salt has %d hex digits, not %d", 2*len(s), len(text))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// walMark is a place in the log behind a commit: all before it is known. The
// running checksum proves that the log up to there is the same one.
type walMark struct {
	Salt walSalt   `json:"salt"`
	Off  int64     `json:"off"` // 0: no round is known
	Sum  [2]uint32 `json:"sum"`
}

func (m walMark) String() string {
	text, _ := json.Marshal(m) // of plain values
	return string(text)
}

// walFile reads the log beside the engine.
type walFile struct {
	file  *os.File
	page  int64
	order binary.ByteOrder
	block []byte
}

// round is the header of the log: where its frames begin, and how often the
// log was begun anew since the file was made. ok is false for an empty log.
func (w *walFile) round() (begin walMark, turns uint32, ok bool, err error) {
	var h [walHeader]byte
	if _, err := w.file.ReadAt(h[:], 0); errors.Is(err, io.EOF) {
		return begin, 0, false, nil
	} else if err != nil {
		return begin, 0, false, err
	}
	magic := binary.BigEndian.Uint32(h[:])
	w.order = binary.LittleEndian
	if magic&1 == 1 {
		w.order = binary.BigEndian
	}
	sum := walSum(w.order, [2]uint32{}, h[:24])
	if magic&^1 != walMagic || sum != [2]uint32{binary.BigEndian.Uint32(h[24:]), binary.BigEndian.Uint32(h[28:])} {
		return begin, 0, false, nil
	}
	w.page = int64(binary.BigEndian.Uint32(h[8:]))
	begin = walMark{Off: walHeader, Sum: sum}
	copy(begin.Salt[:], h[16:24])
	return begin, binary.BigEndian.Uint32(h[12:]), true, nil
}

// blockFrames are read at once.
const blockFrames = 64

// scan reads whole frames of a mark's round from the mark to before until
// (negative: as many as there are), and gives the mark behind the last commit
// among them. sink gets the bytes, valid until it returns.
func (w *walFile) scan(from walMark, until int64, sink func(frames []byte, at int64) error) (walMark, error) {
	size := frameHeader + w.page
	if int64(len(w.block)) != blockFrames*size {
		w.block = make([]byte, blockFrames*size)
	}
	last, off, sum := from, from.Off, from.Sum
	for until < 0 || off < until {
		want := int64(len(w.block))
		if until >= 0 {
			want = min(want, until-off)
		}
		n, err := w.file.ReadAt(w.block[:want], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return last, err
		}
		good := int64(0)
		for ; good+size <= int64(n); good += size {
			f := w.block[good : good+size]
			if walSalt(f[8:16]) != from.Salt {
				break
			}
			next := walSum(w.order, walSum(w.order, sum, f[:8]), f[frameHeader:])
			if next != [2]uint32{binary.BigEndian.Uint32(f[16:]), binary.BigEndian.Uint32(f[20:])} {
				break
			}
			sum = next
			if binary.BigEndian.Uint32(f[4:]) != 0 { // a commit
				last = walMark{Salt: from.Salt, Off: off + good + size, Sum: sum}
			}
		}
		if sink != nil && good > 0 {
			if err := sink(w.block[:good], off); err != nil {
				return last, err
			}
		}
		if off += good; good < want {
			break
		}
	}
	return last, nil
}

// more says whether the log may hold frames behind the mark, with one small
// read: a frame with the salt of the round lies there.
func (w *walFile) more(m walMark) (bool, error) {
	var f [16]byte
	if _, err := w.file.ReadAt(f[:], m.Off); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return walSalt(f[8:16]) == m.Salt, nil
}

// holds says whether the log up to the mark is the one the mark was made in.
func (w *walFile) holds(m walMark) (bool, error) {
	begin, _, ok, err := w.round()
	if err != nil || !ok || begin.Salt != m.Salt {
		return false, err
	}
	if m.Off == begin.Off {
		return true, nil
	}
	at, err := w.scan(begin, m.Off, nil)
	return at == m, err
}

// walSum goes on with a running checksum over pairs of 32-bit words.
func walSum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	s0, s1 := s[0], s[1]
	if order == binary.LittleEndian { // the concrete type is inlined, the interface is not
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.LittleEndian.Uint32(b) + s1
			s1 += binary.LittleEndian.Uint32(b[4:]) + s0
		}
		return [2]uint32{s0, s1}
	}
	for ; len(b) >= 8; b = b[8:] {
		s0 += binary.BigEndian.Uint32(b) + s1
		s1 += binary.BigEndian.Uint32(b[4:]) + s0
	}
	return [2]uint32{s0, s1}
}
