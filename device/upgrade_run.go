package device

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// How often an upgrade that waits is looked at; a boot hurries it.
const (
	waitOffline    = 5 * time.Minute
	waitBusy       = time.Minute
	waitVerify     = 20 * time.Second
	waitRetry      = 5 * time.Minute // times the attempts so far
	maxAttempts    = 3
	askCertificate = 15 * time.Minute // for a certificate
	stepsAtOnce    = 8
	messageLimit   = 30 // seconds, messageTimeout of a network profile
)

// outcome is what a step came to.
type outcome struct {
	next   Step   // empty: the same again later
	reason string // why it waits or failed
	after  time.Duration
}

func failed(format string, args ...any) outcome {
	return outcome{next: StepFailed, reason: strings.TrimSpace(fmt.Sprintf(format, args...))}
}

// upgrade takes the steps of a station's upgrade until one has to wait.
func (s *Service) upgrade(ctx context.Context, j job.Job) error {
	var p upgradeJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	for range stepsAtOnce {
		more, err := s.upgradeOnce(ctx, p.Station)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *Service) upgradeOnce(ctx context.Context, stationID string) (more bool, err error) {
	var u Upgrade
	var st station.Station
	var ok, signedIn bool
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		if u, ok, err = upgradeOf(tx, stationID); err != nil || !ok {
			return err
		}
		if u.Kind == ToPassword && u.Nonce != "" {
			if signedIn, err = s.d.Stations.UsesPassword(tx, stationID, u.Nonce); err != nil {
				return err
			}
		}
		st, err = s.d.Stations.Get(tx, stationID)
		return err
	})
	if err != nil || !ok || u.finished() {
		return false, gone(err)
	}
	if st.Life == station.Retired {
		return s.advanceUpgrade(ctx, u, st, outcome{next: StepCancelled, reason: "the station was retired"})
	}
	switch what, why := u.decide(st, signedIn, s.d.DB.Now()); what {
	case succeed:
		return s.advanceUpgrade(ctx, u, st, outcome{next: StepDone})
	case expire:
		s.restorePriority(ctx, u)
		return s.advanceUpgrade(ctx, u, st, outcome{next: StepFailed, reason: why})
	case fallBack:
		return s.fellBack(ctx, u, st, why)
	case act:
		out, err := s.take(ctx, &u, st)
		if gone(err) == nil && err != nil {
			out, err = outcome{reason: "the station did not answer", after: waitBusy}, nil
		}
		if err != nil {
			return false, err
		}
		return s.advanceUpgrade(ctx, u, st, out)
	default:
		after := waitOffline
		if u.Step == StepVerify {
			after = waitVerify
		} else if st.Connected {
			after = waitBusy
		}
		return s.advanceUpgrade(ctx, u, st, outcome{reason: why, after: after})
	}
}

// advanceUpgrade stores what came of a step.
func (s *Service) advanceUpgrade(ctx context.Context, u Upgrade, st station.Station, out outcome) (more bool, err error) {
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		v := u
		if v.Reason = out.reason; out.next != "" {
			v.Step, v.StepAt, v.NextAt = out.next, tx.Now, tx.Now.Add(time.Minute)
		}
		if out.after > 0 {
			v.NextAt = tx.Now.Add(out.after)
		}
		switch v.Step {
		case StepVerify:
			if out.next != "" && (v.Kind == ToProfile || v.Options.Reset) {
				v.Deadline = tx.Now.Add(s.d.VerifyTimeout)
			}
		case StepDone, StepFailed, StepCancelled:
			v.FinishedAt = &tx.Now
		}
		ok, err := saveUpgrade(tx, v)
		if err != nil || !ok {
			more = false
			return err
		}
		more = out.next != "" && out.after == 0 && !v.finished()
		if v.Step == StepDone && v.Kind == ToProfile {
			return s.d.Stations.RaiseProfile(tx, v.Station, v.Target)
		}
		return nil
	})
	if out.next == StepFailed && err == nil {
		s.d.Log.Warn("a security upgrade failed", "org", u.Org, "station", u.Station, "kind", u.Kind, "target", u.Target, "step", u.Step, "reason", out.reason)
	}
	return more, err
}

// take does the step that is due.
func (s *Service) take(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	switch u.Step {
	case StepPassword:
		return s.bringPassword(ctx, u, st)
	case StepCertificate:
		return s.awaitCertificate(ctx, u, st)
	case StepConfigure:
		if err := s.bringRoots(ctx, u); err != nil {
			return outcome{}, err
		}
		if st.Protocol == string(ocpp.V16) {
			return s.configure16(ctx, u, st)
		}
		return s.configure(ctx, u, st)
	default:
		return s.restart(ctx, u, st)
	}
}

