package device

import (
	"context"
	"errors"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

const jobFirmware = "device.firmware_send"

// firmwareJobs registers the work of firmware updates.
func (s *Service) firmwareJobs(r *job.Runner) {
	r.Handle(jobFirmware, s.sendFirmware, job.Options{MaxAttempts: 5, Timeout: 3 * time.Minute})
	r.Handle(jobAskBoot, s.askBoot, job.Options{MaxAttempts: 2, Timeout: 2 * time.Minute})
	r.Every("device.firmware", 5*time.Second, s.runUpdates)
	r.Handle(jobBundle, s.makeBundle, job.Options{MaxAttempts: 3, Timeout: 15 * time.Minute})
	r.Handle(jobDisplay, s.syncDisplay, job.Options{MaxAttempts: 5, Timeout: 5 * time.Minute})
	r.Handle(jobSpread, s.spreadMessage, job.Options{MaxAttempts: 5, Timeout: 10 * time.Minute})
	r.Every("device.display", 10*time.Minute, s.reconcileDisplays)
	r.Every("device.logs", 15*time.Second, s.stalledLogs)
}

type firmwareJob struct {
	Task string `json:"task"`
}

// runUpdates moves every update on: it lets stations begin, ends what
// stalled, and pauses or finishes whole updates. All of it is read from the
// database, so that it goes on after a restart where it was.
func (s *Service) runUpdates(ctx context.Context) error {
	if err := s.stalled(ctx); err != nil {
		return err
	}
	var open []Campaign
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		open, err = db.Collect(tx, scanCampaign, "SELECT "+campaignColumns+" FROM device_firmware_update WHERE state IN ('running','paused') ORDER BY created_at LIMIT 500")
		return err
	})
	for _, c := range open {
		if err == nil {
			err = s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.advance(tx, c) })
		}
	}
	return err
}

// advance takes one update further.
func (s *Service) advance(tx *db.Tx, c Campaign) error {
	counts, err := countsOf(tx, c.ID, c.Policy)
	if err != nil {
		return err
	}
	below, more, pause := c.Policy.gate(counts)
	switch {
	case counts.Done():
		_, err := setCampaign(tx, c.ID, finished, pause, running, paused)
		return err
	case c.State != running:
		return nil
	case pause != "":
		_, err := setCampaign(tx, c.ID, paused, pause, running)
		return err
	case more == 0:
		return nil
	}
	due, err := db.Collect(tx, scanTask, "SELECT "+taskColumns+` FROM device_firmware_task WHERE update_id = $1 AND state = 'waiting' AND next_at <= $2 AND position < $3
		ORDER BY position LIMIT $4`, c.ID, db.Micros(tx.Now), below, more)
	if err != nil {
		return err
	}
	for _, t := range due {
		if err := job.Enqueue(tx, job.Job{Kind: jobFirmware, Key: t.ID, Org: t.Org, Payload: firmwareJob{t.ID}}); err != nil {
			return err
		}
	}
	return nil
}

// stalled ends tasks that nothing was heard of.
func (s *Service) stalled(ctx context.Context) error {
	return s.d.DB.Update(ctx, func(tx *db.Tx) error {
		late, err := db.Collect(tx, scanTask, "SELECT "+taskColumns+" FROM device_firmware_task WHERE finished_at IS NULL AND deadline_at < $1 ORDER BY deadline_at LIMIT 200", db.Micros(tx.Now))
		for _, t := range late {
			if err != nil {
				return err
			}
			was := t.State
			t.stalls(tx.Now)
			err = keepTask(tx, t, was, "stalled", t.Reason)
		}
		return err
	})
}

// mission is everything that sending an update needs to know.
type mission struct {
	task     Task
	campaign Campaign
	image    Image
	station  station.Station
	now      situation
}

