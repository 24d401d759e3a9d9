//go:build !linux

package app

// dropProgramPages is for Linux only.
func dropProgramPages() (bytes uint64, err error) { return 0, nil }
