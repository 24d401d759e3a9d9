package db

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// A commit writes whole pages, of which most was written before: 26 KB of log
// for a station's message under light load. The same again costs next to
// nothing in a compressed segment, as long as it lies within the window.
const (
	packedEnd  = ".zst"
	packWindow = 8 << 20
)

// packAll compresses the segments that are complete. Only whole files are
// replaced; one that is there in both forms is the same.
func (a *archive) packAll(stop <-chan struct{}) error {
	all, err := numbers(a.Dir, segmentEnd)
	if err != nil {
		return err
	}
	a.mu.Lock()
	writing := a.place.Number
	a.mu.Unlock()
	for _, n := range all {
		if writing == 0 || n >= writing {
			return nil
		}
		select {
		case <-stop:
			return errClosed
		default:
		}
		if err := packSegment(segmentName(a.Dir, n)); err != nil {
			return err
		}
	}
	return nil
}

func packSegment(name string) error {
	in, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	packed := name + packedEnd
	if err := pour(packed+".part", in); err != nil {
		return errors.Join(err, drop(packed+".part"))
	}
	if err := settle(packed+".part", packed); err != nil {
		return err
	}
	return drop(name)
}

func pour(to string, in io.Reader) (err error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(packWindow), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close())
}

// openSegment reads a segment in whichever form it is.
func openSegment(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if f, err = os.Open(name + packedEnd); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(packWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return packedSegment{z, f}, nil
}

type packedSegment struct {
	*zstd.Decoder
	file *os.File
}

// Close ends both.
func (p packedSegment) Close() error {
	p.Decoder.Close()
	return p.file.Close()
}