func (s *Service) mission(ctx context.Context, task string) (m mission, err error) {
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		if m.task, err = taskOf(tx, task); err != nil {
			return err
		}
		if m.campaign, err = campaignOf(tx, m.task.Update, db.Cond{}); err != nil {
			return err
		}
		if m.image, err = imageOf(tx, m.campaign.Image, db.Cond{}); err != nil {
			return err
		}
		if m.station, err = s.d.Stations.Get(tx, m.task.Station); err != nil {
			return err
		}
		other, found, err := openTask(tx, m.task.Station, nil)
		if err != nil {
			return err
		}
		st := m.station
		m.now = situation{Online: st.Connected, Active: st.Life == station.Active && st.Quarantined == nil, Busy: found && other.ID != m.task.ID,
			Version: st.Firmware, Protocol: st.Protocol, Vendor: st.Vendor, Model: st.Model, Zone: time.UTC, Now: tx.Now}
		if place, err := s.d.Stations.Place(tx, m.task.Station); err == nil && place.Zone != nil {
			m.now.Zone = place.Zone
		}
		m.now.Charging, err = s.charging(tx, m.task.Station)
		return err
	})
	return m, err
}

// charging tells whether a transaction runs at a station.
func (s *Service) charging(tx *db.Tx, id string) (bool, error) {
	ports, err := s.d.Stations.EVSEs(tx, id)
	for _, e := range ports {
		if e.Use != station.UseNone && e.Use != station.UseEnded {
			return true, nil
		}
	}
	return false, err
}

// sendFirmware asks a station whose turn it is, if it can be asked now.
func (s *Service) sendFirmware(ctx context.Context, j job.Job) error {
	var p firmwareJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	m, err := s.mission(ctx, p.Task)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || m.task.State != TaskWaiting && m.task.State != TaskSending || m.campaign.State != running {
		return err
	}
	v := m.campaign.Policy.judge(m.image, m.task.To, m.now)
	if v.Skip != "" || !v.Wait.IsZero() {
		return s.d.DB.Update(ctx, func(tx *db.Tx) error {
			t, was := m.task, m.task.State
			if v.Skip != "" {
				t.finish(TaskSkipped, v.Skip, tx.Now)
				return keepTask(tx, t, was, "skipped", v.Skip)
			}
			t.State, t.Reason, t.NextAt = TaskWaiting, v.Why, v.Wait
			return saveTask(tx, t)
		})
	}
	req, err := s.prepareFirmware(ctx, &m)
	if err != nil {
		return err
	}
	answer, err := s.askFirmware(ctx, m, req)
	return s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error { return s.answered(tx, m.task.ID, answer, err) })
}

// prepareFirmware notes that the station is being asked and makes the message,
// with a link of its own to the image.
func (s *Service) prepareFirmware(ctx context.Context, m *mission) (*ocpp.UpdateFirmwareRequest, error) {
	p := m.campaign.Policy
	f := ocpp.Firmware{Location: m.image.URL, Signature: m.image.Signature, SigningCertificate: m.image.Certificate}
	err := s.d.DB.Update(ctx, func(tx *db.Tx) error {
		t, err := taskOf(tx, m.task.ID)
		if err != nil {
			return err
		}
		if t.State != TaskWaiting && t.State != TaskSending {
			return job.Stop(fault.New(fault.Conflict, "device.task", "the update was ended meanwhile"))
		}
		if m.image.File != "" {
			f.Location, err = s.d.Files.Link(tx, file.Link{File: m.image.File, Uses: 3 + p.Retries, ExpiresAt: tx.Now.Add(linkFor(p, tx.Now)), Login: p.Login, Plain: m.station.Profile < 2})
			if err != nil {
				return err
			}
		}
		f.RetrieveDateTime = ocpp.AtTime(tx.Now)
		deadline := tx.Now.Add(p.stall())
		t.State, t.Reason, t.Request, t.From, t.SentAt, t.DeadlineAt, t.Attempts = TaskSending, "", reportID(tx.Now), m.station.Firmware, &tx.Now, &deadline, t.Attempts+1
		m.task = t
		return keepTask(tx, t, t.State, "asked", "")
	})
	if err != nil {
		return nil, err
	}
	if p.InstallAt != nil && p.InstallAt.After(m.now.Now) && (m.station.Protocol != string(ocpp.V16) || m.image.Signed()) {
		at := ocpp.AtTime(*p.InstallAt)
		f.InstallDateTime = &at
	}
	req := &ocpp.UpdateFirmwareRequest{RequestID: int(m.task.Request), Firmware: f}
	if p.Retries > 0 {
		req.Retries = &p.Retries
	}
	if p.RetryInterval > 0 {
		req.RetryInterval = &p.RetryInterval
	}
	return req, nil
}

