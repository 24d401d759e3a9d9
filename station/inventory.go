package station

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Draft describes a station to create.
type Draft struct {
	ID       ID
	Org      string // default: that of the site, else the caller's
	Site     string
	Name     string
	Profile  int    // least security profile: 0 to 3
	Password string // to import; empty generates one, unless Profile is 0 or 3
	Inactive bool
}

// Create adds a station, active at once unless n says otherwise. The
// generated password comes back once; it is empty when one was imported or
// none is needed. A retired id of the same organisation comes back to life
// with its history.
func (s *Service) Create(ctx context.Context, n Draft) (st Station, password string, err error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return st, "", err
	}
	if _, err := ParseID(string(n.ID)); err != nil {
		return st, "", err
	}
	if err := s.checkProfile(n.Profile); err != nil {
		return st, "", err
	}
	secret := n.Password
	switch {
	case secret != "":
		if err := CheckPassword(secret); err != nil {
			return st, "", err
		}
	case n.Profile == 1 || n.Profile == 2:
		password = NewPassword()
		secret = password
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := s.orgFor(ctx, tx, caller, n.Org, n.Site)
		if err != nil {
			return err
		}
		st = Station{
			ID: n.ID, Org: org, Site: n.Site, Name: strings.TrimSpace(n.Name), Life: Active, Profile: n.Profile, Operative: true,
			Announced: true, Heartbeat: s.d.Heartbeat, CreatedAt: tx.Now, ActivatedAt: &tx.Now, HasPassword: secret != "",
		}
		if n.Inactive {
			st.Life, st.ActivatedAt = Inactive, nil
		}
		if err := s.nameSite(tx, &st); err != nil {
			return err
		}
		var sealed string
		if secret != "" {
			sealed = s.verify.seal(n.ID, secret)
		}
		if err := s.insertOrRevive(tx, caller, &st, sealed); err != nil {
			return err
		}
		if st.Life == Active {
			if err := insertPlan(tx, &st, 0, planAll); err != nil {
				return err
			}
		}
		if err := forgetKnock(tx, st.ID.Key()); err != nil {
			return err
		}
		return s.audit(ctx, tx, &st, "station.created", map[string]identity.Change{"security_profile": {nil, n.Profile}, "active": {nil, st.Life == Active}})
	})
	return st, password, err
}

func (s *Service) checkProfile(p int) error {
	if p == 0 && !s.d.AllowProfile0 {
		return fault.New(fault.Invalid, "station.security_profile", "this installation lets no station connect without a password; start it with --allow-profile-0 to allow security profile 0").
			With("body.security_profile", "1, 2 or 3", p)
	}
	if p < 0 || p > 3 {
		return fault.New(fault.Invalid, "station.security_profile", "security profile %d cannot be required; 0 (no password), 1 (password), 2 (TLS and password) and 3 (TLS and certificate) can", p).
			With("body.security_profile", "0, 1, 2 or 3", p)
	}
	return nil
}

// nameSite copies what lists show of the site onto the station.
func (s *Service) nameSite(tx *db.Tx, st *Station) error {
	st.SiteName = ""
	if st.Site == "" {
		return nil
	}
	site, err := s.site(tx, st.Site)
	st.SiteName = site.Name
	return err
}

// insert adds the row and records the fact; fault.Conflict when the id is
// taken.
func (s *Service) insert(tx *db.Tx, st *Station, sealed string) error {
	st.Status, st.StatusSince = Summary(Port{Life: st.Life, Operative: true}, nil), tx.Now
	n, err := insertStation(tx, st, sealed)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "station.exists", "there is a charging station %q already", st.ID).With("body.id", "an id that is not taken; case does not count", string(st.ID))
	}
	if err != nil {
		return err
	}
	s.announce(tx, st.ID)
	return record(tx, st, KindCreated, changedOf(st))
}

func (s *Service) insertOrRevive(tx *db.Tx, caller identity.Caller, st *Station, sealed string) error {
	err := s.insert(tx, st, sealed)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	q, args := db.Build("SELECT "+stationColumns+" FROM charging_station WHERE key = ? AND life = ?", st.ID.Key(), string(Retired)).And(caller.Scope.Where("org")).SQL()
	if _, missing := scanStation(tx.QueryRow(q, args...)); missing != nil {
		return err
	}
	fresh := *st
	t, err := s.alter(tx, st.ID, func(t *tree) error {
		t.Org, t.Site, t.SiteName, t.Name, t.Profile = fresh.Org, fresh.Site, fresh.SiteName, fresh.Name, fresh.Profile
		t.Life, t.ActivatedAt, t.RetiredAt, t.Quarantined, t.Proven = fresh.Life, fresh.ActivatedAt, nil, nil, 0
		t.facts = append(t.facts, fact{KindCreated, changedOf(&t.Station)})
		return nil
	})
	if err != nil {
		return err
	}
	*st = t.Station
	st.HasPassword = sealed != ""
	s.announce(tx, st.ID)
	return tx.Send("UPDATE charging_station SET password = $2, password_next = '', password_shared = $3 WHERE id = $1", string(st.ID), sealed, false)
}

