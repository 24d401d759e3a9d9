package simulator

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// errand is work of a station that takes its time: a download, an upload. It
// runs beside the machine and comes back to it through Station.do.
type errand func(ctx context.Context, s *Station)

// errands runs what the machine was asked to do. s.mu is held.
func (s *Station) errands(ctx context.Context) {
	for _, e := range s.m.errands {
		go func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, errandTime)
			defer cancel()
			e(ctx, s)
		}(context.WithoutCancel(ctx)) // it goes on when the connection does not
	}
	s.m.errands = nil
}

const (
	errandTime = 5 * time.Minute
	maxImage   = 64 << 20 // bytes of an image that a simulated station takes
	// imageMark begins a firmware image of simulated stations; the version
	// follows in the same line.
	imageMark = "forecourt-firmware "
)

// FirmwareImage makes an image that simulated stations can install; it is
// padded to a size in bytes.
func FirmwareImage(version string, size int) []byte {
	out := []byte(imageMark + version + "\n")
	return append(out, bytes.Repeat([]byte{'.'}, max(0, size-len(out)))...)
}

// update is an order to install firmware, of any version of OCPP.
type update struct {
	request     int
	signed      bool
	location    string
	retrieve    time.Time
	install     time.Time // zero: at once
	retries     int
	interval    time.Duration
	certificate string
	signature   string
}

func (u update) run(ctx context.Context, s *Station) {
	say := func(status string) {
		s.do(func(now time.Time) { s.m.say(s.m.firmwareStatus(u, status)) })
	}
	if s.now().Before(u.retrieve.Add(-time.Second)) {
		say("DownloadScheduled")
		s.until(ctx, func(now time.Time) bool { return !now.Before(u.retrieve) })
	}
	var image []byte
	var err error
	for try := 0; try <= u.retries; try++ {
		say("Downloading")
		if image, err = download(ctx, u.location); err == nil {
			break
		}
		s.log.Debug("download failed", "error", err)
		wait(ctx, u.interval)
	}
	if err != nil {
		say("DownloadFailed")
		return
	}
	say("Downloaded")
	if u.signed {
		if !genuine(image, u.certificate, u.signature) {
			say("InvalidSignature")
			s.do(func(now time.Time) { s.m.say(s.m.securityEvent("InvalidFirmwareSignature", now)) })
			return
		}
		say("SignatureVerified")
	}
	if now := s.now(); now.Before(u.install) || s.charging() {
		say("InstallScheduled")
		s.until(ctx, func(now time.Time) bool { return !now.Before(u.install) && s.m.busy(now) == 0 })
	}
	say("Installing")
	version, ok := versionOf(image)
	if !ok {
		say(map[bool]string{true: "InstallationFailed", false: "InstallVerificationFailed"}[s.m.config.Version == "1.6"])
		return
	}
	s.do(func(now time.Time) {
		installed := s.m.firmwareStatus(u, "Installed")
		if s.m.config.Version == "1.6" {
			s.m.say(installed) // then it restarts
		} else {
			s.m.say(s.m.firmwareStatus(u, "InstallRebooting"))
			s.m.news = append(s.m.news, installed, s.m.securityEvent("FirmwareUpdated", now))
		}
		if !s.m.has(KeepsFirmware) {
			s.m.config.Firmware = version
		}
		s.m.rebooted = true
	})
}

// until waits until the machine meets a condition.
func (s *Station) until(ctx context.Context, met func(now time.Time) bool) {
	for ctx.Err() == nil {
		s.mu.Lock()
		ok := met(s.now())
		s.mu.Unlock()
		if ok {
			return
		}
		wait(ctx, s.tick)
	}
}

func (s *Station) charging() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.busy(s.now()) > 0
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Firmware gives the version that the station runs.
func (s *Station) Firmware() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.config.Firmware
}

func versionOf(image []byte) (string, bool) {
	line, err := bufio.NewReader(bytes.NewReader(image)).ReadString('\n')
	version, ok := strings.CutPrefix(strings.TrimSpace(line), imageMark)
	return version, ok && err == nil && version != ""
}

func download(ctx context.Context, location string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, maxImage))
}

// genuine checks the signature of an image, as a station does.
func genuine(image []byte, certificate, signature string) bool {
	block, _ := pem.Decode([]byte(certificate))
	sig, err := base64.StdEncoding.DecodeString(signature)
	if block == nil || err != nil {
		return false
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(image)
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPSS(key, crypto.SHA256, sum[:], sig, nil) == nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, sum[:], sig)
	}
	return false
}

// upload is an order to bring a log, of any version of OCPP.
type upload struct {
	request     int
	diagnostics bool // by 1.6 GetDiagnostics, whose statuses name no request
	kind        string
	location    string
	retries     int
	interval    time.Duration
	name        string
	cancelled   <-chan struct{}
}

func (u upload) run(ctx context.Context, s *Station) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-u.cancelled:
			cancel()
		case <-ctx.Done():
		}
	}()
	say := func(status string) {
		s.do(func(now time.Time) { s.m.say(s.m.logStatus(u, status)) })
	}
	status := "UploadFailure"
	for try := 0; try <= u.retries; try++ {
		say("Uploading")
		if status = u.bring(ctx, s.logText(u.kind)); status == "Uploaded" || ctx.Err() != nil {
			break
		}
		wait(ctx, u.interval)
	}
	if ctx.Err() != nil {
		status = "AcceptedCanceled"
	}
	say(status)
}

// bring uploads a log: 2.x and the security extension PUT it, diagnostics of
// 1.6 go as a form, as older stations send them.
func (u upload) bring(ctx context.Context, content []byte) (status string) {
	method, body, kind := http.MethodPut, bytes.NewBuffer(content), "text/plain"
	location := u.location + "/" + u.name
	if u.diagnostics {
		location, method, body = u.location, http.MethodPost, &bytes.Buffer{}
		form := multipart.NewWriter(body)
		part, err := form.CreateFormFile("file", u.name)
		if err != nil {
			return "UploadFailure"
		}
		_, _ = part.Write(content) // into memory
		form.Close()
		kind = form.FormDataContentType()
	}
	req, err := http.NewRequestWithContext(ctx, method, location, body)
	if err != nil {
		return "BadMessage"
	}
	req.Header.Set("Content-Type", kind)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "UploadFailure"
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode < 300:
		return "Uploaded"
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return "PermissionDenied"
	case res.StatusCode == http.StatusMethodNotAllowed:
		return "NotSupportedOperation"
	}
	return "UploadFailure"
}

// logText is what a simulated station has to tell of itself.
func (s *Station) logText(kind string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	c := s.m.config
	fmt.Fprintf(&b, "%s of %s\n%s %s, serial %s, firmware %s, OCPP %s\n", kind, c.ID, c.Vendor, c.Model, c.Serial, c.Firmware, c.Version)
	for _, e := range s.m.evses {
		fmt.Fprintf(&b, "evse %d %s register %d Wh\n", e.config.ID, e.state, e.register.WattHours())
	}
	for _, name := range sortedKeys(s.m.variables) {
		fmt.Fprintf(&b, "%s=%s\n", name, s.m.variables[name])
	}
	return b.Bytes()
}
