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
// is nothing, or was only the answer to a ping, which needs no reader: most of
// what comes is that.
func (w *wire) take(fd uintptr) bool {
	b := readBuffers.Get().(*[readBuffer]byte)
	for {
		n, err := syscall.Read(int(fd), b[:])
		if err == nil && isPong(b[:n]) {
			w.heard.Store(w.now().UnixMilli())
			w.pongs.Store(true)
			continue
		}
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

// pingNow sends a ping unless a frame is being sent or the socket takes
// nothing now. Control does not see the deadline of the last frame.
func (w *wire) pingNow() (sent bool) {
	if w.raw == nil || !w.writing.TryLock() {
		return false
	}
	defer w.writing.Unlock()
	if w.out != nil || w.large > 0 {
		return false
	}
	n := 0
	err := w.raw.Control(func(fd uintptr) { n, _ = syscall.Write(int(fd), pingFrame[:]) })
	if err != nil || n <= 0 {
		return false
	}
	if n < len(pingFrame) {
		if _, err := w.send(pingFrame[n:]); err != nil {
			_ = w.Conn.Close() // half a frame is out
		}
		return true
	}
	w.told.Store(w.now().UnixMilli())
	return true
}
