package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

type badCmd struct {
	options     `embed:""`
	Stations    int      `help:"How many well-behaved stations are timed; each charges." default:"1000" env:"-"`
	Rate        float64  `help:"Messages a second of all of them." default:"500" env:"-"`
	Seconds     float64  `help:"How long they are timed during each kind of trouble, and between two of them." default:"15" env:"-"`
	ConnectRate float64  `help:"New connections a second before the load." default:"500" env:"-"`
	Kind        []string `help:"Kinds of trouble: flood, frames, slow-reader, half-open, handshakes, passwords." default:"flood,frames,slow-reader,half-open,handshakes,passwords" enum:"flood,frames,slow-reader,half-open,handshakes,passwords" env:"-"`
	Flood       float64  `help:"Messages a second that the bad station tries to send." default:"10000" env:"-"`
	Sockets     int      `help:"Sockets of half-open." default:"2000" env:"-"`
	Handshakes  float64  `help:"Handshakes a second that are tried, and how many fail with a wrong password, in the kinds of that name." default:"1000" env:"-"`
	MTLS        bool     `name:"mtls" help:"Over TLS, each with a certificate of its own; passwords then tries none and those of an unknown authority." env:"-"`
}

// Run measures what one bad station does to the others.
func (c *badCmd) Run(ctx context.Context, s Streams) error {
	return c.run(ctx, s, c.MTLS, nil, c.measure)
}

// trouble makes a kind of trouble until its context ends, and counts what it
// got through.
type trouble func(ctx context.Context, t *troubled)

var troubles = map[string]trouble{
	"flood": flooding(`[2,"%d","Heartbeat",{}]`), "frames": frames64, "slow-reader": slowReader,
	"half-open": halfOpen, "handshakes": handshakes, "passwords": passwords,
}

// troubled is what trouble is made with.
type troubled struct {
	cmd  *badCmd
	bad  *station
	made atomic.Int64 // frames, sockets, handshakes
	held atomic.Int64 // of them, refused, closed or not taken
}

// lane is how the others fared in one stretch.
type lane struct {
	name     string
	delays   *Histogram
	p50, p99 float64
	cores    float64 // of the servers
	client   float64
}

func (c *badCmd) measure(ctx context.Context, g *ground) (*Result, error) {
	f, err := g.enlist(ctx, 0, c.Stations)
	if err != nil {
		return nil, err
	}
	defer f.close()
	bad, err := g.enlist(ctx, c.Stations, 1)
	if err != nil {
		return nil, err
	}
	bad.ended.Store(true) // it may be thrown out
	defer bad.close()
	g.say("connecting %d stations and starting their sessions", c.Stations)
	if err := f.connect(ctx, f.stations, c.ConnectRate); err != nil {
		return nil, err
	}
	if err := f.ask(ctx, f.stations, kindStart); err != nil {
		return nil, err
	}
	r := g.result("bad", c.Stations)
	quiet := c.lane(ctx, g, f, "quiet", nil, nil)
	calm := &Histogram{}
	calm.merge(quiet.delays.counts(), quiet.delays.Longest())
	all := map[string]*Histogram{"quiet": calm}
	r.more("quiet_server_cores", quiet.cores)
	worst := 0.0
	for _, kind := range c.Kind {
		t := &troubled{cmd: c, bad: bad.stations[0]}
		during := c.lane(ctx, g, f, kind, troubles[kind], t)
		after := c.lane(ctx, g, f, "quiet", nil, nil)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		calm.merge(after.delays.counts(), after.delays.Longest())
		all[kind] = during.delays
		worst = max(worst, c.tell(r, kind, during, t, quiet, after))
		quiet = after
	}
	r.more("worst_p99_ratio", worst)
	f.delays.merge(calm.counts(), calm.Longest())
	g.memory(r)
	r.delays(&f.delays, time.Duration(c.Seconds*float64(time.Second)))
	r.MsgsPerS = round(c.Rate)
	g.noteLog(ctx, r) // a flood may thin it out: that is what bounds what a bad station costs
	r.failures(f)
	r.note("reply times are those of the %d stations that behave; p50, p95 and p99 above are theirs without trouble, and each kind is compared with the stretches just before and after it", c.Stations)
	var drawn plot
	for _, name := range slices.Sorted(maps.Keys(all)) {
		drawn = append(drawn, distribution("Reply time of the others: "+name, all[name]))
	}
	return r, drawn.write(c.SVG)
}

