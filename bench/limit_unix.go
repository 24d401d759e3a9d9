//go:build unix

package bench

import "syscall"

// descriptors is how many files this process may have open; Go has raised the
// limit as far as it may. 0: not known.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30))
}
