package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/mail"
)

// server is a small SMTP server: it takes one mail at a time and refuses the
// recipients it is told to.
type server struct {
	net.Listener
	tls    *tls.Config
	refuse map[string]string // recipient → reply

	mu    sync.Mutex
	mails []string // envelope and text
	auth  string
}

func listen(t *testing.T, cfg *tls.Config) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l, tls: cfg, refuse: map[string]string{}}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *server) port() int { return s.Addr().(*net.TCPAddr).Port }

func (s *server) last(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		t.Fatalf("the server has %d mails, want 1", len(s.mails))
	}
	return s.mails[0]
}

func (s *server) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(c)
	say := func(line string) { _, _ = fmt.Fprintf(c, "%s\r\n", line) }
	say("220 test")
	envelope, secure := "", false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO", "HELO":
			if s.tls != nil && !secure {
				say("250-test\r\n250 STARTTLS")
			} else {
				say("250-test\r\n250 AUTH PLAIN")
			}
		case "STARTTLS":
			say("220 go")
			c = tls.Server(c, s.tls)
			r, secure = bufio.NewReader(c), true
		case "AUTH":
			s.mu.Lock()
			s.auth = line
			s.mu.Unlock()
			say("235 ok")
		case "MAIL":
			envelope = line + "\n"
			say("250 ok")
		case "RCPT":
			if reply := s.refusal(line); reply != "" {
				say(reply)
				continue
			}
			envelope += line + "\n"
			say("250 ok")
		case "DATA":
			say("354 send")
			text := ""
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				text += l
			}
			s.mu.Lock()
			s.mails = append(s.mails, envelope+text)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *server) refusal(line string) string {
	for rcpt, reply := range s.refuse {
		if strings.Contains(line, rcpt) {
			return reply
		}
	}
	return ""
}

func TestSendsTextMail(t *testing.T) {
	t.Parallel()
	srv := listen(t, nil)
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: srv.port(), TLS: mail.None, From: "Forecourt <noreply@example.org>", User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(context.Background(), mail.Message{
		To: []string{"Ada <ada@example.org>", "bob@example.org"}, Subject: "Ladesäule gestört", Text: "Hello\n.\nBye",
		ReplyTo: "help@example.org", Headers: map[string]string{"Auto-Submitted": "auto-generated"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := srv.last(t)
	for _, want := range []string{"MAIL FROM:<noreply@example.org>", "RCPT TO:<ada@example.org>", "RCPT TO:<bob@example.org>",
		"Subject: =?UTF-8?q?Lades=C3=A4ule_gest=C3=B6rt?=", "Auto-Submitted: auto-generated", "Reply-To: <help@example.org>", "Message-ID:", "Date:", "Hello"} {
		if !strings.Contains(got, want) {
			t.Errorf("mail lacks %q:\n%s", want, got)
		}
	}
	if want := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00u\x00p")); srv.auth != want {
		t.Errorf("sign-in %q, want %q", srv.auth, want)
	}
}

func TestUsesTLS(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := certificate(t)
	srv := listen(t, serverTLS)
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: srv.port(), From: "a@example.org", ClientTLS: clientTLS, User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(context.Background(), mail.Message{To: []string{"b@example.org"}, Subject: "s", Text: "t"}); err != nil {
		t.Fatal(err)
	}
	srv.last(t)
}

func TestDoesNotFallBackToPlainText(t *testing.T) {
	t.Parallel()
	srv := listen(t, nil) // offers no STARTTLS
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: srv.port(), From: "a@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(context.Background(), mail.Message{To: []string{"b@example.org"}, Subject: "s", Text: "t"})
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v, want unavailable", err)
	}
	if len(srv.mails) != 0 {
		t.Error("the mail went out in plain text")
	}
}

func TestTellsTemporaryFromPermanentRefusal(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]fault.Kind{"550 no such user": fault.Invalid, "451 try later": fault.Unavailable} {
		srv := listen(t, nil)
		srv.refuse["b@example.org"] = reply
		s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: srv.port(), TLS: mail.None, From: "a@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Send(context.Background(), mail.Message{To: []string{"b@example.org"}, Subject: "s", Text: "t"})
		if !fault.Is(err, want) {
			t.Errorf("%s: got %v, want %v", reply, err, want)
		}
	}
}

func TestSaysThatMailIsNotConfigured(t *testing.T) {
	t.Parallel()
	s, err := mail.New(mail.Config{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(context.Background(), mail.Message{To: []string{"b@example.org"}})
	if !fault.Is(err, fault.Unavailable) || fault.Of(err).Code != "mail.not_configured" || s.Configured() {
		t.Fatalf("got %v", err)
	}
}

func TestRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]mail.Config{
		"from":                  {Host: "h", From: "nobody"},
		"tls":                   {Host: "h", From: "a@b.c", TLS: "ssl"},
		"port":                  {Host: "h", From: "a@b.c", Port: 70000},
		"password in the clear": {Host: "127.example.org", From: "a@b.c", TLS: mail.None, Password: "p"},
	} {
		if _, err := mail.New(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
	s, err := mail.New(mail.Config{Host: "127.0.0.1", Port: 1, From: "a@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]mail.Message{
		"nobody":        {Subject: "s"},
		"bad address":   {To: []string{"x"}},
		"split subject": {To: []string{"a@b.c"}, Subject: "s\r\nBcc: all@example.org"},
		"split header":  {To: []string{"a@b.c"}, Headers: map[string]string{"X-A": "b\r\nBcc: c"}},
	} {
		if err := s.Send(context.Background(), m); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
}

func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}
