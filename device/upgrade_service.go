package device

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/event"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const jobUpgrade = "device.upgrade"

type upgradeJob struct{ Station string }

// MoveTo begins to bring a station to a higher security profile. It goes on
// in the background; see Upgrade.
//
// fault.Invalid: no such profile, or one that is not higher; fault.Conflict:
// another upgrade is under way, or this installation has no address for the
// profile.
func (s *Service) MoveTo(ctx context.Context, stationID string, profile int, o UpgradeOptions) (Upgrade, error) {
	if profile < 1 || profile > 3 {
		return Upgrade{}, fault.New(fault.Invalid, "device.security_profile", "a station can be moved to security profile 1, 2 or 3, not %d", profile).With("body.profile", "1, 2 or 3", profile)
	}
	if s.d.CSMSURL(profile) == "" {
		return Upgrade{}, fault.New(fault.Conflict, "device.no_door", "this installation has no address for security profile %d; see docs/operations.md, security profiles", profile)
	}
	if err := checkOptions(o); err != nil {
		return Upgrade{}, err
	}
	return s.begin(ctx, stationID, func(st station.Station) (Upgrade, error) {
		if st.Profile >= profile {
			// OCPP 2.0.1 A05, remark: never down over OCPP.
			return Upgrade{}, fault.New(fault.Invalid, "device.not_higher", "the station is at security profile %d already; a move goes up only", st.Profile).
				With("body.profile", "more than "+strconv.Itoa(st.Profile), profile)
		}
		return Upgrade{Kind: ToProfile, Target: profile, Options: o}, nil
	})
}

func checkOptions(o UpgradeOptions) error {
	if o.Interface != "" && !slices.Contains(interfaces, o.Interface) {
		return fault.New(fault.Invalid, "device.interface", "there is no network interface %q in OCPP", o.Interface).With("body.interface", "one of those named", o.Interface)
	}
	return nil
}

var interfaces = []string{"Wired0", "Wired1", "Wired2", "Wired3", "Wireless0", "Wireless1", "Wireless2", "Wireless3", "Any"}

// RotatePassword begins to give a station a new password over the air. The
// old one stays good until the station has used the new one (field note 22).
func (s *Service) RotatePassword(ctx context.Context, stationID string, reset bool) (Upgrade, error) {
	return s.begin(ctx, stationID, func(st station.Station) (Upgrade, error) {
		if st.Profile >= 3 {
			return Upgrade{}, fault.New(fault.Conflict, "device.no_password", "a station of security profile 3 has a certificate instead of a password")
		}
		return Upgrade{Kind: ToPassword, Target: st.Profile, Options: UpgradeOptions{Reset: reset}}, nil
	})
}

func (s *Service) begin(ctx context.Context, stationID string, plan func(station.Station) (Upgrade, error)) (u Upgrade, err error) {
	caller, err := identity.Require(ctx, identity.StationWrite)
	if err != nil {
		return u, err
	}
	err = s.d.Stations.Visible(ctx, identity.StationWrite, station.ID(stationID), func(_ *db.Tx, st station.Station) error {
		if st.Life == station.Retired {
			return fault.New(fault.NotFound, "station.unknown", "there is no charging station %q", stationID)
		}
		if u, err = plan(st); err != nil {
			return err
		}
		u.Station, u.Org, u.Site, u.Origin, u.Actor = string(st.ID), st.Org, st.Site, st.LinkProfile, caller.Actor()
		u.Step = u.steps(st)[0]
		return nil
	})
	if err != nil {
		return u, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		u.CreatedAt, u.StepAt, u.NextAt, u.Deadline = tx.Now, tx.Now, tx.Now.Add(time.Minute), tx.Now.Add(s.d.UpgradeTimeout)
		ok, err := insertUpgrade(tx, u)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Conflict, "device.upgrade_running", "an upgrade of this station is under way; cancel it first")
		}
		if err := s.enqueueUpgrade(tx, owner{u.Station, u.Org, u.Site}, tx.Now); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(u.Org), Action: "station.upgrade_begun", Subject: u.Station,
			Changes: map[string]identity.Change{string(u.Kind): {u.Origin, u.Target}}})
	})
	return u, err
}