// linkFor is how long a station may fetch the image: stations download when
// they find the time.
func linkFor(p Policy, now time.Time) time.Duration {
	d := max(24*time.Hour, 2*p.stall())
	if p.InstallAt != nil && p.InstallAt.After(now) {
		d += p.InstallAt.Sub(now)
	}
	return d
}

// askFirmware sends the message. A station that knows no signed updates gets
// an unsigned one, unless that is not wanted.
func (s *Service) askFirmware(ctx context.Context, m mission, req *ocpp.UpdateFirmwareRequest) (ocpp.Response, error) {
	answer, err := s.d.Commander.Send(ctx, m.task.Station, req)
	if !m.image.Signed() || !lacks(err) || m.campaign.Policy.OnlySigned || req.Firmware.InstallDateTime != nil && m.station.Protocol == string(ocpp.V16) {
		return answer, err
	}
	plain := *req
	plain.Firmware.Signature, plain.Firmware.SigningCertificate = "", ""
	return s.d.Commander.Send(ctx, m.task.Station, &plain)
}

// lacks holds when a station does not know a message.
func lacks(err error) bool {
	var refused *ocpp.CallError
	if errors.As(err, &refused) {
		return refused.Code == ocpp.CodeNotImplemented || refused.Code == ocpp.CodeNotSupported
	}
	return fault.Is(err, fault.Unsupported)
}

const (
	maxAsks  = 5
	askAgain = time.Minute
)

// answered takes the station's answer to being asked.
func (s *Service) answered(tx *db.Tx, task string, answer ocpp.Response, failure error) error {
	t, err := taskOf(tx, task)
	if err != nil || t.State != TaskSending {
		return err // its first status overtook the answer, or it was cancelled
	}
	was := t.State
	if failure != nil {
		if gone(failure) == nil && t.Attempts < maxAsks { // it left, or is too slow
			t.State, t.Reason, t.NextAt, t.DeadlineAt = TaskWaiting, reasonOf(failure), tx.Now.Add(askAgain*time.Duration(t.Attempts)), nil
			return keepTask(tx, t, was, "no answer", t.Reason)
		}
		t.fail(reasonOf(failure), tx.Now)
		return keepTask(tx, t, was, "refused", t.Reason)
	}
	r, ok := answer.(*ocpp.UpdateFirmwareResponse)
	if !ok {
		t.fail("the station's answer cannot be read", tx.Now)
		return keepTask(tx, t, was, "refused", t.Reason)
	}
	switch r.Status {
	case ocpp.UpdateFirmwareStatusEnumAccepted, ocpp.UpdateFirmwareStatusEnumAcceptedCanceled: // OCPP 2.0.1 L01.FR.24
		t.State = TaskRequested
	case ocpp.UpdateFirmwareStatusEnumInvalidCertificate:
		t.fail("the station does not accept the signing certificate: "+string(r.Status), tx.Now) // OCPP 2.0.1 L01.FR.22
	case ocpp.UpdateFirmwareStatusEnumRevokedCertificate:
		t.fail("the signing certificate was revoked: "+string(r.Status), tx.Now)
	default:
		t.fail("the station refused: "+string(r.Status), tx.Now)
	}
	return keepTask(tx, t, was, string(r.Status), infoText(r.StatusInfo))
}

func infoText(i *ocpp.StatusInfo) string {
	if i == nil {
		return ""
	}
	return or(i.ReasonCode, "") + map[bool]string{true: ": ", false: ""}[i.ReasonCode != "" && i.AdditionalInfo != ""] + i.AdditionalInfo
}

// reasonOf says for people why a message failed.
func reasonOf(err error) string {
	var refused *ocpp.CallError
	switch {
	case errors.As(err, &refused) && refused.Description != "":
		return "the station answered with the error " + refused.Code + ": " + refused.Description
	case errors.As(err, &refused):
		return "the station answered with the error " + refused.Code
	case fault.Of(err) != nil && !fault.Is(err, fault.Internal):
		return fault.Of(err).Message
	case errors.Is(err, context.DeadlineExceeded):
		return "the station did not answer in time"
	}
	return "the message could not be sent"
}

