package test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

// device creates a station of a version and runs it until the test ends.
func (s *server) device(id, version string, quirks ...simulator.Quirk) *simulator.Station {
	s.t.Helper()
	station := simulator.NewStation(simulator.Config{
		ID: id, Version: version, URL: s.stations(), Password: s.station(id, nil), Vendor: "Alder Electric", Model: "Kerb Duo", Serial: "AL" + id, Firmware: "1.2.3",
		MeterInterval: 45 * time.Second, Retry: 100 * time.Millisecond, EVSEs: []simulator.EVSEConfig{{ID: 1, Connector: "sType2", Phases: 3, MaxAmps: 32_000}}, Quirks: quirks,
	}, time.Now, nil)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = station.Run(ctx) }()
	s.t.Cleanup(func() { stop(); <-ended })
	eventually(s.t, id+" has booted", func() bool { return len(s.items("/charging-stations/"+id+"/boots")) > 0 })
	return station
}

// transfer moves bytes over HTTP and gives status and body.
func (s *server) transfer(method, url string, body []byte) (int, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.HasPrefix(url, s.url+"/api/") {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, text
}

// signed makes a certificate and its signature of an image.
func signed(t *testing.T, image []byte) (certificate, signature string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(image)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), base64.StdEncoding.EncodeToString(sig)
}

// image adds a firmware image and uploads its content.
func (s *server) image(content []byte, draft object) string {
	s.t.Helper()
	id := s.must("POST", "/firmware-images", draft)["id"].(string)
	if status, text := s.transfer("PUT", s.url+"/api/v1/firmware-images/"+id+"/content", content); status != 200 {
		s.t.Fatalf("the image was not taken: %d %s", status, text)
	}
	return id
}

// TestFirmwareReachesStations: an image is uploaded and stations of every
// version fetch, install and restart with it. One restarts as it was.
func TestFirmwareReachesStations(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		content := simulator.FirmwareImage("2.0.0", 600_000)
		certificate, signature := signed(t, content)
		stations := map[string]*simulator.Station{}
		for id, version := range map[string]string{"FW-16": "1.6", "FW-16S": "1.6", "FW-201": "2.0.1", "FW-21": "2.1"} {
			var quirks []simulator.Quirk
			if id == "FW-16" {
				quirks = append(quirks, simulator.NoSecurity16)
			}
			stations[id] = s.device(id, version, quirks...)
		}
		stubborn := s.device("FW-OLD", "2.0.1", simulator.KeepsFirmware)
		wrong := object{"version": "2.0.0", "signing_certificate": certificate, "signature": base64.StdEncoding.EncodeToString([]byte("not this"))}
		bad := s.must("POST", "/firmware-images", wrong)["id"].(string)
		if status, text := s.transfer("PUT", s.url+"/api/v1/firmware-images/"+bad+"/content", content); status != 422 || !strings.Contains(string(text), "signature") {
			t.Errorf("a wrong signature: %d %s", status, text)
		}
		image := s.image(content, object{"vendor": "alder*", "model": "Kerb*", "version": "2.0.0", "signing_certificate": certificate, "signature": signature})
		if made := s.must("GET", "/firmware-images/"+image, nil); made["signature_scheme"] != "ECDSA" || made["size"] != float64(len(content)) {
			t.Errorf("the image is %v", made)
		}
		ids := []string{"FW-OLD"}
		for id := range stations {
			ids = append(ids, id)
		}
		update := s.must("POST", "/firmware-updates", object{"image": image, "stations": ids})["id"].(string)
		t.Cleanup(func() {
			if t.Failed() {
				for _, one := range s.items("/firmware-tasks?update=" + update) {
					t.Log(s.must("GET", "/firmware-tasks/"+one["id"].(string), nil))
				}
			}
		})
		eventually(t, "the update is finished", func() bool { return s.must("GET", "/firmware-updates/"+update, nil)["state"] == "finished" })
		tasks := map[string]object{}
		for _, one := range s.items("/firmware-tasks?update=" + update) {
			tasks[one["station"].(string)] = s.must("GET", "/firmware-tasks/"+one["id"].(string), nil)
		}
		for id, station := range stations {
			if task := tasks[id]; task["state"] != "verified" || station.Firmware() != "2.0.0" {
				t.Errorf("%s has %s: %v", id, station.Firmware(), task)
			}
			if cs := s.must("GET", "/charging-stations/"+id, nil); cs["firmware_version"] != "2.0.0" {
				t.Errorf("%s is shown with %v", id, cs["firmware_version"])
			}
		}
		eventually(t, "the one that restarted as it was has failed", func() bool {
			return strings.Contains(toText(s.items("/charging-stations/FW-OLD/firmware-tasks")[0]["reason"]), "did not change")
		})
		if stubborn.Firmware() != "1.2.3" {
			t.Errorf("the stubborn one has %s", stubborn.Firmware())
		}
		again := s.must("POST", "/firmware-updates", object{"image": image, "stations": []string{"FW-21"}})["id"].(string)
		eventually(t, "a station that has it is left out", func() bool { return s.must("GET", "/firmware-updates/"+again, nil)["left_out"] == float64(1) })
	})
}

