package db

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite "modernc.org/sqlite/lib"
)

// SQLite writes a frame of its log with two calls of the system, one for the
// header and one for the page, and a group has a hundred frames. The file
// system that is registered here is SQLite's own but for the log: frames that
// follow one another gather in memory and go to the file together, at the
// latest with the last one of a transaction, which is the one whose header
// says how large the database is after it. So a failure of the file reaches
// the COMMIT that it belongs to, and nobody is told of frames that are not in
// the file. Everything else is written as it comes.
//
// Frames of a transaction that has not ended gather, too, when its pages do
// not fit the cache. What is left of them when the connection gives back the
// right to write was rolled back: it goes, or it might come behind the frames
// of another process. (With locking_mode=EXCLUSIVE, which nobody here sets,
// the right is never given back.)
const (
	gatherName = "forecourt"

	gatherMost  = 128<<10 - 1 // bytes, then they are written wherever the transaction is; SQLite writes no more at once
	headerSized = 4           // where a header has the size, four bytes; 0 but in the last frame
)

// gatherFile is a database or a log that is open; it is of one connection.
type gatherFile struct {
	own  *sqlite.Tsqlite3_io_methods // SQLite's
	name uintptr                     // of the database: the same address for both files of a connection
	log  *gatherLog                  // a database's has it as long as the log is open
}

// gatherLog is what was gathered for a log.
type gatherLog struct {
	buffer uintptr // gatherMost bytes; 0 before the first frame
	used   int64   // bytes of it
	end    int64   // offset in the file behind all that was written and gathered
	page   int64   // bytes of a page; 0 before the first
	ends   bool    // the frame whose page comes next is the last one
	failed int32   // what SQLite's own write said, until the right to write is given back; or SQLITE_OK
}

// gathering is what is open in this process through the file system.
var gathering struct {
	once       sync.Once
	registered bool
	base       uintptr // SQLite's own file system

	mu        sync.RWMutex
	files     map[uintptr]*gatherFile // by the address of SQLite's structure
	databases map[uintptr]*gatherFile // by name
	methods   map[[2]uintptr]uintptr  // ours, by SQLite's and ours of another kind of file
}

// gatheringVFS is the name of the file system, registered once; empty where
// it is not to be had.
func gatheringVFS() string {
	gathering.once.Do(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		base := sqlite.Xsqlite3_vfs_find(tls, 0)
		name, err := libc.CString(gatherName)
		if base == 0 || err != nil {
			return
		}
		self := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite.Tsqlite3_vfs{})))
		if self == 0 {
			return
		}
		gathering.base = base
		gathering.files, gathering.databases, gathering.methods = map[uintptr]*gatherFile{}, map[uintptr]*gatherFile{}, map[[2]uintptr]uintptr{}
		vfs := at[sqlite.Tsqlite3_vfs](self)
		*vfs = *at[sqlite.Tsqlite3_vfs](base)
		vfs.FpNext, vfs.FzName, vfs.FxOpen = 0, name, address(gatherOpen)
		gathering.registered = sqlite.Xsqlite3_vfs_register(tls, self, 0) == sqlite.SQLITE_OK
	})
	if !gathering.registered {
		return ""
	}
	return gatherName
}

// at is what lies at an address of SQLite's memory, which Go does not move.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// address is how SQLite knows a function of a package, and function the way
// back.
func address[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

func function[F any](address uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{address}))
}

type (
	openFunc  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	closeFunc = func(tls *libc.TLS, file uintptr) int32
	moveFunc  = func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 // read or write
	sizeFunc  = func(tls *libc.TLS, file, size uintptr) int32
	cutFunc   = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc  = func(tls *libc.TLS, file uintptr, flags int32) int32
	lockFunc  = func(tls *libc.TLS, file uintptr, offset, n, flags int32) int32
)

// gatherOpen opens a file as SQLite does and stands before the methods of a
// database and its log.
func gatherOpen(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	rc := function[openFunc](at[sqlite.Tsqlite3_vfs](gathering.base).FxOpen)(tls, gathering.base, name, file, flags, out)
	if rc != sqlite.SQLITE_OK || name == 0 || flags&(sqlite.SQLITE_OPEN_MAIN_DB|sqlite.SQLITE_OPEN_WAL) == 0 {
		return rc
	}
	methods := &at[sqlite.Tsqlite3_file](file).FpMethods
	f := &gatherFile{own: at[sqlite.Tsqlite3_io_methods](*methods), name: sqlite.Xsqlite3_filename_database(tls, name)}
	gathering.mu.Lock()
	defer gathering.mu.Unlock()
	if flags&sqlite.SQLITE_OPEN_MAIN_DB != 0 {
		if ours := overMethods(tls, *methods, true); ours != 0 {
			*methods = ours
			gathering.files[file], gathering.databases[f.name] = f, f
		}
		return rc
	}
	database := gathering.databases[f.name]
	if ours := overMethods(tls, *methods, false); ours != 0 && database != nil {
		*methods = ours
		f.log = &gatherLog{}
		database.log = f.log
		gathering.files[file] = f
	}
	return rc
}

