package device

import (
	"context"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

type upgradeBody struct {
	Station    string      `json:"station_id"`
	Kind       UpgradeKind `json:"kind" enum:"profile,password"`
	From       int         `json:"from" doc:"Security profile of the connection when it began"`
	Target     int         `json:"target"`
	Step       Step        `json:"step" enum:"password,certificate,configure,restart,verify,done,failed,cancelled"`
	Reason     string      `json:"reason,omitempty" doc:"Why it waits, or failed"`
	Attempts   int         `json:"attempts,omitempty" doc:"Times the station came back as it was"`
	Slot       int         `json:"slot,omitempty" doc:"configurationSlot of the new network profile (2.x)"`
	CreatedAt  time.Time   `json:"created_at"`
	StepSince  time.Time   `json:"step_since"`
	Deadline   *time.Time  `json:"deadline,omitempty" doc:"When it is given up"`
	FinishedAt *time.Time  `json:"finished_at,omitempty"`
}

func upgradeBodyOf(u Upgrade) upgradeBody {
	b := upgradeBody{Station: u.Station, Kind: u.Kind, From: u.Origin, Target: u.Target, Step: u.Step, Reason: u.Reason, Attempts: u.Attempts, Slot: u.Slot,
		CreatedAt: u.CreatedAt.UTC(), StepSince: u.StepAt.UTC(), FinishedAt: utc(u.FinishedAt)}
	if !u.finished() {
		b.Deadline = utc(&u.Deadline)
	}
	return b
}

// moveBody says where stations are to go, and what the platform cannot know.
type moveBody struct {
	Profile       int        `json:"profile" minimum:"1" maximum:"3" doc:"1 password, 2 TLS and password, 3 TLS and certificate"`
	Interface     string     `json:"interface,omitempty" doc:"2.x: OCPPInterfaceEnum of the new network profile; default: Any in 2.1, Wireless0 with a SIM card, else Wired0"`
	Slot          int        `json:"slot,omitempty" minimum:"0" maximum:"1000" doc:"2.x: configurationSlot to use; default: a free one"`
	Configuration []KeyValue `json:"configuration,omitempty" maxItems:"20" doc:"1.6: keys to set before SecurityProfile, such as the maker's own for the address of the platform"`
	NewPassword   bool       `json:"rotate_password,omitempty" doc:"Bring a new password too; one that it lacks is brought in any case"`
}

func (b moveBody) options() UpgradeOptions {
	return UpgradeOptions{Interface: b.Interface, Slot: b.Slot, Configuration: b.Configuration, NewPassword: b.NewPassword}
}

type moveInput struct {
	ID   string `path:"id"`
	Body moveBody
}

type rotateInput struct {
	ID   string `path:"id"`
	Body struct {
		Reset bool `json:"reset,omitempty" doc:"Restart the station, once no session runs, so that it uses the new password at once"`
	}
}

type upgradeOutput struct{ Body upgradeBody }

type securityStateOutput struct {
	Body struct {
		Profile   int          `json:"security_profile" doc:"The least that may connect"`
		Proven    int          `json:"proven_profile" doc:"The highest it connected with, if TLS"`
		Connected int          `json:"connected_profile" doc:"Of the last connection"`
		Online    bool         `json:"online"`
		Upgrade   *upgradeBody `json:"upgrade,omitempty" doc:"The last move or change of password"`
	}
}

type manyInput struct {
	Body struct {
		Stations []string  `json:"stations" minItems:"1" maxItems:"1000" doc:"Ids of stations"`
		Move     *moveBody `json:"move,omitempty" doc:"Move them to another security profile"`
		Rotate   bool      `json:"rotate,omitempty" doc:"Give each a new password instead"`
		Reset    bool      `json:"reset,omitempty" doc:"With rotate: restart them too"`
	}
}

type begunBody struct {
	Station string `json:"station_id"`
	Begun   bool   `json:"begun"`
	Code    string `json:"code,omitempty" doc:"Why not"`
	Reason  string `json:"reason,omitempty"`
}

type manyOutput struct {
	Body struct {
		Items []begunBody `json:"items" nullable:"false"`
	}
}

type upgradesInput struct{ web.ListInput }

func (s *Service) upgradeRoutes(a *web.API) {
	accepted := func(o web.Op) web.Op { o.Status = http.StatusAccepted; return o }
	one := "/charging-stations/{id}/security-profile"
	move := accepted(op(http.MethodPost, one, identity.StationWrite, "Move a station to a higher security profile"))
	move.Description = "Goes on in the background: prerequisites, network profile or SecurityProfile, restart once no session runs, check that it came back. The old profile is good until then."
	web.Handle(a, move, func(ctx context.Context, in *moveInput) (*upgradeOutput, error) {
		u, err := s.MoveTo(ctx, in.ID, in.Body.Profile, in.Body.options())
		return &upgradeOutput{upgradeBodyOf(u)}, err
	})
	web.Handle(a, op(http.MethodGet, one, identity.StationRead, "Read the security profile of a station and how its last move stands"), s.getSecurity)
	web.Handle(a, op(http.MethodDelete, one, identity.StationWrite, "Cancel a move, or a change of password, that is under way"),
		func(ctx context.Context, in *idInput) (*struct{}, error) { return nil, s.CancelUpgrade(ctx, in.ID) })
	web.Handle(a, accepted(op(http.MethodPost, "/charging-stations/{id}/credentials/rotate", identity.StationWrite, "Give a station a new password over the air; nobody sees it")),
		func(ctx context.Context, in *rotateInput) (*upgradeOutput, error) {
			u, err := s.RotatePassword(ctx, in.ID, in.Body.Reset)
			return &upgradeOutput{upgradeBodyOf(u)}, err
		})
	web.Handle(a, accepted(op(http.MethodPost, "/security-upgrades", identity.StationWrite, "Move many stations, or give them new passwords; each on its own")), s.postUpgrades)
	list := op(http.MethodGet, "/security-upgrades", identity.StationRead, "List the last move or change of password of each station")
	list.List = &upgradeSpec
	web.Handle(a, list, s.listUpgrades)
}

func (s *Service) getSecurity(ctx context.Context, in *idInput) (*securityStateOutput, error) {
	out := &securityStateOutput{}
	err := s.d.Stations.Visible(ctx, identity.StationRead, station.ID(in.ID), func(tx *db.Tx, st station.Station) error {
		b := &out.Body
		b.Profile, b.Proven, b.Connected, b.Online = st.Profile, st.Proven, st.LinkProfile, st.Connected
		u, ok, err := upgradeOf(tx, string(st.ID))
		if ok {
			body := upgradeBodyOf(u)
			b.Upgrade = &body
		}
		return err
	})
	return out, err
}

func (s *Service) postUpgrades(ctx context.Context, in *manyInput) (*manyOutput, error) {
	b := in.Body
	if (b.Move != nil) == b.Rotate {
		return nil, fault.New(fault.Invalid, "device.upgrades", "say either move or rotate").With("body.move", "one of the two", nil)
	}
	out := &manyOutput{}
	for _, one := range b.Stations {
		var err error
		if b.Rotate {
			_, err = s.RotatePassword(ctx, one, b.Reset)
		} else {
			_, err = s.MoveTo(ctx, one, b.Move.Profile, b.Move.options())
		}
		item := begunBody{Station: one, Begun: err == nil}
		if k := fault.KindOf(err); err != nil && (k == fault.Internal || k == fault.Unavailable || k == fault.Forbidden) {
			return nil, err
		} else if e := fault.Of(err); e != nil {
			item.Code, item.Reason = e.Code, e.Message
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

func (s *Service) listUpgrades(ctx context.Context, in *upgradesInput) (*web.ListOutput[upgradeBody], error) {
	caller, err := identity.Require(ctx, identity.StationRead)
	if err != nil {
		return nil, err
	}
	req, err := in.Request()
	if err != nil {
		return nil, err
	}
	var rows []Upgrade
	var next string
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		rows, next, err = db.List(tx, upgradeSpec, []db.Cond{caller.Scope.Where("org")}, req, scanUpgrade)
		return err
	})
	if err != nil {
		return nil, err
	}
	items := make([]upgradeBody, len(rows))
	for i, u := range rows {
		items[i] = upgradeBodyOf(u)
	}
	return web.NewList(items, next), nil
}
