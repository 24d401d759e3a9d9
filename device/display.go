package device

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Kinds of messages.
const (
	KindMessage   = "message"
	KindLocalInfo = "local_information" // plain text about the place, in every state
)

// Content is the text of a message in one language.
type Content struct {
	Language string `json:"language,omitempty"` // BCP 47; empty: any
	Format   string `json:"format"`             // ASCII, UTF8, HTML, URI, QRCODE
	Text     string `json:"text"`
}

// Message is what displays are to show: at every station of an organisation
// and those below it, of a site, or at one station.
type Message struct {
	ID                   string
	Number               int // its id in OCPP, unique in the installation
	Org, Site, Station   string
	Kind                 string
	Priority             string // AlwaysFront, InFront, NormalCycle
	State                string // shown in this state only; empty: in every one
	StartAt, EndAt       *time.Time
	Transaction          string
	Contents             []Content // the first is for languages that are not there
	CreatedAt, UpdatedAt time.Time
	DeletedAt            *time.Time
}

const (
	maxMessage   = 1024 // characters, OCPP 2.1; 512 in 2.0.1
	maxMessage20 = 512
	maxLocalInfo = 500
	notInLocal   = `/\~"<>|`
	maxVariants  = 5 // one and four more (OCPP 2.1 messageExtra)
)

