package test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
)

// TestHandshakeRefusals: who may not connect is told so at the handshake.
func TestHandshakeRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		password := s.station("CS-1", nil)
		cases := []struct {
			name, id, password string
			want               float64
		}{
			{"wrong password", "CS-1", "0123456789abcdef0123456789abcdef", http.StatusUnauthorized},
			{"unknown station", "NOBODY", password, http.StatusNotFound},
		}
		for _, c := range cases {
			_, line := connect(t, s, c.id, c.password, "ocpp1.6")
			if line["code"] != c.want {
				t.Errorf("%s: %v, want %v", c.name, line, c.want)
			}
		}
		eventually(t, "the unknown station is on the knocking list", func() bool { return len(s.items("/knocking-stations")) == 1 })
	})
}

// TestInactiveStationIsPending: created but inactive means connected and Pending.
func TestInactiveStationIsPending(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		password := s.station("CS-1", object{"active": false})
		p, open := connect(t, s, "CS-1", password, "ocpp2.0.1")
		if open["open"] != "ocpp2.0.1" {
			t.Fatalf("handshake: %v", open)
		}
		p.answer("TriggerMessage", object{"status": "Accepted"})
		if got := p.say("BootNotification", boot2); got["status"] != "Pending" {
			t.Errorf("boot was answered %v, want Pending", got["status"])
		}
		s.must("POST", "/charging-stations/CS-1/activate", object{})
		p.called("TriggerMessage")
		if got := p.say("BootNotification", boot2); got["status"] != "Accepted" {
			t.Errorf("boot after activation was answered %v", got["status"])
		}
	})
}

// TestEmptyDirectoryAnswersWithinASecond is the start a newcomer sees.
func TestEmptyDirectoryAnswersWithinASecond(t *testing.T) {
	s := &server{t: t, data: t.TempDir()}
	began := time.Now()
	s.start("127.0.0.1:0")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/", "/api/v1/openapi.json"} {
		res, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s answered %s", path, res.Status)
		}
	}
	t.Logf("started and answered in %v", time.Since(began)) // the figure stands in docs/benchmarks.md; here the machine is busy
}

// TestBackupAndRestore: a copy taken while the server runs starts elsewhere
// with everything in it.
func TestBackupAndRestore(t *testing.T) {
	s := serve(t, db.SQLite)
	password := s.station("CS-1", nil)
	file := filepath.Join(t.TempDir(), "copy.backup")
	s.command("backup", file)
	s.station("CS-2", nil)
	other := &server{t: t, data: filepath.Join(t.TempDir(), "new"), key: s.key}
	other.command("restore", file)
	other.start("127.0.0.1:0")
	if n := len(other.items("/charging-stations")); n != 1 {
		t.Errorf("%d stations after the restore, want 1", n)
	}
	if _, line := connect(t, other, "CS-1", password, "ocpp1.6"); line["open"] != "ocpp1.6" {
		t.Errorf("the station's password is not the same after a restore: %v", line)
	}
}

// TestArchiveAndRestore: what a server keeps elsewhere starts again elsewhere,
// with its secret; another installation may not write over it.
func TestArchiveAndRestore(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "archive")
	s := serve(t, db.SQLite, "--archive", archive)
	password := s.station("CS-1", nil)
	for !strings.Contains(string(body(t, s.url+"/metrics")), "forecourt_archive_failing 0") { // it has its first base
		time.Sleep(10 * time.Millisecond)
	}
	s.kill()
	other := &server{t: t, data: filepath.Join(t.TempDir(), "new"), key: s.key}
	other.command("restore", archive)
	other.args = []string{"--archive", archive}
	other.start("127.0.0.1:0")
	if _, line := connect(t, other, "CS-1", password, "ocpp1.6"); line["open"] != "ocpp1.6" {
		t.Errorf("the station's password is not the same after a restore: %v", line)
	}
	for _, data := range []string{t.TempDir(), s.data} {
		out, err := exec.CommandContext(t.Context(), binary, "serve", "--data", data, "--archive", archive, "--listen", "127.0.0.1:0").CombinedOutput()
		if err == nil {
			t.Errorf("a second installation writes the archive: %s", out)
		}
	}
}

func body(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestNewerSchemaIsRefused: an old binary leaves a newer database alone.
func TestNewerSchemaIsRefused(t *testing.T) {
	s := serve(t, db.SQLite)
	s.kill()
	path := filepath.Join(s.data, "forecourt.db")
	d, err := db.Open(t.Context(), db.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Update(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec("INSERT INTO schema_version (version_id, is_applied) VALUES ($1, $2)", 9999, true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	before, _ := os.ReadFile(path)
	out := refusedStart(t, s.data)
	if !strings.Contains(out, "9999") || !strings.Contains(out, "newer") {
		t.Errorf("the refusal does not say why: %s", out)
	}
	if after, _ := os.ReadFile(path); string(before) != string(after) {
		t.Error("the newer database was changed")
	}
}
