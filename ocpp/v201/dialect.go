package v201

import "github.com/forecourt-ev/forecourt/ocpp"

// Dialect speaks OCPP 2.0.1. It satisfies gateway.Dialect.
type Dialect struct{ ocpp.Translator }

// New makes the dialect; it has no state.
func New() *Dialect {
	return &Dialect{ocpp.Translator{OCPP: ocpp.V201, Messages: Messages, Up: toNeutral, Down: down}}
}

// down gives a neutral message as 2.0.1 has it. What rooms answer may hold
// tokens and messages that only 2.1 has: an answer that says Accepted must not
// be lost over the group of its token.
func down(message any, c *ocpp.Check) any {
	switch m := message.(type) {
	case *ocpp.AuthorizeResponse:
		out := *m
		out.IdTokenInfo = tellable(out.IdTokenInfo)
		message = &out
	case *ocpp.TransactionEventResponse:
		out := *m
		if m.IdTokenInfo != nil {
			info := tellable(*m.IdTokenInfo)
			out.IdTokenInfo = &info
		}
		out.UpdatedPersonalMessage = showable(m.UpdatedPersonalMessage)
		message = &out
	}
	return fromNeutral(message, c)
}

// maxIdToken is the length of IdTokenType.idToken in OCPP 2.0.1.
const maxIdToken = 36

// showable gives a message to the driver that a 2.0.1 display can show; nil
// for one of a format that came later, like a QR code.
func showable(m *ocpp.MessageContent) *ocpp.MessageContent {
	if m == nil || !MessageFormatEnum(m.Format).Valid() {
		return nil
	}
	return m
}

// tellable gives the info with a group and a message that 2.0.1 can carry. The
// group's type is that of a token of the platform when 2.0.1 does not know it;
// a group that is too long is left out, which lets its other tokens do less,
// never more.
func tellable(info ocpp.IdTokenInfo) ocpp.IdTokenInfo {
	info.PersonalMessage = showable(info.PersonalMessage)
	if info.GroupIdToken == nil {
		return info
	}
	group := *info.GroupIdToken
	info.GroupIdToken = nil
	if len([]rune(group.IdToken)) > maxIdToken {
		return info
	}
	if !IdTokenEnum(group.Type).Valid() {
		group.Type = string(IdTokenEnumCentral)
	}
	info.GroupIdToken = &group
	return info
}