func toText(v any) string { text, _ := v.(string); return text }

// location finds the address in the last message of an action to a station;
// the log of messages is written behind the messages.
func (s *server) location(station, action string) (found string) {
	s.t.Helper()
	eventually(s.t, station+" was sent "+action+" with an address", func() bool {
		for _, m := range s.items("/charging-stations/" + station + "/messages?direction=out&type=call&action=" + action) {
			text := m["payload"].(string)
			if i := strings.Index(text, s.url+"/files/"); i >= 0 {
				found = text[i : i+strings.IndexByte(text[i:], '"')]
				return true
			}
		}
		return false
	})
	return found
}

// TestLogsComeFromStations: each version uploads its log, which can be read
// back; links are good once.
func TestLogsComeFromStations(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		for _, one := range []struct {
			id, version, kind, action string
			quirks                    []simulator.Quirk
		}{
			{"LOG-16", "1.6", "DiagnosticsLog", "GetDiagnostics", []simulator.Quirk{simulator.NoSecurity16}},
			{"LOG-16S", "1.6", "SecurityLog", "GetLog", nil},
			{"LOG-201", "2.0.1", "DiagnosticsLog", "GetLog", nil},
			{"LOG-21", "2.1", "DataCollectorLog", "GetLog", nil},
		} {
			s.device(one.id, one.version, one.quirks...)
			log := s.must("POST", "/charging-stations/"+one.id+"/logs", object{"type": one.kind})
			id := log["id"].(string)
			eventually(t, one.id+" has uploaded", func() bool {
				log = s.must("GET", "/logs/"+id, nil)
				if log["state"] == "failed" {
					t.Fatalf("%s failed: %v", one.id, log)
				}
				return log["state"] == "uploaded"
			})
			status, text := s.transfer("GET", s.url+"/api/v1/logs/"+id+"/content", nil)
			if status != 200 || !strings.HasPrefix(string(text), one.kind+" of "+one.id+"\n") {
				t.Errorf("%s: %d %.100s", one.id, status, text)
			}
			if status, _ := s.transfer("PUT", s.location(one.id, one.action), []byte("again")); status != 410 {
				t.Errorf("%s: the link was good again: %d", one.id, status)
			}
		}
		if status, answer := s.call("POST", "/charging-stations/LOG-21/logs", object{"via": "ftp"}); status != 501 || answer["code"] != "device.no_ftp" {
			t.Errorf("FTP without a server: %d %v", status, answer)
		}
		if status, _ := s.transfer("GET", s.url+"/files/"+strings.Repeat("0", 48), nil); status != 404 {
			t.Errorf("an unknown link: %d", status)
		}
		old := s.must("POST", "/charging-stations/LOG-16/logs", object{"type": "SecurityLog"})
		if old["state"] != "failed" || !strings.Contains(toText(old["reason"]), "NotImplemented") {
			t.Errorf("a security log without the extension: %v", old)
		}
	})
}
