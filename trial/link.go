package trial

import (
	"net"
	"net/url"
	"sync"
)

// link is a TCP connection that can be cut: a proxy between a node and what it
// needs.
type link struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	state state
	open  map[net.Conn]struct{}
	heals *sync.Cond
}

// state of a link.
type state uint8

const (
	whole   state = iota
	severed       // connections end, new ones too: a cable, a restarted switch
	mute          // nothing arrives any more, and nobody is told: a firewall
)

// newLink begins to listen for what goes to the host of a URL, and gives the
// URL to use instead.
func newLink(target string) (*link, string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	l := &link{listener: listener, to: u.Host, open: map[net.Conn]struct{}{}}
	l.heals = sync.NewCond(&l.mu)
	go l.accept()
	u.Host = listener.Addr().String()
	return l, u.String(), nil
}

func (l *link) accept() {
	for {
		in, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		refused := l.state == severed
		l.mu.Unlock()
		if refused {
			in.Close()
			continue
		}
		go l.carry(in)
	}
}

func (l *link) carry(in net.Conn) {
	out, err := net.Dial("tcp", l.to)
	if err != nil {
		in.Close()
		return
	}
	l.mu.Lock()
	l.open[in], l.open[out] = struct{}{}, struct{}{}
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.copy(out, in) })
	both.Go(func() { l.copy(in, out) })
	both.Wait()
	l.mu.Lock()
	delete(l.open, in)
	delete(l.open, out)
	l.mu.Unlock()
}

// copy carries bytes one way, and holds them while the link is mute.
func (l *link) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		for l.state == mute {
			l.heals.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// set breaks the link, or mends it.
func (l *link) set(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	if s == severed {
		for c := range l.open {
			c.Close()
		}
	}
	l.heals.Broadcast()
}

func (l *link) close() {
	l.listener.Close()
	l.set(severed)
}