// overMethods are SQLite's methods with ours in front, made once; 0 when there
// is no memory.
func overMethods(tls *libc.TLS, own uintptr, database bool) uintptr {
	key := [2]uintptr{own, 0}
	if database {
		key[1] = 1
	}
	if made := gathering.methods[key]; made != 0 {
		return made
	}
	made := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(sqlite.Tsqlite3_io_methods{})))
	if made == 0 {
		return 0
	}
	m := at[sqlite.Tsqlite3_io_methods](made)
	*m = *at[sqlite.Tsqlite3_io_methods](own)
	if database {
		m.FxClose, m.FxShmLock = address(gatherCloseDatabase), address(gatherLock)
	} else {
		m.FxClose, m.FxRead, m.FxWrite = address(gatherCloseLog), address(gatherRead), address(gatherWrite)
		m.FxTruncate, m.FxSync, m.FxFileSize = address(gatherCut), address(gatherSync), address(gatherSize)
	}
	gathering.methods[key] = made
	return made
}

func gathered(file uintptr) *gatherFile {
	gathering.mu.RLock()
	defer gathering.mu.RUnlock()
	return gathering.files[file]
}

// write passes on what was gathered. When that fails it is lost, and so is the
// transaction: whatever it does from then on fails, COMMIT above all. The
// error alone might undo no more than a statement.
func (f *gatherFile) write(tls *libc.TLS, file uintptr) int32 {
	l := f.log
	if n := l.used; n > 0 && l.failed == sqlite.SQLITE_OK {
		l.used = 0
		l.failed = function[moveFunc](f.own.FxWrite)(tls, file, l.buffer, int32(n), l.end-n)
	}
	return l.failed
}

// gatherWrite gathers a frame that follows what was written last, header and
// page, and passes all on when it is the last one of a transaction or no other
// would fit.
func gatherWrite(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := gathered(file)
	l := f.log
	header := n == frameHeader && (l.page == 0 || (offset-walHeader)%(frameHeader+l.page) == 0)
	whole := l.used + int64(n)
	if header {
		whole += l.page
	}
	if offset != l.end || whole > gatherMost || l.failed != sqlite.SQLITE_OK {
		if rc := f.write(tls, file); rc != sqlite.SQLITE_OK {
			return rc
		}
	}
	follows := offset == l.end && (header || l.used > 0)
	l.end = offset + int64(n)
	if follows && l.buffer == 0 {
		l.buffer = libc.Xmalloc(tls, gatherMost)
	}
	if !follows || l.buffer == 0 {
		return function[moveFunc](f.own.FxWrite)(tls, file, data, n, offset)
	}
	libc.Xmemcpy(tls, l.buffer+uintptr(l.used), data, libc.Tsize_t(n))
	l.used += int64(n)
	switch {
	case header:
		l.ends = *at[uint32](data + headerSized) != 0
	case l.ends:
		return f.write(tls, file)
	default:
		l.page = int64(n)
	}
	return sqlite.SQLITE_OK
}

// gatherLock is told of the locks of the database file. Who gives back the
// right to write has committed, and nothing is gathered, or rolled back.
func gatherLock(tls *libc.TLS, file uintptr, offset, n, flags int32) int32 {
	f := gathered(file)
	if back := int32(sqlite.SQLITE_SHM_UNLOCK | sqlite.SQLITE_SHM_EXCLUSIVE); flags == back && offset == sqlite.WAL_WRITE_LOCK && f.log != nil {
		if f.log.used > 0 {
			f.log.used, f.log.end = 0, 0
		}
		f.log.failed = sqlite.SQLITE_OK
	}
	return function[lockFunc](f.own.FxShmLock)(tls, file, offset, n, flags)
}

func gatherRead(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := gathered(file)
	if rc := f.write(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[moveFunc](f.own.FxRead)(tls, file, data, n, offset)
}

func gatherCut(tls *libc.TLS, file uintptr, size int64) int32 {
	f := gathered(file)
	if rc := f.write(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[cutFunc](f.own.FxTruncate)(tls, file, size)
}

func gatherSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := gathered(file)
	if rc := f.write(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[syncFunc](f.own.FxSync)(tls, file, flags)
}

func gatherSize(tls *libc.TLS, file, size uintptr) int32 {
	f := gathered(file)
	if rc := f.write(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return function[sizeFunc](f.own.FxFileSize)(tls, file, size)
}

func gatherCloseLog(tls *libc.TLS, file uintptr) int32 {
	gathering.mu.Lock()
	f := gathering.files[file]
	delete(gathering.files, file)
	if d := gathering.databases[f.name]; d != nil && d.log == f.log {
		d.log = nil
	}
	gathering.mu.Unlock()
	if f.log.buffer != 0 {
		libc.Xfree(tls, f.log.buffer)
	}
	return function[closeFunc](f.own.FxClose)(tls, file)
}

func gatherCloseDatabase(tls *libc.TLS, file uintptr) int32 {
	gathering.mu.Lock()
	f := gathering.files[file]
	delete(gathering.files, file)
	if gathering.databases[f.name] == f {
		delete(gathering.databases, f.name)
	}
	gathering.mu.Unlock()
	return function[closeFunc](f.own.FxClose)(tls, file)
}
