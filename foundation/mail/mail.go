package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// TLS says how the connection to the server is protected.
type TLS string

const (
	STARTTLS TLS = "starttls" // upgrade, or do not send; the default
	Implicit TLS = "tls"      // TLS from the first byte (port 465)
	None     TLS = "none"     // plain text, for a relay on the same machine
)

// Config of the sender. An empty Host means that mail is not configured.
type Config struct {
	Host      string
	Port      int // 0: 587, 465 or 25, following TLS
	TLS       TLS // empty: STARTTLS
	User      string
	Password  string
	From      string        // "Forecourt <noreply@example.org>"
	Timeout   time.Duration // 0: 15 s
	ClientTLS *tls.Config   // nil: the system's roots and TLS 1.2 or newer
}

// Message is a plain-text mail. Addresses are of the form "a@b" or
// "Name <a@b>".
type Message struct {
	To      []string
	ReplyTo string // optional
	Subject string
	Text    string
	// Headers such as List-Unsubscribe or Auto-Submitted; names in any case.
	Headers map[string]string
}

// Sender sends messages. It is safe for concurrent use.
type Sender struct{ cfg Config }

// New checks the configuration. It connects only when there is something to
// send.
func New(c Config) (*Sender, error) {
	if c.Host == "" {
		return &Sender{}, nil
	}
	bad := fault.New(fault.Invalid, "mail.config", "The mail configuration is not usable.")
	if c.TLS == "" {
		c.TLS = STARTTLS
	}
	if !slices.Contains([]TLS{STARTTLS, Implicit, None}, c.TLS) {
		bad.With("mail.tls", "must be starttls, tls or none", c.TLS)
	}
	if c.Port == 0 {
		c.Port = map[TLS]int{STARTTLS: 587, Implicit: 465, None: 25}[c.TLS]
	}
	if c.Port < 0 || c.Port > 65535 {
		bad.With("mail.port", "must be 1 to 65535", c.Port)
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		bad.With("mail.from", "must be an address such as Forecourt <noreply@example.org>", c.From)
	}
	if c.Password != "" && c.TLS == None && !local(c.Host) {
		bad.With("mail.tls", "a password is sent only over TLS, or to this machine", c.TLS)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	return &Sender{cfg: c}, nil
}

// Configured reports whether mail can be sent at all.
func (s *Sender) Configured() bool { return s.cfg.Host != "" }

// Send delivers m to the server. Errors: fault.Invalid for a message that
// can never be sent, fault.Unavailable for one that may be tried again.
func (s *Sender) Send(ctx context.Context, m Message) error {
	if !s.Configured() {
		return fault.New(fault.Unavailable, "mail.not_configured", "Mail is not configured on this installation; set the mail host.")
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.cfg.Host, s.options()...)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "mail.config", "The mail configuration is not usable.")
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return sendFault(err)
	}
	return nil
}

func (s *Sender) compose(m Message) (*gomail.Msg, error) {
	bad := fault.New(fault.Invalid, "mail.message", "This mail cannot be sent.")
	msg := gomail.NewMsg()
	if err := msg.From(s.cfg.From); err != nil {
		bad.With("from", err.Error(), s.cfg.From)
	}
	if len(m.To) == 0 {
		bad.With("to", "needs at least one address", nil)
	}
	for _, to := range m.To {
		if err := msg.AddTo(to); err != nil {
			bad.With("to", "is not an e-mail address", to)
		}
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			bad.With("reply_to", "is not an e-mail address", m.ReplyTo)
		}
	}
	if strings.ContainsAny(m.Subject, "\r\n") {
		bad.With("subject", "must be one line", m.Subject)
	}
	for name, value := range m.Headers {
		if strings.ContainsAny(name+value, "\r\n") {
			bad.With("headers."+name, "must be one line", nil)
			continue
		}
		msg.SetGenHeader(gomail.Header(name), value)
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	msg.Subject(m.Subject)
	msg.SetMessageID()
	msg.SetDate()
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	return msg, nil
}

func (s *Sender) options() []gomail.Option {
	c := s.cfg
	out := []gomail.Option{gomail.WithPort(c.Port), gomail.WithTimeout(c.Timeout)}
	switch c.TLS {
	case Implicit:
		out = append(out, gomail.WithSSL())
	case None:
		out = append(out, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		out = append(out, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.ClientTLS != nil {
		out = append(out, gomail.WithTLSConfig(c.ClientTLS))
	}
	if c.User != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if c.TLS == None { // only towards this machine, see New
			auth = gomail.SMTPAuthPlainNoEnc
		}
		out = append(out, gomail.WithSMTPAuth(auth), gomail.WithUsername(c.User), gomail.WithPassword(c.Password))
	}
	return out
}

// sendFault tells a refusal for good (5xx to the message or a recipient)
// from what may pass.
func sendFault(err error) error {
	var e *gomail.SendError
	if errors.As(err, &e) && !e.IsTemp() && e.ErrorCode() >= 500 {
		return fault.Wrap(fault.Invalid, err, "mail.refused", "The mail server refused the message for good (%d).", e.ErrorCode())
	}
	return fault.Wrap(fault.Unavailable, err, "mail.failed", "The mail server could not be reached or did not take the message; it may be tried again.")
}

func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// String shows where mail goes, without secrets.
func (s *Sender) String() string {
	if !s.Configured() {
		return "mail: not configured"
	}
	return fmt.Sprintf("mail: %s:%d (%s) as %s", s.cfg.Host, s.cfg.Port, s.cfg.TLS, s.cfg.From)
}
