package station

import (
	"context"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Window is a time in which unknown stations of an organisation may enrol:
// they are created inactive and answered Pending (field note 3).
type Window struct {
	ID       string
	Org      string
	Site     string
	Label    string
	OpensAt  time.Time
	ClosesAt time.Time
	Max      int    // stations
	Used     int    // stations enrolled so far
	Token    bool   // the station must present the token
	sealed   string // of the token; empty without one
	Actor    string
	Created  time.Time
}

func (w Window) open(now time.Time) bool {
	return !now.Before(w.OpensAt) && now.Before(w.ClosesAt) && w.Used < w.Max
}

// admits tells whether the window takes a station that presents tokens; the
// empty list is none.
func (w Window) admits(v verifier, tokens []string, now time.Time) bool {
	if !w.open(now) {
		return false
	}
	if w.sealed == "" {
		return true
	}
	ok := false
	for _, t := range tokens {
		ok = v.forms(ID(w.ID), t).match(w.sealed) || ok
	}
	return ok
}

const (
	maxWindow         = 90 * 24 * time.Hour
	maxWindowStations = 10_000
	windowsFor        = 5 * time.Second // how long another node may not know of a new window
)

// enrol lets an unknown (or retired) station in through a window, or puts it
// on the list of those that knocked.
func (s *Service) enrol(ctx context.Context, h ocpp.Handshake, retired *card) (*card, error) {
	stranger := fault.New(fault.NotFound, "station.unknown", "there is no charging station %q here", h.Station)
	if !s.strangers.take(host(h.RemoteAddr), s.now()) {
		return nil, stranger
	}
	windows, err := s.openWindows(ctx)
	if err != nil {
		return nil, err
	}
	tokens := []string{h.EnrolmentToken}
	if h.HasPassword {
		tokens = append(tokens, h.Password)
	}
	if w := chosen(windows, s.verify, tokens, s.now()); w != nil && retired == nil {
		c, err := s.enrolThrough(ctx, *w, h)
		if c != nil || err != nil {
			return c, err
		}
	}
	reason := "unknown"
	if retired != nil {
		reason = "retired"
	}
	s.knock(h, reason, "")
	return nil, stranger
}

// chosen prefers a window whose token was presented over an open door.
func chosen(windows []Window, v verifier, tokens []string, now time.Time) *Window {
	var door *Window
	for i := range windows {
		w := &windows[i]
		if !w.admits(v, tokens, now) {
			continue
		}
		if w.sealed != "" {
			return w
		}
		if door == nil {
			door = w
		}
	}
	return door
}

func (s *Service) openWindows(ctx context.Context) (windows []Window, err error) {
	now := s.now()
	s.mu.Lock()
	windows, until := s.windows, s.windowsUntil
	s.mu.Unlock()
	if now.Before(until) {
		return windows, nil
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		windows, err = db.Collect(tx, scanWindow, "SELECT "+windowColumns+" FROM enrolment_window WHERE closes_at > $1 AND used < max_stations ORDER BY opens_at, id", db.Micros(now))
		return err
	})
	if err == nil {
		s.mu.Lock()
		s.windows, s.windowsUntil = windows, now.Add(windowsFor)
		s.mu.Unlock()
	}
	return windows, err
}

func (s *Service) forgetWindows() {
	s.mu.Lock()
	s.windowsUntil = time.Time{}
	s.mu.Unlock()
}

// enrolThrough creates the station; nil when the window filled up meanwhile.
// What it presented as password stays its password: it has no other. A token
// is shared with others, which the station's page shows until it is rotated.
func (s *Service) enrolThrough(ctx context.Context, w Window, h ocpp.Handshake) (c *card, err error) {
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		c = nil
		n, err := tx.Exec("UPDATE enrolment_window SET used = used + 1 WHERE id = $1 AND used < max_stations AND closes_at > $2 AND opens_at <= $2", w.ID, db.Micros(tx.Now))
		if err != nil || n == 0 {
			return err
		}
		st := Station{ID: ID(h.Station), Org: w.Org, Site: w.Site, Life: Inactive, Operative: true, Announced: true, Heartbeat: s.d.Heartbeat, CreatedAt: tx.Now}
		var sealed string
		if h.HasPassword && CheckPassword(h.Password) == nil {
			st.Profile, sealed = 1, s.verify.seal(st.ID, h.Password)
			st.SharedSecret = s.verify.forms(ID(w.ID), h.Password).match(w.sealed)
		}
		if err := s.nameSite(tx, &st); err != nil {
			return err
		}
		if err := s.insert(tx, &st, sealed); err != nil {
			return err
		}
		c = &card{ID: st.ID, Org: st.Org, Site: st.Site, Life: st.Life, Profile: st.Profile, Sealed: sealed}
		return forgetKnock(tx, st.ID.Key())
	})
	if fault.Is(err, fault.Conflict) { // enrolled on another node in this moment
		return s.card(ctx, h.Station)
	}
	if c != nil {
		s.d.Log.Info("a station enrolled", "station", c.ID, "org", c.Org, "window", w.ID)
	}
	return c, err
}

