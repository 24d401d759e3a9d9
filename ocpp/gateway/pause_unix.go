//go:build unix

package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

const canPause = true

// take reads what is there into a buffer that is lent. False means that there
// is nothing.
func (w *wire) take(fd uintptr) bool {
	b := readBuffers.Get().(*[readBuffer]byte)
	for {
		n, err := syscall.Read(int(fd), b[:])
		if err == nil && n > 0 {
			w.lent, w.early = b, b[:n]
			return true
		}
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		readBuffers.Put(b)
		switch {
		case err == syscall.EAGAIN:
			return false
		case err == nil:
			w.failed = io.EOF
		default:
			w.failed = &net.OpError{Op: "read", Net: "tcp", Source: w.Conn.LocalAddr(), Addr: w.Conn.RemoteAddr(), Err: os.NewSyscallError("read", err)}
		}
		return true
	}
}
