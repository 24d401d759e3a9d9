// Package id makes identifiers: UUIDv7 text, so that ids sort by time.
//
// Each noun has its own string type in its own room ("type ID string");
// New makes one of any such type. The instant is an input, as everywhere.
package id

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// New makes a UUIDv7 (RFC 9562 §5.7) for the instant now.
func New[T ~string](now time.Time) T {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("id: no randomness: " + err.Error()) // crypto/rand never fails on supported systems
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return T(out[:])
}

// Secret makes a random secret of n bytes as lower-case hex, for passwords
// and keys (16 bytes = 128 bit).
func Secret(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("id: no randomness: " + err.Error())
	}
	return hex.EncodeToString(b)
}
