package station

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
)

// Message is one frame that went to or came from a station.
type Message struct {
	ID         int64
	At         time.Time
	Org        string
	Station    string
	Connection int64  // the epoch of the connection it went over
	Direction  string // "in" from the station, "out" to it
	Type       string // "call", "result", "error", "resulterror", "send", "unreadable"
	Action     string // of a reply: that of its call
	MessageID  string
	Payload    string // the whole frame as text
}

// MessageLog reads the frames that the gateway kept. It is declared here,
// where its routes are; Frames makes one of the gateway's log.
type MessageLog interface {
	// Spec names what Messages can be filtered and sorted by.
	Spec() db.ListSpec
	// Messages pages through the frames of one station.
	Messages(ctx context.Context, station string, req db.ListRequest) (list []Message, next string, err error)
}

// frame is Message as any package may declare it.
type frame interface {
	~struct {
		ID         int64
		At         time.Time
		Org        string
		Station    string
		Connection int64
		Direction  string
		Type       string
		Action     string
		MessageID  string
		Payload    string
	}
}

// source is a log whose frames have a type of their own.
type source[F frame] interface {
	Spec() db.ListSpec
	Messages(ctx context.Context, station string, req db.ListRequest) (list []F, next string, err error)
}

type frames[F frame] struct{ source[F] }

// Frames makes a MessageLog of the gateway's, which may not know this room.
func Frames[F frame](log source[F]) MessageLog { return frames[F]{log} }

func (f frames[F]) Messages(ctx context.Context, station string, req db.ListRequest) ([]Message, string, error) {
	list, next, err := f.source.Messages(ctx, station, req)
	out := make([]Message, len(list))
	for i, m := range list {
		out[i] = Message(m)
	}
	return out, next, err
}

// messageSpec names the columns of the log, for the document; the log itself
// applies them.
func (s *Service) messageSpec() *db.ListSpec {
	if s.d.Messages == nil {
		return &db.ListSpec{}
	}
	spec := s.d.Messages.Spec()
	return &spec
}

// ReadMessages pages through the frames of a station that the caller may
// see.
func (s *Service) ReadMessages(ctx context.Context, id ID, req db.ListRequest) (list []Message, next string, err error) {
	var st Station
	err = s.Visible(ctx, identity.StationMessage, id, func(_ *db.Tx, found Station) error { st = found; return nil })
	if err != nil || s.d.Messages == nil {
		return nil, "", err
	}
	return s.d.Messages.Messages(ctx, string(st.ID), req)
}