// hearsFirmware brings a status of a station to its update. 1.6 names no
// request: then it is of the one that is open.
func (s *Service) hearsFirmware(tx *db.Tx, o owner, r *ocpp.FirmwareStatusNotificationRequest) error {
	t, found, err := openTask(tx, o.station, wide(r.RequestID))
	if err == nil && !found && wide(r.RequestID) == nil {
		t, found, err = latestTask(tx, o.station) // a failure that is tried again
	}
	if err != nil || !found {
		return err
	}
	was, detail := t.State, infoText(r.StatusInfo)
	more := detail
	if more != "" {
		more = ": " + more
	}
	if !t.hears(r.Status, more, tx.Now) {
		return nil
	}
	if t.State.Open() {
		if err := s.extend(tx, &t); err != nil {
			return err
		}
	}
	return keepTask(tx, t, was, string(r.Status), detail)
}

// extend gives a task time until its next sign of life. A station that has
// installed should boot soon.
func (s *Service) extend(tx *db.Tx, t *Task) error {
	c, err := campaignOf(tx, t.Update, db.Cond{})
	if err != nil {
		return err
	}
	deadline := tx.Now.Add(c.Policy.stall())
	if at := c.Policy.InstallAt; at != nil && at.After(tx.Now) {
		deadline = at.Add(c.Policy.stall())
	}
	if t.State == TaskInstalled {
		deadline = tx.Now.Add(s.d.VerifyWithin)
		err = job.Enqueue(tx, job.Job{Kind: jobAskBoot, Key: t.ID, Org: t.Org, Payload: firmwareJob{t.ID}, RunAt: tx.Now.Add(s.d.VerifyWithin / 2)})
	}
	t.DeadlineAt = &deadline
	return err
}

const jobAskBoot = "device.firmware_ask_boot"

// askBoot asks a station that said Installed for its version: not every
// station restarts. One that cannot tell is asked for a boot notification.
func (s *Service) askBoot(ctx context.Context, j job.Job) error {
	var p firmwareJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	var t Task
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) { t, err = taskOf(tx, p.Task); return err })
	if err != nil || t.State != TaskInstalled {
		if fault.Is(err, fault.NotFound) {
			err = nil
		}
		return err
	}
	st := station.Station{ID: station.ID(t.Station)}
	version, status, err := s.read(ctx, st, Variable{Component: "ChargingStation", Name: "FirmwareVersion", Attribute: actual})
	if err != nil {
		return gone(err)
	}
	if status == "" && sameVersion(version, t.To) {
		return s.d.DB.Update(ctx, func(tx *db.Tx) error { return s.bootsFirmware(tx, owner{station: t.Station}, version) })
	}
	_, err = s.d.Commander.Send(ctx, t.Station, &ocpp.TriggerMessageRequest{RequestedMessage: ocpp.MessageTriggerEnumBootNotification})
	if refusal(err) {
		return nil
	}
	return gone(err)
}

// bootsFirmware takes a boot into account: it proves an update or not, and
// wakes those that wait for the station.
func (s *Service) bootsFirmware(tx *db.Tx, o owner, version string) error {
	t, found, err := latestTask(tx, o.station)
	if err != nil {
		return err
	}
	if was := t.State; found && t.boots(version, tx.Now) {
		if err := keepTask(tx, t, was, "booted", "with version "+version); err != nil {
			return err
		}
	}
	return tx.Send("UPDATE device_firmware_task SET next_at = $2 WHERE station = $1 AND state = 'waiting' AND next_at > $2", o.station, db.Micros(tx.Now.Add(s.d.SyncAfterBoot)))
}

// eventFirmware ends an update whose image the station found unfit.
func (s *Service) eventFirmware(tx *db.Tx, o owner, kind, info string) error {
	why, ends := securityFailures[kind]
	if !ends {
		return nil
	}
	t, found, err := openTask(tx, o.station, nil)
	if err != nil || !found {
		return err
	}
	was := t.State
	t.fail(why, tx.Now)
	return keepTask(tx, t, was, kind, info)
}
