package db

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// forDialect copies the .sql files at the root of files into memory, each
// with only the lines of the engine.
func forDialect(files fs.FS, d Dialect) (fs.FS, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return nil, fault.Wrap(fault.Internal, err, "schema.files", "there are no migrations")
	}
	out := memFS{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		own, err := keep(string(text), d)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "schema.files", "migration %s", name)
		}
		out[name] = []byte(own)
	}
	return out, nil
}

// keep drops the blocks of the other engine. Dropped lines stay as empty ones
// so that errors name the right line.
func keep(text string, d Dialect) (string, error) {
	var b strings.Builder
	block := ""
	for i, line := range strings.SplitAfter(text, "\n") {
		mark := strings.TrimSpace(line)
		switch mark {
		case "-- +sqlite", "-- +postgres":
			if block != "" {
				return "", fault.New(fault.Internal, "schema.block", "line %d: %q inside a block of %s", i+1, mark, block)
			}
			block = strings.TrimPrefix(mark, "-- +")
			b.WriteByte('\n')
		case "-- +end":
			if block == "" {
				return "", fault.New(fault.Internal, "schema.block", "line %d: %q without a block", i+1, mark)
			}
			block = ""
			b.WriteByte('\n')
		default:
			if block == "" || block == d.String() {
				b.WriteString(line)
			} else if strings.HasSuffix(line, "\n") {
				b.WriteByte('\n')
			}
		}
	}
	if block != "" {
		return "", fault.New(fault.Internal, "schema.block", "the block of %s has no \"-- +end\"", block)
	}
	return b.String(), nil
}

// memFS is a flat, read-only directory in memory.
type memFS map[string][]byte

func (m memFS) Open(name string) (fs.File, error) {
	if name == "." {
		return &memFile{info: memInfo{name: ".", dir: true}, fs: m}, nil
	}
	text, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memFile{info: memInfo{name: path.Base(name), size: int64(len(text))}, Reader: bytes.NewReader(text)}, nil
}

type memFile struct {
	*bytes.Reader
	info memInfo
	fs   memFS
}

func (f *memFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *memFile) Close() error               { return nil }

func (f *memFile) Read(p []byte) (int, error) {
	if f.Reader == nil {
		return 0, io.EOF
	}
	return f.Reader.Read(p)
}

// ReadDir lists the directory; it is read once and whole.
func (f *memFile) ReadDir(int) ([]fs.DirEntry, error) {
	out := make([]fs.DirEntry, 0, len(f.fs))
	for name, text := range f.fs {
		out = append(out, fs.FileInfoToDirEntry(memInfo{name: name, size: int64(len(text))}))
	}
	f.fs = nil
	return out, nil
}

type memInfo struct {
	name string
	size int64
	dir  bool
}

func (i memInfo) Name() string     { return i.name }
func (i memInfo) Size() int64      { return i.size }
func (memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool      { return i.dir }
func (memInfo) Sys() any           { return nil }
func (i memInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