func (s *Service) audit(ctx context.Context, tx *db.Tx, st *Station, action string, changes map[string]identity.Change) error {
	return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(st.Org), Action: action, Subject: string(st.ID), Changes: changes})
}

// Edit is a change of what people decide about a station. Nil leaves as is.
type Edit struct {
	Name        *string
	Site        *string // empty: at no site
	Profile     *int
	Active      *bool
	Operative   *bool // our wish: false takes the whole station out of service
	Quarantined *bool // only false: the two devices were told apart
}

// Change applies an edit; history stays.
func (s *Service) Change(ctx context.Context, id ID, e Edit) (Station, error) {
	if e.Profile != nil {
		if err := s.checkProfile(*e.Profile); err != nil {
			return Station{}, err
		}
	}
	if e.Quarantined != nil && *e.Quarantined {
		return Station{}, fault.New(fault.Invalid, "station.quarantine", "a station is quarantined by the platform; you can only lift it").With("body.quarantined", "false", true)
	}
	return s.edit(ctx, id, "station.changed", func(caller identity.Caller, tx *db.Tx, t *tree) error {
		if e.Site != nil && *e.Site != t.Site {
			org, err := s.orgFor(ctx, tx, caller, "", *e.Site)
			if err != nil {
				return err
			}
			if t.Site = *e.Site; t.Site != "" {
				t.Org = org
			}
			if err := s.nameSite(tx, &t.Station); err != nil {
				return err
			}
		}
		if e.Name != nil {
			t.Name = strings.TrimSpace(*e.Name)
		}
		if e.Profile != nil {
			// An operator's word: the station may come back to this profile.
			t.Profile, t.Proven = *e.Profile, min(t.Proven, *e.Profile)
		}
		if e.Operative != nil {
			t.Operative = *e.Operative
		}
		if e.Quarantined != nil {
			t.Quarantined = nil
		}
		if e.Active != nil {
			return s.setActive(tx, t, *e.Active)
		}
		return nil
	})
}

// Activate puts a station into service: each port gets its plan (all
// features, field note 28), and a station that waits is asked to boot.
// deactivate is the opposite; both are idempotent.
func (s *Service) Activate(ctx context.Context, id ID) (Station, error) {
	return s.edit(ctx, id, "station.activated", func(_ identity.Caller, tx *db.Tx, t *tree) error { return s.setActive(tx, t, true) })
}

// Deactivate takes a station out of service: it is answered Pending.
func (s *Service) Deactivate(ctx context.Context, id ID) (Station, error) {
	return s.edit(ctx, id, "station.deactivated", func(_ identity.Caller, tx *db.Tx, t *tree) error { return s.setActive(tx, t, false) })
}

func (s *Service) setActive(tx *db.Tx, t *tree, active bool) error {
	switch {
	case active == (t.Life == Active):
		return nil
	case !active:
		t.Life, t.ActivatedAt = Inactive, nil
		t.facts = append(t.facts, fact{KindDeactivated, changedOf(&t.Station)})
		return endPlans(tx, t.ID)
	}
	t.Life, t.ActivatedAt = Active, &tx.Now
	t.facts = append(t.facts, fact{KindActivated, changedOf(&t.Station)})
	if err := insertPlan(tx, &t.Station, 0, planAll); err != nil {
		return err
	}
	for _, e := range t.EVSEs {
		t.plans = append(t.plans, e.EVSE)
	}
	return job.Enqueue(tx, job.Job{Kind: jobTriggerBoot, Key: jobTriggerBoot + ":" + string(t.ID), Org: t.Org, Payload: triggerBoot{Station: t.ID}, RunAt: tx.Now})
}

const jobTriggerBoot = "station.trigger_boot"

type triggerBoot struct{ Station ID }

// triggerBoot asks a station that waits for its activation to boot, so that
// it does not sit out its retry interval. A station that is offline boots
// when it connects.
func (s *Service) triggerBoot(ctx context.Context, j job.Job) error {
	var p triggerBoot
	if err := j.Decode(&p); err != nil {
		return err
	}
	_, err := s.d.Commander.Send(ctx, string(p.Station), &ocpp.TriggerMessageRequest{RequestedMessage: ocpp.MessageTriggerEnumBootNotification})
	var refused *ocpp.CallError
	if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Unsupported) || errors.As(err, &refused) {
		return nil // it will boot by itself
	}
	return err
}

