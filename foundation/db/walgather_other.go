//go:build !linux

package db

// gatheringVFS is empty: SQLite's own file system is used.
func gatheringVFS() string { return "" }
