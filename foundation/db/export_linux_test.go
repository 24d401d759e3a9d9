package db

import (
	"modernc.org/libc"
	sqlite "modernc.org/sqlite/lib"
)

// GatheringVFS is the file system that gathers the frames of the log.
func GatheringVFS() string { return gatheringVFS() }

// FillDisk has writes to the logs that are open fail as on a full disk; it
// gives the way back.
func FillDisk() (empty func()) {
	gathering.mu.Lock()
	defer gathering.mu.Unlock()
	was := map[*gatherFile]*sqlite.Tsqlite3_io_methods{}
	for _, f := range gathering.files {
		if f.log != nil {
			full := *f.own
			full.FxWrite = address(refuseWrite)
			was[f], f.own = f.own, &full
		}
	}
	return func() {
		for f, own := range was {
			f.own = own
		}
	}
}

func refuseWrite(*libc.TLS, uintptr, uintptr, int32, int64) int32 { return sqlite.SQLITE_FULL }