// tell adds what a kind of trouble did, and gives how much longer the p99 was
// than in the quiet around it: the machine is not the same every minute.
func (c *badCmd) tell(r *Result, kind string, during lane, t *troubled, before, after lane) (ratio float64) {
	around := &Histogram{}
	around.merge(before.delays.counts(), before.delays.Longest())
	around.merge(after.delays.counts(), after.delays.Longest())
	quiet := ms(around.Quantile(.99))
	if quiet > 0 {
		ratio = during.p99 / quiet
	}
	name := strings.ReplaceAll(kind, "-", "_")
	r.more(name+"_p50_ms", during.p50)
	r.more(name+"_p99_ms", during.p99)
	r.more(name+"_quiet_p99_ms", quiet)
	r.more(name+"_p99_ratio", ratio)
	r.more(name+"_server_cores", during.cores)
	r.more(name+"_client_cores", during.client)
	r.more(name+"_made", float64(t.made.Load()))
	r.more(name+"_refused", float64(t.held.Load()))
	return ratio
}

// lane times the well-behaved stations for a while beside some trouble. Their
// delays are counted apart each time.
func (c *badCmd) lane(ctx context.Context, g *ground, f *fleet, name string, make trouble, t *troubled) lane {
	g.say("%s", name)
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	if make != nil {
		beside.Go(func() { make(ctx, t) })
		wait(ctx, time.Second) // it is under way when the others are timed
	}
	f.delays.reset()
	took := g.measured(ctx, func() {
		f.openLoop(ctx, time.Duration(c.Seconds*float64(time.Second)), c.Rate, f.stations, (*station).next)
	})
	l := lane{name: name, delays: &Histogram{}}
	if took.measured {
		l.cores, l.client = took.server.Seconds()/took.lasted.Seconds(), took.client.Seconds()/took.lasted.Seconds()
	}
	l.delays.merge(f.delays.counts(), f.delays.Longest())
	f.delays.reset()
	l.p50, l.p99 = ms(l.delays.Quantile(.5)), ms(l.delays.Quantile(.99))
	stop()
	beside.Wait()
	if t != nil {
		t.bad.cut()
	}
	return l
}

// home connects the bad station, again whenever it was thrown out, and gives
// work its socket; until ctx ends.
func (t *troubled) home(ctx context.Context, work func(s *rig.Socket) error) {
	for ctx.Err() == nil {
		s, err := rig.Dial(ctx, t.bad.fleet.door(t.bad))
		if err != nil {
			t.held.Add(1)
			wait(ctx, 100*time.Millisecond)
			continue
		}
		stop := context.AfterFunc(ctx, func() { s.Cut() })
		if err := work(s); err != nil && ctx.Err() == nil {
			t.held.Add(1)
		}
		stop()
		s.Cut()
	}
}

// flooding sends calls by the clock and never waits for an answer, but reads
// them. How far the socket falls behind is told: what was not made.
func flooding(form string) trouble {
	return func(ctx context.Context, t *troubled) {
		t.home(ctx, func(s *rig.Socket) error {
			go s.Read(func([]byte) {})
			pace := paced(ctx, t.cmd.Flood)
			for i := 0; ctx.Err() == nil; i++ {
				pace(i)
				if err := s.Write(rig.OpText, fmt.Appendf(nil, form, i)); err != nil {
					return err
				}
				t.made.Add(1)
			}
			return nil
		})
	}
}