// OpenWindow opens an enrolment window. With withToken, the token comes back
// once; stations present it as ?token= in their URL or as Basic password.
func (s *Service) OpenWindow(ctx context.Context, w Window, withToken bool) (Window, string, error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return w, "", err
	}
	asked, token := w, ""
	if withToken {
		token = NewPassword()
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		w = asked
		org, err := s.orgFor(ctx, tx, caller, asked.Org, asked.Site)
		if err != nil {
			return err
		}
		if w.OpensAt.IsZero() {
			w.OpensAt = tx.Now
		}
		if err := checkWindow(w, tx.Now); err != nil {
			return err
		}
		w.ID, w.Org, w.Actor, w.Created, w.Used, w.Token = id.New[string](tx.Now), org, caller.Actor(), tx.Now, 0, withToken
		if withToken {
			w.sealed = s.verify.seal(ID(w.ID), token)
		}
		if err := insertWindow(tx, w); err != nil {
			return err
		}
		tx.AfterCommit(s.forgetWindows)
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(org), Action: "enrolment_window.opened", Subject: w.ID,
			Changes: map[string]identity.Change{"closes_at": {nil, w.ClosesAt}, "max_stations": {nil, w.Max}, "token": {nil, withToken}}})
	})
	return w, token, err
}

func checkWindow(w Window, now time.Time) error {
	bad := fault.New(fault.Invalid, "station.window", "this enrolment window cannot be opened")
	if !w.ClosesAt.After(w.OpensAt) || !w.ClosesAt.After(now) {
		bad.With("body.closes_at", "a time after opens_at and in the future", w.ClosesAt)
	} else if w.ClosesAt.Sub(w.OpensAt) > maxWindow {
		bad.With("body.closes_at", "at most 90 days after opens_at", w.ClosesAt)
	}
	if w.Max < 1 || w.Max > maxWindowStations {
		bad.With("body.max_stations", "between 1 and 10000", w.Max)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// CloseWindow ends an enrolment window now. Stations that enrolled stay.
func (s *Service) CloseWindow(ctx context.Context, window string) error {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return err
	}
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		q, args := db.Build("UPDATE enrolment_window SET closes_at = ? WHERE closes_at > ? AND id = ?", db.Micros(tx.Now), db.Micros(tx.Now), window).And(caller.Scope.Where("org")).SQL()
		n, err := tx.Exec(q, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "station.window_unknown", "there is no open enrolment window %q", window)
		}
		tx.AfterCommit(s.forgetWindows)
		return identity.Audit(ctx, tx, identity.Entry{Org: caller.Org, Action: "enrolment_window.closed", Subject: window})
	})
}

// orgFor decides the organisation of something new: that of the site when
// one is named, else the one asked for or the caller's.
func (s *Service) orgFor(ctx context.Context, tx *db.Tx, caller identity.Caller, org, site string) (string, error) {
	if site == "" {
		placed, err := identity.Place(ctx, tx, identity.OrgID(org))
		return string(placed), err
	}
	at, err := s.site(tx, site)
	if err == nil {
		var ok bool
		if ok, err = caller.Scope.Has(tx, identity.OrgID(at.Org)); err == nil && !ok {
			err = fault.New(fault.NotFound, "location.unknown", "")
		}
	}
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Invalid, "station.site", "there is no site %q", site).With("body.site", "the id of a site of yours", site)
	}
	if err != nil {
		return "", err
	}
	if org != "" && !strings.EqualFold(org, at.Org) {
		return "", fault.New(fault.Invalid, "station.site", "the site %q belongs to another organisation", site).With("body.site", "a site of the organisation named", site)
	}
	return at.Org, nil
}