// bringPassword offers a password and sends it. The nonce is stored first: if
// the answer is lost, the same password goes again, and it is good whether or
// not the station took it.
func (s *Service) bringPassword(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	var password string
	err := s.d.DB.Update(ctx, func(tx *db.Tx) (err error) {
		v := *u
		if v.Nonce == "" {
			v.Nonce = id.Secret(16)
		}
		ok, err := saveUpgrade(tx, v)
		if err != nil || !ok {
			return err
		}
		if password, err = s.d.Stations.OfferPassword(tx, v.Station, v.Nonce); err == nil {
			*u = v
		}
		return err
	})
	if err != nil || password == "" {
		return outcome{after: waitBusy}, err
	}
	took, detail, err := s.set(ctx, st, passwordVariable, password) // OCPP 2.0.1 A01.FR.02
	if err != nil {
		return outcome{}, err
	}
	if taken(took) {
		u.Epoch = st.Epoch
		return outcome{next: u.after(st, StepPassword)}, nil
	}
	// OCPP 2.0.1 A01.FR.04: it keeps the old one.
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.d.Stations.WithdrawPassword(tx, u.Station, u.Nonce) })
	return failed("the station did not take a new password: %s %s", took, detail), err
}

// awaitCertificate goes on when the station has a certificate, and asks it to
// request one until then. OCPP 2.0.1 A02
func (s *Service) awaitCertificate(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	if s.d.Certified == nil {
		return outcome{next: u.after(st, StepCertificate)}, nil // the station itself checks: OCPP 2.0.1 A05.FR.03
	}
	var has bool
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		has, err = s.d.Certified(tx, u.Station)
		return err
	})
	if err != nil || has {
		return outcome{next: u.after(st, StepCertificate)}, err
	}
	now := s.d.DB.Now()
	if u.Options.AskedAt != nil && now.Sub(*u.Options.AskedAt) < askCertificate {
		return outcome{reason: "the station was asked to request a certificate", after: waitVerify}, nil
	}
	answer, err := s.d.Commander.Send(ctx, u.Station, &ocpp.TriggerMessageRequest{RequestedMessage: ocpp.MessageTriggerEnumSignChargingStationCertificate})
	if refusal(err) {
		return failed("the station cannot be asked for a certificate: %v", err), nil
	}
	if err != nil {
		return outcome{}, err
	}
	if r, ok := answer.(*ocpp.TriggerMessageResponse); ok && r.Status == ocpp.TriggerMessageStatusEnumNotImplemented {
		return failed("the station does not know how to request a certificate"), nil
	}
	u.Options.AskedAt = &now
	return outcome{reason: "the station was asked to request a certificate", after: waitVerify}, nil
}

// configure16 sets what people named, such as the maker's key for the address,
// and then the key SecurityProfile; the station reconnects by itself, or when
// it restarts.
func (s *Service) configure16(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	for _, kv := range u.Options.Configuration {
		took, _, err := s.set(ctx, st, variableNamed("OCPP16", kv.Key), kv.Value)
		if err != nil {
			return outcome{}, err
		}
		if !taken(took) {
			return failed("the station did not take %s: %s", kv.Key, took), nil
		}
	}
	took, detail, err := s.set(ctx, st, profileVariable, strconv.Itoa(u.Target))
	switch {
	case err != nil:
		return outcome{}, err
	case took == ocpp.SetVariableStatusEnumUnknownVariable:
		return failed("the station has no key SecurityProfile: set its address to %s by hand", s.d.CSMSURL(u.Target)), nil
	case !taken(took):
		return failed("the station did not take SecurityProfile %d: %s %s %s", u.Target, took, detail, u.lacking()), nil
	}
	u.Epoch = st.Epoch
	return outcome{next: u.after(st, StepConfigure)}, nil
}

