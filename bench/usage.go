package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what the operating system says a process has taken.
type Usage struct {
	CPU time.Duration // user and system, since its start
	RSS int64         // bytes of VmRSS, now
}

// clockTick is the unit of CPU times in /proc: USER_HZ, 100 on every
// architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// usageOf reads a process. ok is false where there is no /proc, or no such
// process.
func usageOf(pid int) (u Usage, ok bool) {
	if pid <= 0 {
		return u, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, false
	}
	// The name may hold blanks and brackets; the fields after the last bracket
	// begin with the state, the third of proc(5).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return u, false
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return u, false
	}
	u.CPU = time.Duration(user+system) * clockTick
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, false
	}
	for line := range bytes.Lines(status) {
		if rest, is := bytes.CutPrefix(line, []byte("VmRSS:")); is {
			kib, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			u.RSS = kib << 10
			return u, err == nil
		}
	}
	return u, false
}

// usages adds up several processes; ok only if every one could be read.
func usages(pids []int) (sum Usage, ok bool) {
	for _, pid := range pids {
		u, ok := usageOf(pid)
		if !ok {
			return sum, false
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
	}
	return sum, len(pids) > 0
}
