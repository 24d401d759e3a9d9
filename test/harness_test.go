package test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

// binary is the platform as users run it, built once for all scenarios.
var binary string

func TestMain(m *testing.M) {
	// They wait for stations and processes most of the time; PostgreSQL has
	// connections for twelve. A -parallel that is given goes first.
	flag.Set("test.parallel", strconv.Itoa(min(3*runtime.GOMAXPROCS(0), 12)))
	dir, err := os.MkdirTemp("", "forecourt-test")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "forecourt")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/forecourt") // as `make build` does, so that most of it is built already
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	stopField()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server is a running platform process.
type server struct {
	t    *testing.T
	args []string
	data string
	url  string
	key  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	said string      // its line that it is ready
	tls  *tls.Config // to reach it; nil without TLS
	done chan struct{}
}

// onBoth runs a scenario on a fresh SQLite and a fresh PostgreSQL platform.
func onBoth(t *testing.T, scenario func(t *testing.T, s *server)) {
	t.Parallel()
	for _, dialect := range []db.Dialect{db.SQLite, db.Postgres} {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			scenario(t, serve(t, dialect))
		})
	}
}

// serve starts a platform on an empty database.
func serve(t *testing.T, dialect db.Dialect, extra ...string) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir()}
	if dialect == db.Postgres {
		s.args = append(s.args, "--database-url", schematest.Fresh(t, dialect).URL)
	}
	s.args = append(s.args, extra...)
	s.start("127.0.0.1:0")
	s.key = s.command("api-key", "create", "--name", "test", "--role", "owner")
	return s
}

var ready = regexp.MustCompile(`ready.*?(https?://[^\s"]+)`)

// start runs the process until the test ends.
func (s *server) start(listen string) {
	s.t.Helper()
	s.launch(listen)
	s.t.Cleanup(s.kill)
}

// launch runs the process and waits until it says where it listens.
func (s *server) launch(listen string) {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.data, "--listen", listen}, s.args...)
	s.cmd = exec.Command(binary, args...)
	s.log, s.done = &bytes.Buffer{}, make(chan struct{})
	out, in, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = in, in
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	in.Close()
	found := make(chan string, 1)
	done := s.done
	log := s.log
	go func() {
		defer close(done)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			fmt.Fprintln(log, lines.Text())
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				s.said = lines.Text()
				select {
				case found <- m[1]:
				default:
				}
			}
		}
		out.Close()
	}()
	select {
	case s.url = <-found:
	case <-done:
		s.t.Fatalf("the server ended at its start:\n%s", s.log)
	case <-time.After(patience):
		s.kill()
		s.t.Fatalf("the server did not become ready:\n%s", s.log)
	}
}

// transport trusts the server's certificate; nil is the ordinary one.
func (s *server) transport() http.RoundTripper {
	if s.tls == nil {
		return nil
	}
	return &http.Transport{TLSClientConfig: s.tls, DisableKeepAlives: true}
}

// kill ends the process the hard way; its end is waited for.
func (s *server) kill() {
	if s.cmd.ProcessState == nil {
		s.cmd.Process.Signal(syscall.SIGKILL)
		s.cmd.Wait()
		<-s.done
	}
	if s.t.Failed() && os.Getenv("FORECOURT_TEST_LOG") != "" {
		s.t.Logf("server log:\n%s", s.log)
	}
}

// command runs a command line tool beside the server and gives its output.
func (s *server) command(args ...string) string {
	s.t.Helper()
	args = append(args, "--data", s.data)
	for i, a := range s.args {
		if a == "--database-url" {
			args = append(args, a, s.args[i+1])
		}
	}
	out, err := exec.Command(binary, args...).Output()
	if err != nil {
		s.t.Fatalf("forecourt %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

func (s *server) stations() string { return "ws" + strings.TrimPrefix(s.url, "http") + "/ocpp" }

// object is a JSON object of the API.
type object = map[string]any

// call makes a request and gives status and body.
func (s *server) call(method, path string, body any) (int, object) {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+"/api/v1"+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: 60 * time.Second, Transport: s.transport()}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	out := object{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			s.t.Fatalf("%s %s answered %s with %q", method, path, res.Status, text)
		}
	}
	return res.StatusCode, out
}

// must makes a request that has to succeed.
func (s *server) must(method, path string, body any) object {
	s.t.Helper()
	status, out := s.call(method, path, body)
	if status >= 300 {
		s.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// items gives a list's items.
func (s *server) items(path string) []object {
	s.t.Helper()
	list, _ := s.must("GET", path, nil)["items"].([]any)
	out := make([]object, 0, len(list))
	for _, one := range list {
		out = append(out, one.(object))
	}
	return out
}

// patience is how long a test waits for what must come, on a busy machine. It
// is no claim about speed: it only ends a test that waits in vain.
const patience = 60 * time.Second

// eventually waits until check is satisfied.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if check() {
			return
		}
	}
	t.Fatalf("did not happen within %v: %s", patience, what)
}

// refusedStart starts a server that must refuse, and gives what it says.
func refusedStart(t *testing.T, data string) string {
	t.Helper()
	out, err := exec.Command(binary, "serve", "--data", data, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil {
		t.Fatalf("the server started: %s", out)
	}
	return string(out)
}

// raw makes a request and gives status and body as text.
func (s *server) raw(method, path, body string) (int, string) {
	s.t.Helper()
	var reader io.Reader
	if method != "GET" && method != "DELETE" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.url+"/api/v1"+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}
	if reader != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: 60 * time.Second, Transport: s.transport()}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
