package trial

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"
)

// TestLink carries lines through a link that is mute, then severed, then whole.
func TestLink(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					fmt.Fprintln(c, lines.Text())
				}
			}()
		}
	}()
	l, url, err := newLink("nats://" + server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	address := url[len("nats://"):]
	dial := func() (net.Conn, *bufio.Reader) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, bufio.NewReader(c)
	}
	says := func(c net.Conn, in *bufio.Reader) (string, error) {
		if _, err := fmt.Fprintln(c, "hello"); err != nil {
			return "", err
		}
		return in.ReadString('\n')
	}
	c, in := dial()
	if got, err := says(c, in); got != "hello\n" {
		t.Fatal(got, err)
	}
	l.set(mute)
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if got, err := says(c, in); err == nil {
		t.Errorf("a mute link carried %q", got)
	}
	c.SetReadDeadline(time.Time{})
	l.set(whole)
	if got, err := in.ReadString('\n'); got != "hello\n" {
		t.Errorf("what was said meanwhile came as %q, %v", got, err)
	}
	l.set(severed)
	if got, err := in.ReadString('\n'); err == nil {
		t.Errorf("a severed link carried %q", got)
	}
	c, in = dial()
	if got, err := says(c, in); err == nil {
		t.Errorf("a severed link carried %q", got)
	}
	l.set(whole)
	c, in = dial()
	if got, err := says(c, in); got != "hello\n" {
		t.Errorf("a mended link carried %q, %v", got, err)
	}
}
