package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp/simulator"
)

var update = flag.Bool("update", false, "write the transcripts of testdata/transcripts anew")

// together is how many transcripts play at a time: nearly all of their time
// is waiting for the other end.
const together = 12

// TestTranscripts plays every file of testdata/transcripts: a simulated
// station does what the file's steps say against the real platform, and what
// goes over the wire must be what the file has. One platform serves them all, and one
// those in which local lists matter, so that not every station is sent
// everybody's cards.
// The format is told in transcript_script_test.go.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/transcripts/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	if only := os.Getenv("TRANSCRIPT"); only != "" {
		files = slices.DeleteFunc(files, func(f string) bool { return !strings.Contains(f, only) })
	}
	// A hundred stations that boot together wait for the background, which a busy machine would give little.
	plain := newStage(t, "--access-no-lists", "--background-per-second=400")
	lists := newStage(t, "--access-list-delay=500ms", "--background-per-second=400")
	played := make([]*play, len(files))
	var wg sync.WaitGroup
	room := make(chan struct{}, together)
	for i, file := range files {
		script, err := readScript(file)
		if err != nil {
			t.Fatal(err)
		}
		on := plain
		if slices.Contains(script.actions, "SendLocalList") {
			on = lists
		}
		played[i] = newPlay(on, script)
		if err := played[i].prepare(); err != nil { // all cards before any station: lists do not change while they play
			t.Fatalf("%s: %v", file, err)
		}
	}
	for _, p := range played {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			p.run()
		})
	}
	wg.Wait()
	for i, p := range played {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(files[i], "testdata/transcripts/"), ".txt"), func(t *testing.T) {
			t.Logf("took %v", p.took)
			if p.err != nil {
				t.Fatalf("%v\nso far:\n%s", p.err, strings.Join(p.lines(), "\n"))
			}
			if *update {
				if err := p.save(); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := compare(p.script.frames, p.lines()); diff != "" {
				t.Errorf("the frames are not those of the file (TRANSCRIPT=%s go test -run TestTranscripts -update ./test writes them anew):\n%s", p.script.version+"/"+p.script.id, diff)
			}
		})
	}
}

// anyRoot makes a root certificate: its PEM as it stands inside a JSON
// string, and the hashes that name it.
func anyRoot(t *testing.T) [2]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Alder Electric Root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	hash, err := json.Marshal(simulator.CertificateHash(c))
	if err != nil {
		t.Fatal(err)
	}
	return [2]string{strings.ReplaceAll(string(text), "\n", `\n`), string(hash)}
}

// stage is a platform with what transcripts need of it.
type stage struct {
	*server
	place  string    // a site
	images [2]string // of firmware: without and with a signature
	root   [2]string // a root certificate as JSON text, and its hashes
}

func newStage(t *testing.T, flags ...string) *stage {
	t.Helper()
	s := serve(t, db.SQLite, flags...)
	content := simulator.FirmwareImage("2.0.0", 4_000)
	certificate, signature := signed(t, content)
	return &stage{server: s, place: s.site(), root: anyRoot(t), images: [2]string{
		s.image(content, object{"vendor": "Alder Electric", "version": "2.0.0"}),
		s.image(content, object{"vendor": "Alder Electric", "version": "2.0.0", "signing_certificate": certificate, "signature": signature}),
	}}
}