// check refuses messages that no display could show.
func (m Message) check() error {
	bad := fault.New(fault.Invalid, "device.message", "the message cannot be shown")
	if len(m.Contents) == 0 || len(m.Contents) > maxVariants {
		bad.With("body.contents", "1 to 5 languages", len(m.Contents))
	}
	most := maxMessage
	if m.Kind == KindLocalInfo {
		most = maxLocalInfo
		if m.State != "" || m.Transaction != "" {
			bad.With("body.kind", "local information has neither state nor transaction", m.Kind)
		}
	}
	seen := map[string]bool{}
	for i, c := range m.Contents {
		at := fmt.Sprintf("body.contents[%d]", i)
		if n := utf8.RuneCountInString(c.Text); n == 0 || n > most {
			bad.With(at+".text", fmt.Sprintf("1 to %d characters", most), n)
		}
		if m.Kind == KindLocalInfo && (strings.ContainsAny(c.Text, notInLocal) || c.Format != string(ocpp.MessageFormatEnumUTF8) && c.Format != string(ocpp.MessageFormatEnumASCII)) {
			bad.With(at+".text", `plain text without / \ ~ " < > |`, c.Text)
		}
		if c.Format == string(ocpp.MessageFormatEnumASCII) && strings.IndexFunc(c.Text, func(r rune) bool { return r > 126 }) >= 0 {
			bad.With(at+".format", "the text has characters beyond ASCII; use UTF8", c.Format)
		}
		if seen[c.Language] {
			bad.With(at+".language", "each language once", c.Language)
		}
		seen[c.Language] = true
	}
	if m.StartAt != nil && m.EndAt != nil && !m.EndAt.After(*m.StartAt) {
		bad.With("body.end_at", "after start_at", m.EndAt)
	}
	if m.Transaction != "" && m.Station == "" {
		bad.With("body.transaction", "only of a message for one station", m.Transaction)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// wanted tells whether the message is to be at stations now. One that begins
// later is there already: stations know the time.
func (m Message) wanted(now time.Time) bool {
	return m.DeletedAt == nil && (m.EndAt == nil || now.Before(*m.EndAt))
}

// info gives the message as OCPP 2.x has it.
func (m Message) info() ocpp.MessageInfo {
	content := func(c Content) ocpp.MessageContent {
		return ocpp.MessageContent{Format: ocpp.MessageFormatEnum(c.Format), Language: c.Language, Content: c.Text}
	}
	i := ocpp.MessageInfo{ID: m.Number, Priority: ocpp.MessagePriorityEnum(m.Priority), State: ocpp.MessageStateEnum(m.State), TransactionID: m.Transaction, Message: content(m.Contents[0])}
	for _, c := range m.Contents[1:] {
		i.MessageExtra = append(i.MessageExtra, content(c))
	}
	for to, from := range map[**ocpp.DateTime]*time.Time{&i.StartDateTime: m.StartAt, &i.EndDateTime: m.EndAt} {
		if from != nil {
			at := ocpp.AtTime(*from)
			*to = &at
		}
	}
	return i
}

// fingerprint tells one text of a message from another.
func fingerprint(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // never equal to what a station has
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// limits are what a station says of its display (OCPP 2.0.1 part 2 appendix,
// DisplayMessageCtrlr); empty lists allow everything.
type limits struct {
	version                     ocpp.Version
	most                        int // messages; 0: not told
	formats, priorities, states []string
	languages                   []string
	off                         bool
}

// limitsFrom reads the variables of DisplayMessageCtrlr.
func limitsFrom(version ocpp.Version, vars map[string]Variable) limits {
	l := limits{version: version}
	for _, v := range vars {
		list := members(v.Value)
		if len(list) == 0 {
			list = members(v.ValuesList)
		}
		switch strings.ToLower(v.Name) {
		case "available", "enabled":
			l.off = l.off || strings.EqualFold(v.Value, "false")
		case "displaymessages", "numberofdisplaymessages":
			if n, err := strconv.Atoi(strings.TrimSuffix(v.Max, ".0")); err == nil {
				l.most = n
			}
		case "supportedformats":
			l.formats = list
		case "supportedpriorities":
			l.priorities = list
		case "supportedstates":
			l.states = list
		case "language", "supportedlanguages":
			l.languages = list
		}
	}
	return l
}

// fit gives what of a message a station can take, or why nothing. Languages
// and formats it cannot show are left out while another text remains. before
// is how many messages it has already.
func (l limits) fit(m Message, before int) (Message, string) {
	has := func(list []string, v string) bool {
		return len(list) == 0 || v == "" || slices.ContainsFunc(list, func(one string) bool { return strings.EqualFold(one, v) })
	}
	switch {
	case l.off:
		return m, "the station says that its display messages are off or not available"
	case !has(l.priorities, m.Priority):
		return m, fmt.Sprintf("the station has no priority %s, only %s", m.Priority, strings.Join(l.priorities, ", "))
	case !has(l.states, m.State):
		return m, fmt.Sprintf("the station shows no messages in state %s, only in %s", m.State, strings.Join(l.states, ", "))
	case l.version == ocpp.V201 && (m.State == string(ocpp.MessageStateEnumSuspended) || m.State == string(ocpp.MessageStateEnumDischarging)):
		return m, "OCPP 2.0.1 has no state " + m.State
	case l.most > 0 && before >= l.most:
		return m, fmt.Sprintf("the station keeps at most %d messages", l.most)
	}
	var fits []Content
	why := ""
	for _, c := range m.Contents {
		switch {
		case !has(l.formats, c.Format):
			why = fmt.Sprintf("the station cannot show %s, only %s", c.Format, strings.Join(l.formats, ", "))
		case l.version == ocpp.V201 && c.Format == string(ocpp.MessageFormatEnumQRCODE):
			why = "OCPP 2.0.1 has no format QRCODE"
		case l.version == ocpp.V201 && utf8.RuneCountInString(c.Text) > maxMessage20:
			why = fmt.Sprintf("OCPP 2.0.1 carries at most %d characters", maxMessage20)
		default:
			fits = append(fits, c)
		}
	}
	if len(fits) == 0 {
		return m, why
	}
	if l.version == ocpp.V201 { // it has one text per message
		fits = fits[:1]
	}
	m.Contents = fits
	return m, ""
}

// adapter says how stations of a model are told by DataTransfer.
type adapter struct {
	ID, Org, Vendor, Model, VendorID, MessageID, Template, ClearID, ClearText string
	CreatedAt                                                                 time.Time
}

// fill puts a message into a template: {id}, {content}, {language},
// {priority}, {state}, {start}, {end}. In a template that is JSON the texts are
// escaped for it.
func fill(template string, m Message) string {
	escape := func(s string) string { return s }
	if t := strings.TrimSpace(template); strings.HasPrefix(t, "{\"") || strings.HasPrefix(t, "[") {
		escape = func(s string) string {
			text, err := json.Marshal(s)
			if err != nil {
				return ""
			}
			return string(text[1 : len(text)-1])
		}
	}
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	var c Content
	if len(m.Contents) > 0 {
		c = m.Contents[0]
	}
	return strings.NewReplacer("{id}", strconv.Itoa(m.Number), "{content}", escape(c.Text), "{language}", escape(c.Language), "{priority}", m.Priority,
		"{state}", m.State, "{start}", at(m.StartAt), "{end}", at(m.EndAt)).Replace(template)
}