// frames64 sends calls of 64 KiB as fast as they are taken.
func frames64(ctx context.Context, t *troubled) {
	flooding(`[2,"%d","DataTransfer",{"vendorId":"bench","data":"`+strings.Repeat("x", 64<<10)+`"}]`)(ctx, t)
}

// slowReader sends calls and reads none of the answers.
func slowReader(ctx context.Context, t *troubled) {
	t.home(ctx, func(s *rig.Socket) error {
		s.ReadBuffer(4 << 10) // the server's side fills soon
		for i := 0; ctx.Err() == nil; i++ {
			if err := s.Write(rig.OpText, fmt.Appendf(nil, `[2,"%d","Heartbeat",{}]`, i)); err != nil {
				return err
			}
			t.made.Add(1)
		}
		return nil
	})
}

// halfOpen keeps sockets open that never ask: half of them say nothing, half
// stop in the middle of their request.
func halfOpen(ctx context.Context, t *troubled) {
	d := t.bad.fleet.door(t.bad)
	began := fmt.Sprintf("GET %s HTTP/1.1\r\nHost:", d.Path)
	if d.TLS != nil {
		began = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // a ClientHello of 512 bytes
	}
	var all sync.WaitGroup
	defer all.Wait()
	for i := range t.cmd.Sockets {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", d.Address)
				if err != nil {
					t.held.Add(1)
					wait(ctx, time.Second)
					continue
				}
				t.made.Add(1)
				stop := context.AfterFunc(ctx, func() { conn.Close() })
				if i%2 == 0 {
					io.WriteString(conn, began) // what a broken station leaves behind
				}
				conn.Read(make([]byte, 1)) // until the server ends it
				stop()
				conn.Close()
				if ctx.Err() == nil {
					t.held.Add(1)
				}
			}
		})
	}
}

// handshakes has the bad station come in again and again, with its password.
func handshakes(ctx context.Context, t *troubled) {
	t.knock(ctx, func(d rig.Door, _ int) rig.Door { return d })
}

// passwords tries ever other names with a wrong password. Over TLS it shows
// no certificate, or one that a stranger signed: the server has done all of
// the handshake when it finds out.
func passwords(ctx context.Context, t *troubled) {
	strangers, err := t.strangers()
	if err != nil {
		t.bad.fleet.fail("no certificate of a stranger", err)
		return
	}
	t.knock(ctx, func(d rig.Door, i int) rig.Door {
		d.Path += fmt.Sprintf("-%d", i)
		if d.TLS != nil {
			d.TLS = strangers[i%len(strangers)]
		} else {
			d.Password = "0123456789abcdef0123456789abcdef"
		}
		return d
	})
}

// strangers are ways to speak TLS that let nobody in; none without TLS.
func (t *troubled) strangers() ([]*tls.Config, error) {
	known := t.bad.fleet.door(t.bad).TLS
	if known == nil {
		return nil, nil
	}
	other, err := newAuthority(time.Now())
	if err != nil {
		return nil, err
	}
	cert, err := other.issue(t.bad.id, serialStation, time.Now())
	nobody, stranger := known.Clone(), known.Clone()
	nobody.Certificates, stranger.Certificates = nil, nil
	stranger.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil } // whatever the server asks for
	return []*tls.Config{nobody, stranger}, err
}

func (t *troubled) knock(ctx context.Context, as func(d rig.Door, i int) rig.Door) {
	var all sync.WaitGroup
	defer all.Wait()
	pace, slots := paced(ctx, t.cmd.Handshakes), make(chan struct{}, 64)
	for i := 0; ctx.Err() == nil; i++ {
		pace(i)
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			t.made.Add(1)
			s, err := rig.Dial(ctx, as(t.bad.fleet.door(t.bad), i))
			if err != nil {
				t.held.Add(1)
				return
			}
			s.Cut()
		})
	}
}
