package device

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

func TestPatternsAndVersions(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "x", true}, {"*", "", true}, {"Alder*", "ALDER Electric", true}, {"*duo", "Kerb Duo", true}, {"k*d*o", "Kerb Duo", true},
		{"kerb", "kerb duo", false}, {"a*a", "a", false}, {"*x*", "kerb", false},
	} {
		if matches(c.pattern, c.s) != c.want {
			t.Errorf("%q against %q: not %v", c.pattern, c.s, c.want)
		}
	}
	if !sameVersion(" V1.2", "1.2") || sameVersion("1.2", "1.20") || sameVersion("vendor", "endor") {
		t.Error("versions are compared wrongly")
	}
}

// The states a station tells, and what its boot shows, in each order that
// versions and makers have.
func TestFirmwareStates(t *testing.T) {
	for name, c := range map[string]struct {
		story string // statuses, or +version for a boot
		want  TaskState
		why   string
	}{
		"2.x":                        {"Downloading Downloaded SignatureVerified Installing InstallRebooting +2.0 Installed", TaskVerified, ""},
		"1.6":                        {"Downloading Downloaded Installing Installed +2.0", TaskVerified, ""},
		"1.6 silent":                 {"+2.0", TaskVerified, ""},
		"unchanged":                  {"Downloading Downloaded Installing Installed +1.0", TaskFailed, "did not change"},
		"unchanged after a restart":  {"Downloaded InstallRebooting +1.0 Installed", TaskFailed, "did not change"},
		"restarts to install":        {"Downloaded InstallRebooting +1.0 Installing +2.0 Installed", TaskVerified, ""},
		"restart in between":         {"Downloading +1.0 Downloading Downloaded", TaskDownloaded, ""},
		"another version":            {"Installing +3.0", TaskFailed, "3.0, not 2.0"},
		"cannot download":            {"Downloading DownloadFailed", TaskFailed, "download"},
		"tries again":                {"Downloading DownloadFailed Downloading Downloaded Installing +2.0", TaskVerified, ""},
		"bad signature":              {"Downloaded InvalidSignature", TaskFailed, "signature"},
		"damaged":                    {"Installing InstallVerificationFailed", TaskFailed, "damaged"},
		"scheduled and paused":       {"DownloadScheduled DownloadPaused Downloaded InstallScheduled", TaskInstalling, ""},
		"idle says nothing":          {"Downloading Idle", TaskDownloading, ""},
		"restart before scheduled":   {"Downloaded InstallScheduled +1.0", TaskInstalling, ""},
		"a failure after it is done": {"Installing +2.0 InstallationFailed", TaskVerified, ""},
	} {
		task := Task{State: TaskRequested, From: "1.0", To: "2.0"}
		for _, word := range strings.Fields(c.story) {
			if version, boot := strings.CutPrefix(word, "+"); boot {
				task.boots(version, t0)
			} else {
				task.hears(ocpp.FirmwareStatusEnum(word), "", t0)
			}
		}
		if task.State != c.want || !strings.Contains(task.Reason, c.why) || task.State.Final() != (task.FinishedAt != nil) {
			t.Errorf("%s: %s %q, want %s %q", name, task.State, task.Reason, c.want, c.why)
		}
	}
}

// Whatever a station tells: a final task has an end, an open one none, and one
// that was verified stays so.
func TestFirmwareStatesHold(t *testing.T) {
	var words []ocpp.FirmwareStatusEnum
	for w := range progress {
		words = append(words, w)
	}
	rapid.Check(t, func(t *rapid.T) {
		task := Task{State: TaskRequested, From: "1.0", To: "2.0"}
		verified := false
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "boot") == 0 {
				task.boots(rapid.SampledFrom([]string{"1.0", "2.0", "3.0", ""}).Draw(t, "version"), t0)
			} else {
				task.hears(rapid.SampledFrom(words).Draw(t, "status"), "", t0)
			}
			if task.State.Final() != (task.FinishedAt != nil) {
				t.Fatalf("%s ended at %v", task.State, task.FinishedAt)
			}
			if verified && task.State != TaskVerified {
				t.Fatalf("verified became %s", task.State)
			}
			verified = task.State == TaskVerified
		}
	})
}