// configure writes the new network profile into a free slot and puts it
// first. OCPP 2.0.1 A05, B09, B10
func (s *Service) configure(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	if u.Priority == "" {
		if out, err := s.chooseSlot(ctx, u, st); err != nil || out.next != "" {
			return out, err
		}
	}
	req := &ocpp.SetNetworkProfileRequest{ConfigurationSlot: u.Slot, ConnectionData: ocpp.NetworkConnectionProfile{
		OcppInterface: interfaceOf(u.Options, st), OcppTransport: ocpp.OCPPTransportEnumJSON, MessageTimeout: messageLimit,
		OcppCsmsURL: s.d.CSMSURL(u.Target), SecurityProfile: u.Target,
	}}
	if st.Protocol == string(ocpp.V201) {
		req.ConnectionData.OcppVersion = ocpp.OCPPVersionEnumOCPP20 // what 2.0.1 calls itself
	}
	answer, err := s.d.Commander.Send(ctx, u.Station, req)
	if refusal(err) {
		return failed("the station refused SetNetworkProfile: %v", err), nil
	}
	if err != nil {
		return outcome{}, err
	}
	if r, ok := answer.(*ocpp.SetNetworkProfileResponse); !ok || r.Status != ocpp.SetNetworkProfileStatusEnumAccepted {
		why := "no answer"
		if ok {
			why = string(r.Status) + statusReason(r.StatusInfo)
		}
		return failed("the station did not take the network profile in slot %d: %s", u.Slot, why), nil
	}
	took, detail, err := s.set(ctx, st, priorityVariable, first(u.Slot, u.Priority))
	if err != nil {
		return outcome{}, err
	}
	if !taken(took) {
		return failed("the station did not take NetworkConfigurationPriority %s: %s %s %s", first(u.Slot, u.Priority), took, detail, u.lacking()), nil
	}
	u.Epoch = st.Epoch
	return outcome{next: u.after(st, StepConfigure)}, nil
}

func statusReason(i *ocpp.StatusInfo) string {
	if i == nil {
		return ""
	}
	return " " + i.ReasonCode + " " + i.AdditionalInfo
}

// chooseSlot reads what slots the station has, and stores the choice with
// what was before, for the way back.
func (s *Service) chooseSlot(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	priority, status, err := s.read(ctx, st, priorityVariable)
	if err != nil {
		return outcome{}, err
	}
	if status != "" {
		return failed("the station does not tell its NetworkConfigurationPriority (%s)", status), nil
	}
	active, _, err := s.read(ctx, st, activeVariable)
	if err != nil {
		return outcome{}, err
	}
	var none bool
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		none = false
		known, err := variablesAt(tx, u.Station, []string{priorityVariable.Path()})
		if err != nil {
			return err
		}
		v := *u
		v.Priority, v.Slot = priority, u.Options.Slot
		if v.Slot == 0 {
			slot, ok := freeSlot(priority, known[priorityVariable.Path()].ValuesList, active)
			if none = !ok; none {
				return nil
			}
			v.Slot = slot
		}
		if v.Priority == "" {
			v.Priority = " " // none: there is nothing to go back to
		}
		if ok, err := saveUpgrade(tx, v); err != nil || !ok {
			return err
		}
		*u = v
		return nil
	})
	if none {
		return failed("the station has no free slot for a network profile beside %q", priority), nil
	}
	return outcome{}, err
}

// restart asks the station to restart; no session runs.
func (s *Service) restart(ctx context.Context, u *Upgrade, st station.Station) (outcome, error) {
	answer, err := s.d.Commander.Send(ctx, u.Station, &ocpp.ResetRequest{Type: ocpp.ResetEnumOnIdle})
	if refusal(err) {
		return failed("the station refused to restart: %v", err), nil
	}
	if err != nil {
		return outcome{}, err
	}
	if r, ok := answer.(*ocpp.ResetResponse); !ok || r.Status != ocpp.ResetStatusEnumAccepted && r.Status != ocpp.ResetStatusEnumScheduled {
		return outcome{reason: "the station does not restart now", after: waitBusy}, nil
	}
	u.Epoch = st.Epoch
	return outcome{next: StepVerify, after: waitVerify}, nil
}

// fellBack undoes what a station came back without, and tries again later or
// gives up.
func (s *Service) fellBack(ctx context.Context, u Upgrade, st station.Station, why string) (bool, error) {
	s.restorePriority(ctx, u)
	u.Attempts++
	if u.Kind == ToPassword || u.Attempts >= maxAttempts {
		return s.advanceUpgrade(ctx, u, st, outcome{next: StepFailed, reason: why})
	}
	u.Deadline = s.d.DB.Now().Add(s.d.UpgradeTimeout)
	_, err := s.advanceUpgrade(ctx, u, st, outcome{next: StepConfigure, reason: why, after: waitRetry * time.Duration(u.Attempts)})
	return false, err
}

// restorePriority puts the station's own order of network profiles back, as
// far as it is there to hear it; 1.6 has no way back and does not need one.
func (s *Service) restorePriority(ctx context.Context, u Upgrade) {
	if len(numbers(u.Priority)) == 0 {
		return
	}
	_, detail, err := s.set(ctx, station.Station{ID: station.ID(u.Station)}, priorityVariable, u.Priority)
	var refused *ocpp.CallError
	if err != nil && !errors.As(err, &refused) && gone(err) != nil {
		s.d.Log.Warn("the order of network profiles was not put back", "station", u.Station, "error", err)
	} else if detail != "" {
		s.d.Log.Info("the order of network profiles was put back", "station", u.Station, "answer", detail)
	}
}
