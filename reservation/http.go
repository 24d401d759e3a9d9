package reservation

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

var listSpec = db.ListSpec{
	Base: "SELECT " + columns + " FROM reservation WHERE 1=1", Default: "-created_at", Key: "id",
	Fields: []db.Field{
		{Name: "id", Column: "id", Kind: db.Text, Filter: true},
		{Name: "station_id", Column: "station", Kind: db.Text, Sort: true, Filter: true},
		{Name: "site", Column: "site", Kind: db.Text, Filter: true},
		{Name: "organisation", Column: "org", Kind: db.Text, Filter: true},
		{Name: "evse_id", Column: "evse", Kind: db.Int, Sort: true, Filter: true},
		{Name: "id_token", Column: "token", Kind: db.Text, Sort: true, Filter: true},
		{Name: "status", Column: "state", Kind: db.Enum, Sort: true, Filter: true, Allowed: allowed()},
		{Name: "created_at", Column: "created_at", Kind: db.Instant, Sort: true, Filter: true},
		{Name: "expires_at", Column: "expires_at", Kind: db.Instant, Sort: true, Filter: true},
	},
}

func allowed() (out []string) {
	for _, s := range States() {
		out = append(out, string(s))
	}
	return out
}

type body struct {
	ID            ID         `json:"id"`
	Organisation  string     `json:"organisation"`
	Site          string     `json:"site,omitempty"`
	Station       string     `json:"station_id"`
	EVSE          int        `json:"evse_id" doc:"0: any of the station"`
	ConnectorType string     `json:"connector_type,omitempty"`
	Number        int        `json:"number" doc:"The station's name for it (reservationId)"`
	Token         string     `json:"id_token"`
	TokenType     string     `json:"type"`
	Group         string     `json:"group,omitempty" doc:"Other tokens of this group may use it too"`
	State         State      `json:"status" enum:"requested,active,used,cancelled,expired,rejected"`
	Reason        string     `json:"reason,omitempty"`
	KeptBy        Keeper     `json:"kept_by" enum:"station,platform" doc:"platform: the station has no reservations; others are refused when they ask"`
	AtStation     bool       `json:"at_station" doc:"The station may still hold it"`
	Session       string     `json:"session,omitempty" doc:"that used it"`
	Actor         string     `json:"actor"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     time.Time  `json:"expires_at"`
	EndedAt       *time.Time `json:"ended_at,omitempty"`
}

func bodyOf(r Reservation) body {
	return body{ID: r.ID, Organisation: r.Org, Site: r.Site, Station: r.Station, EVSE: r.EVSE, ConnectorType: r.ConnectorType, Number: r.Number,
		Token: r.Token, TokenType: r.TokenType, Group: r.Group, State: r.State, Reason: r.Reason, KeptBy: r.KeptBy, AtStation: r.AtStation,
		Session: r.Session, Actor: r.Actor, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, EndedAt: r.EndedAt}
}

type (
	listInput struct{ web.ListInput }
	idInput   struct {
		ID string `path:"id"`
	}
	output     struct{ Body body }
	draftInput struct {
		Body struct {
			Station       string    `json:"station_id" minLength:"1" maxLength:"48"`
			EVSE          int       `json:"evse_id,omitempty" minimum:"0" maximum:"255" doc:"Default 0: any EVSE of the station"`
			ConnectorType string    `json:"connector_type,omitempty" maxLength:"20" doc:"OCPP 2.x, such as cCCS2"`
			Token         string    `json:"id_token" minLength:"1" maxLength:"255"`
			TokenType     string    `json:"type,omitempty" maxLength:"20" doc:"Default ISO14443"`
			ExpiresAt     time.Time `json:"expires_at"`
		}
	}
)

func answer(r Reservation, err error) (*output, error) {
	if err != nil {
		return nil, err
	}
	return &output{Body: bodyOf(r)}, nil
}

// Routes registers the room's routes.
func (s *Service) Routes(a *web.API) {
	op := func(method, path, permission, summary string) web.Op {
		return web.Op{Method: method, Path: path, Room: "reservation", Permission: permission, Summary: summary, Tags: []string{"reservations"}}
	}
	list := op(http.MethodGet, "/reservations", identity.ReservationRead, "List reservations")
	list.List = &listSpec
	web.Handle(a, list, func(ctx context.Context, in *listInput) (*web.ListOutput[body], error) {
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		all, next, err := s.List(ctx, req)
		if err != nil {
			return nil, err
		}
		items := make([]body, len(all))
		for i, r := range all {
			items[i] = bodyOf(r)
		}
		return web.NewList(items, next), nil
	})
	create := op(http.MethodPost, "/reservations", identity.ReservationWrite, "Reserve an EVSE for a token")
	create.Description = "The station is asked at once; status says what it answered (active or rejected with its reason). A station without reservations leaves it to the platform (kept_by)."
	create.Status = http.StatusCreated
	web.Handle(a, create, func(ctx context.Context, in *draftInput) (*output, error) {
		b := in.Body
		return answer(s.Reserve(ctx, Draft{Station: b.Station, EVSE: b.EVSE, ConnectorType: b.ConnectorType, Token: b.Token, TokenType: b.TokenType, Until: b.ExpiresAt}))
	})
	web.Handle(a, op(http.MethodGet, "/reservations/{id}", identity.ReservationRead, "Read a reservation"), func(ctx context.Context, in *idInput) (*output, error) {
		return answer(s.Read(ctx, ID(in.ID)))
	})
	cancel := op(http.MethodPost, "/reservations/{id}/cancel", identity.ReservationWrite, "Cancel a reservation")
	cancel.Description = "A station that cannot be reached is told as soon as it can."
	web.Handle(a, cancel, func(ctx context.Context, in *idInput) (*output, error) {
		return answer(s.Cancel(ctx, ID(in.ID)))
	})
}