func TestWhenStationsAreAsked(t *testing.T) {
	at := func(d time.Duration) *time.Time { v := t0.Add(d); return &v }
	berlin, err := time.LoadLocation("Europe/Berlin") // 13:00 there
	if err != nil {
		t.Fatal(err)
	}
	ready := situation{Online: true, Active: true, Version: "1.0", Protocol: "2.0.1", Vendor: "Acme", Model: "One", Zone: berlin, Now: t0}
	with := func(change func(s *situation)) situation { s := ready; change(&s); return s }
	for name, c := range map[string]struct {
		p    Policy
		s    situation
		i    Image
		wait time.Duration
		skip string
	}{
		"ready":             {Policy{}, ready, Image{}, 0, ""},
		"offline":           {Policy{}, with(func(s *situation) { s.Online = false }), Image{}, offlineAgain, ""},
		"charging waits":    {Policy{}, with(func(s *situation) { s.Charging = true }), Image{}, chargingAgain, ""},
		"charging skips":    {Policy{WhenCharging: ChargingSkip}, with(func(s *situation) { s.Charging = true }), Image{}, 0, "charges"},
		"charging forced":   {Policy{WhenCharging: ChargingForce}, with(func(s *situation) { s.Charging = true }), Image{}, 0, ""},
		"not yet":           {Policy{NotBefore: at(time.Hour)}, ready, Image{}, time.Hour, ""},
		"too late":          {Policy{NotAfter: at(0)}, ready, Image{}, 0, "over"},
		"at night":          {Policy{From: "22:00", To: "05:00"}, ready, Image{}, 9 * time.Hour, ""},
		"within the hours":  {Policy{From: "12:30", To: "13:30"}, ready, Image{}, 0, ""},
		"after the hours":   {Policy{From: "08:00", To: "09:00"}, ready, Image{}, 19 * time.Hour, ""},
		"has it":            {Policy{}, with(func(s *situation) { s.Version = "2.0" }), Image{}, 0, "already"},
		"has it, again":     {Policy{Reinstall: true}, with(func(s *situation) { s.Version = "2.0" }), Image{}, 0, ""},
		"another model":     {Policy{}, ready, Image{Model: "Two"}, 0, "for any vendor Two"},
		"busy":              {Policy{}, with(func(s *situation) { s.Busy = true }), Image{}, busyAgain, ""},
		"inactive":          {Policy{}, with(func(s *situation) { s.Active = false }), Image{}, 0, "not active"},
		"1.6 installs then": {Policy{InstallAt: at(time.Hour)}, with(func(s *situation) { s.Protocol = "1.6" }), Image{}, time.Hour, ""},
		"2.x is told when":  {Policy{InstallAt: at(time.Hour)}, ready, Image{}, 0, ""},
	} {
		v := c.p.judge(c.i, "2.0", c.s)
		if want := t0.Add(c.wait); c.wait == 0 && !v.Wait.IsZero() || c.wait != 0 && !v.Wait.Equal(want) || (c.skip == "") != (v.Skip == "") || !strings.Contains(v.Skip, c.skip) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestCanariesAndFailureRate(t *testing.T) {
	for name, c := range map[string]struct {
		p           Policy
		c           Counts
		below, more int64
		pauses      bool
	}{
		"all at once":          {Policy{}, Counts{Total: 10, Waiting: 10}, 10, atOnce, false},
		"canaries first":       {Policy{Canary: 10}, Counts{Total: 25, Waiting: 25, CanariesOpen: 3}, 3, atOnce, false},
		"canaries are done":    {Policy{Canary: 10}, Counts{Total: 25, Waiting: 22, Good: 3}, 25, atOnce, false},
		"canaries fail":        {Policy{Canary: 10, StopAt: 20}, Counts{Total: 25, Waiting: 22, Good: 2, Failed: 1}, 0, 0, true},
		"few say nothing":      {Policy{StopAt: 20}, Counts{Total: 25, Waiting: 23, Good: 1, Failed: 1}, 25, atOnce, false},
		"many fail":            {Policy{StopAt: 20}, Counts{Total: 25, Waiting: 19, Good: 4, Failed: 2}, 0, 0, true},
		"few fail":             {Policy{StopAt: 50}, Counts{Total: 25, Waiting: 19, Good: 4, Failed: 2}, 25, atOnce, false},
		"no more than allowed": {Policy{Parallel: 4}, Counts{Total: 25, Waiting: 22, Open: 3}, 25, 1, false},
	} {
		below, more, pause := c.p.gate(c.c)
		if below != c.below || more != c.more || (pause != "") != c.pauses {
			t.Errorf("%s: below %d, %d more, %q", name, below, more, pause)
		}
	}
}

func certified(t *testing.T, key crypto.Signer, until time.Time) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: t0.AddDate(-1, 0, 0), NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

func TestSignatures(t *testing.T) {
	content := []byte("firmware")
	sum := sha256.Sum256(content)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	later := t0.AddDate(1, 0, 0)
	for want, c := range map[string]struct {
		key  crypto.Signer
		opts crypto.SignerOpts
	}{
		"RSA-PKCS1v15": {rsaKey, crypto.SHA256}, "ECDSA": {ecKey, crypto.SHA256},
		"RSA-PSS": {rsaKey, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256}},
	} {
		raw, err := c.key.Sign(rand.Reader, sum[:], c.opts)
		if err != nil {
			t.Fatal(err)
		}
		certificate, signature := certified(t, c.key, later), base64.StdEncoding.EncodeToString(raw)
		if got, err := verifySignature(certificate, signature, hex.EncodeToString(sum[:])); got != want || err != nil {
			t.Errorf("%s: %q %v", want, got, err)
		}
		other := sha256.Sum256([]byte("something else"))
		if _, err := verifySignature(certificate, signature, hex.EncodeToString(other[:])); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: a signature of something else: %v", want, err)
		}
	}
	if err := checkSigning(certified(t, ecKey, t0.Add(-time.Hour)), "AAAA", t0); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired certificate: %v", err)
	}
	if err := checkSigning("no certificate", "AAAA", t0); err == nil {
		t.Error("no certificate was taken for one")
	}
	if err := checkSigning("", "AAAA", t0); err == nil {
		t.Error("a signature alone was taken")
	}
}

