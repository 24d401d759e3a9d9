package app

import (
	"slices"
	"strings"
	"testing"
)

func TestProgramMappings(t *testing.T) {
	const smaps = `00400000-020a2000 r-xp 00000000 fe:00 1 /opt/a b/forecourt
Size:              29320 kB
Rss:               20000 kB
Private_Dirty:     20000 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
020a2000-03ac5000 r--p 01ca2000 fe:00 1 /opt/a b/forecourt
Rss:                  16 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
03ac5000-03bc5000 r--p 036c5000 fe:00 1 /opt/a b/forecourt
Rss:                  64 kB
Private_Dirty:        64 kB
Anonymous:            64 kB
03bc5000-03cac000 rw-p 036c5000 fe:00 1 /opt/a b/forecourt
Rss:                 900 kB
Private_Dirty:         0 kB
7f0000000000-7f0000100000 r-xp 00000000 fe:00 2 /lib/libc.so.6
Rss:                 800 kB
c000000000-c004000000 rw-p 00000000 00:00 0
Rss:               60000 kB
`
	got, err := programMappings(strings.NewReader(smaps), "/opt/a b/forecourt")
	want := []mapping{{0x400000, 0x20a2000, 20000 << 10}, {0x20a2000, 0x3ac5000, 16 << 10}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
}

// The program goes on as before.
func TestDropProgramPages(t *testing.T) {
	bytes, err := dropProgramPages()
	if err != nil || bytes == 0 {
		t.Errorf("%d bytes, %v", bytes, err)
	}
}