// CancelUpgrade gives an upgrade up. What the station has taken already stays
// with it; nothing it had is taken away.
func (s *Service) CancelUpgrade(ctx context.Context, stationID string) error {
	var known Upgrade
	err := s.d.Stations.Visible(ctx, identity.StationWrite, station.ID(stationID), func(tx *db.Tx, st station.Station) error {
		u, ok, err := upgradeOf(tx, string(st.ID))
		if err == nil && (!ok || u.finished()) {
			err = fault.New(fault.NotFound, "device.no_upgrade", "no upgrade of this station is under way")
		}
		known = u
		return err
	})
	if err != nil {
		return err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		u := known
		u.Step, u.FinishedAt, u.Reason = StepCancelled, &tx.Now, "cancelled at step "+string(known.Step)
		ok, err := saveUpgrade(tx, u)
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "device.no_upgrade", "no upgrade of this station is under way")
		}
		if err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(u.Org), Action: "station.upgrade_cancelled", Subject: u.Station})
	})
	if err == nil {
		s.restorePriority(ctx, known)
	}
	return err
}

func (s *Service) enqueueUpgrade(tx *db.Tx, o owner, at time.Time) error {
	return job.Enqueue(tx, job.Job{Kind: jobUpgrade, Key: o.station, Org: o.org, Payload: upgradeJob{Station: o.station}, RunAt: at})
}

// upgradeAfterBoot looks at an upgrade as soon as its station is back.
func (s *Service) upgradeAfterBoot(tx *db.Tx, o owner) error {
	u, ok, err := upgradeOf(tx, o.station)
	if err != nil || !ok || u.finished() {
		return err
	}
	return s.enqueueUpgrade(tx, o, tx.Now)
}

// sweepUpgrades has those looked at that are due. A station that is offline
// and has nothing to prove is left until it boots.
func (s *Service) sweepUpgrades(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		due, err := db.Collect(tx, scanUpgrade, "SELECT "+upgradeColumns+" FROM device_upgrade WHERE finished_at IS NULL AND next_at <= $1 ORDER BY next_at LIMIT 500", db.Micros(tx.Now))
		if err != nil {
			return err
		}
		for _, u := range due {
			if err := tx.Send("UPDATE device_upgrade SET next_at = $2 WHERE station = $1", u.Station, db.Micros(tx.Now.Add(time.Minute))); err != nil {
				return err
			}
			if err := s.enqueueUpgrade(tx, owner{u.Station, u.Org, u.Site}, tx.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusedFact keeps who tried to be a station among its security events.
// OCPP 2.0.1 A00.FR.408
func (s *Service) refusedFact(tx *db.Tx, f event.Fact) error {
	var r station.Refused
	if err := f.Decode(&r); err != nil {
		return err
	}
	st, err := s.d.Stations.Get(tx, f.Station)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	kind := "InvalidChargingStationCertificate"
	if r.Reason == station.RefusedProfile {
		kind = "FailedToAuthenticateAtCsms"
	}
	return keepSecurityEvent(tx, ownerOf(st), SecurityEvent{ID: id.New[string](tx.Now), Type: kind, TechInfo: "seen by the platform: " + r.Detail + ", from " + r.RemoteAddr, At: tx.Now, ReceivedAt: tx.Now})
}

func variableNamed(component, name string) Variable {
	return Variable{Component: component, Name: name, Attribute: actual}
}

// What an upgrade reads and sets, in the words of 2.x; the 1.6 dialect has
// keys for some of it.
var (
	passwordVariable = variableNamed("SecurityCtrlr", "BasicAuthPassword")
	profileVariable  = variableNamed("SecurityCtrlr", "SecurityProfile")
	priorityVariable = variableNamed("OCPPCommCtrlr", "NetworkConfigurationPriority")
	activeVariable   = variableNamed("OCPPCommCtrlr", "ActiveNetworkProfile")
)

// taken holds for an answer to SetVariables that keeps the value.
func taken(s ocpp.SetVariableStatusEnum) bool {
	return s == ocpp.SetVariableStatusEnumAccepted || s == ocpp.SetVariableStatusEnumRebootRequired
}