// updating makes an image of version 2.0 with content and an update of CS-1.
func (h *house) updating(draft string) (task func() taskBody) {
	h.t.Helper()
	image := h.north.Must(201, "POST", "/firmware-images", `{"vendor":"Acme","version":"2.0"}`).Field("id")
	h.north.Must(200, "PUT", "/firmware-images/"+image+"/content", "the firmware")
	update := h.north.Must(201, "POST", "/firmware-updates", `{"image":"`+image+`","stations":["CS-1"]`+draft+`}`).Field("id")
	return func() taskBody {
		var page struct {
			Items []taskBody `json:"items"`
		}
		h.north.Must(200, "GET", "/firmware-tasks?update="+update, "").JSON(h.t, &page)
		var one taskBody
		h.north.Must(200, "GET", "/firmware-tasks/"+page.Items[0].ID, "").JSON(h.t, &one)
		return one
	}
}

// tick runs the periodic work of updates and what follows from it.
func (h *house) tick() {
	h.t.Helper()
	h.must(h.runUpdates(h.t.Context()))
	h.settle()
	h.must(h.runUpdates(h.t.Context()))
}

func TestUpdateOfAStation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		var asked *ocpp.UpdateFirmwareRequest
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			asked, _ = req.(*ocpp.UpdateFirmwareRequest)
			return &ocpp.UpdateFirmwareResponse{Status: ocpp.UpdateFirmwareStatusEnumAccepted}, nil
		}
		_, _, err := h.stations.Create(h.ctx(), station.Draft{ID: "CS-2", Profile: 1})
		h.must(err)
		task := h.updating("")
		h.tick()
		if asked == nil || task().State != "requested" {
			t.Fatalf("not asked: %+v", task())
		}
		res, err := http.Get(asked.Firmware.Location)
		h.must(err)
		defer res.Body.Close()
		if got, _ := io.ReadAll(res.Body); string(got) != "the firmware" {
			t.Errorf("the station fetches %q", got)
		}
		for _, status := range []ocpp.FirmwareStatusEnum{"Downloading", "Downloaded", "Installing", "Installed"} {
			h.must(h.Notification(t.Context(), p, &ocpp.FirmwareStatusNotificationRequest{Status: status, RequestID: &asked.RequestID}))
		}
		if task().State != "installed" {
			t.Errorf("before the boot: %+v", task())
		}
		h.clock.Advance(time.Minute)
		_, err = h.BootNotification(t.Context(), p, &ocpp.BootNotificationRequest{Reason: "FirmwareUpdate", ChargingStation: ocpp.ChargingStation{VendorName: "Acme", Model: "One", SerialNumber: "S1", FirmwareVersion: "2.0"}})
		h.must(err)
		if one := task(); one.State != "verified" || len(one.Steps) < 6 {
			t.Errorf("after the boot: %+v", one)
		}
		h.south.Must(404, "GET", "/firmware-tasks/"+task().ID, "")
	})
}