// Retire takes a station away for good; its history stays readable. The id
// can be created again.
func (s *Service) Retire(ctx context.Context, id ID) error {
	_, err := s.edit(ctx, id, "station.retired", func(_ identity.Caller, tx *db.Tx, t *tree) error {
		if t.Life == Retired {
			return unknown(id)
		}
		t.Life, t.RetiredAt, t.ActivatedAt = Retired, &tx.Now, nil
		t.facts = append(t.facts, fact{KindRetired, changedOf(&t.Station)})
		return endPlans(tx, t.ID)
	})
	return err
}

// edit changes a station that the caller may write, with audit and fact.
func (s *Service) edit(ctx context.Context, id ID, action string, do func(caller identity.Caller, tx *db.Tx, t *tree) error) (st Station, err error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return st, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := visible(tx, caller, id); err != nil {
			return err
		}
		t, err := s.alter(tx, id, func(t *tree) error {
			if err := do(caller, tx, t); err != nil {
				return err
			}
			if len(t.facts) == 0 && t.Station != t.before {
				t.facts = append(t.facts, fact{KindChanged, changedOf(&t.Station)})
			}
			return nil
		})
		if err != nil {
			return err
		}
		st = t.Station
		if changes := differences(&t.before, &t.Station); len(changes) > 0 {
			return s.audit(ctx, tx, &st, action, changes)
		}
		return nil
	})
	return st, err
}

// visible is fault.NotFound when the caller may not know of the station.
func visible(tx *db.Tx, caller identity.Caller, id ID) error {
	q, args := db.Build("SELECT id FROM charging_station WHERE key = ?", id.Key()).And(caller.Scope.Where("org")).SQL()
	var found string
	if err := tx.QueryRow(q, args...).Scan(&found); fault.Is(err, fault.NotFound) {
		return unknown(id)
	} else {
		return err
	}
}

func differences(a, b *Station) map[string]identity.Change {
	d := map[string]identity.Change{}
	add := func(name string, before, after any) {
		if before != after {
			d[name] = identity.Change{before, after}
		}
	}
	add("name", a.Name, b.Name)
	add("site", a.Site, b.Site)
	add("organisation", a.Org, b.Org)
	add("security_profile", a.Profile, b.Profile)
	add("life", a.Life, b.Life)
	add("operative", a.Operative, b.Operative)
	add("quarantined", a.Quarantined != nil, b.Quarantined != nil)
	add("tolerate", a.Tolerate.String(), b.Tolerate.String())
	add("refuse", a.Refuse.String(), b.Refuse.String())
	return d
}

// Rotate gives the station a new password, returned once: the one given, or
// a generated one. The old password stays valid until the new one is used
// (field note 22), unless now is set.
func (s *Service) Rotate(ctx context.Context, id ID, password string, now bool) (string, error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return "", err
	}
	if password == "" {
		password = NewPassword()
	} else if err := CheckPassword(password); err != nil {
		return "", err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		if err := visible(tx, caller, id); err != nil {
			return err
		}
		var st Station
		sealed := s.verify.seal(id, password)
		query := "UPDATE charging_station SET password_next = $2, password = CASE WHEN password = '' THEN $2 ELSE password END WHERE key = $1 AND life <> $3 RETURNING id, org"
		if now {
			query = "UPDATE charging_station SET password = $2, password_next = '', password_shared = (1 = 0) WHERE key = $1 AND life <> $3 RETURNING id, org"
		}
		if err := tx.QueryRow(query, id.Key(), sealed, string(Retired)).Scan(&st.ID, &st.Org); err != nil {
			return orUnknown(err, id)
		}
		s.announce(tx, st.ID)
		return s.audit(ctx, tx, &st, "station.credentials", map[string]identity.Change{"password": {"kept", "rotated"}})
	})
	if err != nil {
		return "", err
	}
	return password, nil
}

func orUnknown(err error, id ID) error {
	if fault.Is(err, fault.NotFound) {
		return unknown(id)
	}
	return err
}

func insertStation(tx *db.Tx, s *Station, sealed string) (int64, error) {
	return tx.Exec(`INSERT INTO charging_station (id, key, org, site, site_name, name, life, profile, password, password_next, password_shared,
		vendor, model, serial, firmware, iccid, imsi, protocol, incarnation, connected, epoch, remote_addr, silent_at, heartbeat, announced,
		report, operative, status, status_since, in_use, suspect, skew, search, created_at, activated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,'',$10,'','','','','','','','',$11,0,'',0,$12,$13,'',$14,$15,$16,$11,$11,0,$17,$18,$19)
		ON CONFLICT (key) DO NOTHING`,
		string(s.ID), s.ID.Key(), s.Org, s.Site, s.SiteName, s.Name, string(s.Life), s.Profile, sealed, s.SharedSecret,
		false, int64(s.Heartbeat/time.Second), s.Announced, s.Operative, string(s.Status), db.Micros(s.StatusSince), searchText(s), db.Micros(s.CreatedAt), db.NullMicros(s.ActivatedAt))
}
