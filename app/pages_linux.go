package app

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// dropProgramPages gives back the memory of those parts of the program's own
// file that were read once, mostly while it started: half of it is never
// looked at again, and what is comes back from the system's cache. It says how
// many bytes were mapped in. Mappings that can be written to, or hold anything
// that is not in the file, are left alone.
func dropProgramPages() (bytes uint64, err error) {
	name, err := os.Executable()
	if err != nil {
		return 0, err
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	all, err := programMappings(f, name)
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); no != 0 {
			return bytes, fmt.Errorf("madvise: %w", no)
		}
		bytes += m.resident
	}
	return bytes, nil
}

type mapping struct {
	from, to uintptr
	resident uint64
}

// programMappings reads, in the form of /proc/self/smaps (proc(5)), the
// mappings of the file that cannot be written to and are as the file has them.
func programMappings(smaps io.Reader, file string) (out []mapping, err error) {
	var m mapping
	ours, changed := false, false
	end := func() {
		if ours && !changed && m.resident > 0 {
			out = append(out, m)
		}
	}
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		text := lines.Text()
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		name, isValue := strings.CutSuffix(fields[0], ":")
		if !isValue { // the head of the next mapping: from-to perms offset device inode file
			end()
			m, ours, changed = mapping{}, false, false
			if len(fields) < 6 || !strings.HasSuffix(text, " "+file) || fields[1] != "r-xp" && fields[1] != "r--p" {
				continue
			}
			_, err := fmt.Sscanf(fields[0], "%x-%x", &m.from, &m.to)
			ours = err == nil
			continue
		}
		if !ours || len(fields) < 2 {
			continue
		}
		switch name {
		case "Rss":
			var kib uint64
			if _, err := fmt.Sscan(fields[1], &kib); err != nil {
				ours = false
			}
			m.resident = kib << 10
		case "Anonymous", "Swap", "Locked": // dirty is also what the system has not yet written to the file
			changed = changed || fields[1] != "0"
		}
	}
	end()
	return out, lines.Err()
}