// 1.6 names no request; a station that says nothing more is given up; one
// that is offline is asked after its boot.
func TestUpdateStallsAndWaits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V16)
		h.boot(p, "S1")
		h.settle()
		h.stations.Disconnected(t.Context(), p, "gone")
		asks := 0
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			if _, ok := req.(*ocpp.UpdateFirmwareRequest); ok {
				asks++
			}
			return &ocpp.UpdateFirmwareResponse{Status: ocpp.UpdateFirmwareStatusEnumAccepted}, nil
		}
		task := h.updating(`,"policy":{"stall_after":3600}`)
		h.tick()
		if one := task(); asks != 0 || one.State != "waiting" || !strings.Contains(one.Reason, "offline") {
			t.Fatalf("asked %d times while offline: %+v", asks, one)
		}
		h.clock.Advance(time.Minute)
		p = h.connect(ocpp.V16)
		h.boot(p, "S1")
		h.settle()
		h.tick()
		if asks != 1 {
			t.Fatalf("asked %d times after its boot: %+v", asks, task())
		}
		h.must(h.Notification(t.Context(), p, &ocpp.FirmwareStatusNotificationRequest{Status: "Downloading"}))
		if one := task(); one.State != "downloading" {
			t.Errorf("a status without a request: %+v", one)
		}
		h.clock.Advance(2 * time.Hour)
		h.tick()
		if one := task(); one.State != "failed" || one.Reason != "stalled: nothing was heard after Downloading" {
			t.Errorf("after two hours: %+v", one)
		}
	})
}

func TestSecurityEventEndsAnUpdate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		status := ocpp.UpdateFirmwareStatusEnumAccepted
		h.box.answer = func(ocpp.Request) (ocpp.Response, error) { return &ocpp.UpdateFirmwareResponse{Status: status}, nil }
		task := h.updating("")
		h.tick()
		_, err := h.SecurityEventNotification(t.Context(), p, &ocpp.SecurityEventNotificationRequest{Type: "InvalidFirmwareSigningCertificate", Timestamp: ocpp.AtTime(t0)})
		h.must(err)
		if one := task(); one.State != "failed" || !strings.Contains(one.Reason, "certificate") {
			t.Errorf("%+v", one)
		}
		status = ocpp.UpdateFirmwareStatusEnumRevokedCertificate
		task = h.updating("")
		h.tick()
		if one := task(); one.State != "failed" || !strings.Contains(one.Reason, "revoked") {
			t.Errorf("%+v", one)
		}
	})
}

func TestLogOfAStation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		var asked *ocpp.GetLogRequest
		h.box.answer = func(req ocpp.Request) (ocpp.Response, error) {
			asked, _ = req.(*ocpp.GetLogRequest)
			return &ocpp.GetLogResponse{Status: ocpp.LogStatusEnumAccepted, Filename: "a.log"}, nil
		}
		id := h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{}`).Field("id")
		state := func() string { return h.north.Must(200, "GET", "/logs/"+id, "").Field("state") }
		h.north.Must(409, "POST", "/charging-stations/CS-1/logs", `{}`)
		h.tellLog(p, asked, "Uploading")
		if state() != "uploading" {
			t.Errorf("state %s", state())
		}
		put, _ := http.NewRequest("PUT", asked.Log.RemoteLocation+"/another-name.txt", strings.NewReader("lines"))
		res, err := http.DefaultClient.Do(put)
		h.must(err)
		res.Body.Close()
		if res.StatusCode != 201 || state() != "uploaded" {
			t.Fatalf("uploaded: %s, state %s", res.Status, state())
		}
		h.tellLog(p, asked, "UploadFailure") // it did not see our answer; the file is here
		if got := h.north.Must(200, "GET", "/logs/"+id+"/content", ""); state() != "uploaded" || string(got.Body) != "lines" {
			t.Errorf("%s: %s", state(), got.Body)
		}
		h.south.Must(404, "GET", "/logs/"+id+"/content", "")

		// One that says it uploaded, and did not; one that broke off.
		id = h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{"type":"SecurityLog","login":true}`).Field("id")
		h.tellLog(p, asked, "Uploaded")
		h.clock.Advance(comeTime + time.Second)
		h.must(h.stalledLogs(t.Context()))
		if got := h.north.Must(200, "GET", "/logs/"+id, ""); state() != "failed" || !strings.Contains(got.Field("reason"), "nothing came") {
			t.Errorf("nothing came: %s", got.Body)
		}
		id = h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{}`).Field("id")
		half, _ := http.NewRequest("PUT", asked.Log.RemoteLocation, io.MultiReader(bytes.NewReader(make([]byte, 300_000)), breaks{}))
		half.ContentLength = 400_000
		if _, err := http.DefaultClient.Do(half); err == nil {
			t.Fatal("the upload did not break off")
		}
		h.eventually(func() bool { // the server takes in what was under way
			var used int64
			h.must(h.db.View(t.Context(), func(tx *db.Tx) (err error) { used, _, err = h.files.Used(tx, string(h.org)); return err }))
			return used > 200_000
		})
		h.clock.Advance(time.Hour)
		h.must(h.stalledLogs(t.Context()))
		if state() != "partial" {
			t.Errorf("what came of it: %s", h.north.Must(200, "GET", "/logs/"+id, "").Body)
		}
	})
}

type breaks struct{}

func (breaks) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// eventually bears what another goroutine still does.
func (h *house) eventually(done func() bool) {
	h.t.Helper()
	for range 3000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatal("it did not happen")
}

func (h *house) tellLog(p ocpp.Peer, asked *ocpp.GetLogRequest, status ocpp.UploadLogStatusEnum) {
	h.t.Helper()
	h.must(h.Notification(h.t.Context(), p, &ocpp.LogStatusNotificationRequest{Status: status, RequestID: &asked.RequestID}))
}

func TestNewerLogCancelsOlder(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		status := ocpp.LogStatusEnumAccepted
		h.box.answer = func(ocpp.Request) (ocpp.Response, error) { return &ocpp.GetLogResponse{Status: status}, nil }
		first := h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{}`).Field("id")
		h.clock.Advance(time.Second)
		status = ocpp.LogStatusEnumAcceptedCanceled
		h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{"replace":true}`)
		if state := h.north.Must(200, "GET", "/logs/"+first, "").Field("state"); state != "cancelled" {
			t.Errorf("the older one is %s", state)
		}
		h.box.gone = true
		offline := h.north.Must(201, "POST", "/charging-stations/CS-1/logs", `{"replace":true}`)
		if offline.Field("state") != "failed" {
			t.Errorf("offline: %s", offline.Body)
		}
	})
}
