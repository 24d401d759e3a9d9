package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/schema/schematest"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type house struct {
	*Store
	t      *testing.T
	clock  *schematest.Clock
	server *httptest.Server
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Parallel()
	schematest.EachAt(t, t0, func(t *testing.T, d *db.DB, clock *schematest.Clock) {
		h := &house{t: t, clock: clock}
		h.Store = New(Deps{DB: d, Config: Config{Quota: 3 << 20, MaxSize: 2 << 20}, URL: func(bool) string { return h.server.URL }})
		h.server = httptest.NewServer(h.Store)
		t.Cleanup(h.server.Close)
		fn(t, h)
	})
}

func (h *house) update(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.DB.Update(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) save(content []byte) File {
	h.t.Helper()
	f, err := h.Save(h.t.Context(), Draft{Org: "o", Purpose: "test", Name: "a.bin"}, bytes.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func (h *house) reserve() (f File) {
	h.t.Helper()
	h.update(func(tx *db.Tx) (err error) {
		f, err = h.Reserve(tx, Draft{Org: "o", Purpose: "test", Name: "up.log"})
		return err
	})
	return f
}

func (h *house) link(l Link) (url string) {
	h.t.Helper()
	l.ExpiresAt = t0.Add(time.Hour)
	h.update(func(tx *db.Tx) (err error) { url, err = h.Link(tx, l); return err })
	return url
}

func (h *house) get(f File) File {
	h.t.Helper()
	h.update(func(tx *db.Tx) (err error) { f, err = h.Get(tx, f.ID); return err })
	return f
}

func (h *house) read(f File) []byte {
	h.t.Helper()
	r, err := h.Open(h.t.Context(), h.get(f))
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *house) do(method, url string, body io.Reader, header ...string) (int, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, url, body)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, text
}

func (h *house) used() (n int64) {
	h.t.Helper()
	h.update(func(tx *db.Tx) (err error) { n, _, err = h.Used(tx, "o"); return err })
	return n
}

// pattern makes content that differs at every place.
func pattern(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i*7 + i>>8 + i>>16)
	}
	return out
}

func TestSaveReadDelete(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, n := range []int{0, 1, pieceSize - 1, pieceSize, pieceSize + 1, 3*pieceSize + 17} {
			content := pattern(n)
			f := h.save(content)
			sum := sha256.Sum256(content)
			if f.Size != int64(n) || f.SHA256 != hex.EncodeToString(sum[:]) || f.CompletedAt == nil || f.Name != "a.bin" {
				t.Errorf("%d bytes: %+v", n, f)
			}
			if !bytes.Equal(h.read(f), content) {
				t.Errorf("%d bytes come back changed", n)
			}
			h.update(func(tx *db.Tx) error { return h.Delete(tx, f.ID) })
		}
		if n := h.used(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var pieces int
		h.update(func(tx *db.Tx) error {
			return tx.QueryRow("SELECT (SELECT COUNT(*) FROM stored_piece) + (SELECT COUNT(*) FROM stored_content)").Scan(&pieces)
		})
		if pieces != 0 {
			t.Errorf("%d rows are left", pieces)
		}
	})
}

func TestReaderSeeksAnywhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		content := pattern(2*pieceSize + 100)
		f := h.save(content)
		rapid.Check(t, func(rt *rapid.T) {
			from := rapid.IntRange(0, len(content)).Draw(rt, "from")
			n := rapid.IntRange(0, len(content)-from).Draw(rt, "n")
			r, err := h.Open(t.Context(), f)
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := r.Seek(int64(from), io.SeekStart); err != nil {
				rt.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, content[from:from+n]) {
				rt.Fatalf("bytes %d+%d differ: %v", from, n, err)
			}
		})
	})
}

func TestQuotaAndSizeAreKept(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := h.Save(t.Context(), Draft{Org: "o", Purpose: "test"}, bytes.NewReader(pattern(2<<20+1)))
		if fault.Of(err) == nil || fault.Of(err).Code != "file.too_large" {
			t.Errorf("too large: %v", err)
		}
		h.save(pattern(2 << 20))
		_, err = h.Save(t.Context(), Draft{Org: "o", Purpose: "test"}, bytes.NewReader(pattern(2<<20)))
		if fault.Of(err) == nil || fault.Of(err).Code != "file.quota" || !strings.Contains(err.Error(), "3 MiB") {
			t.Errorf("over the quota: %v", err)
		}
		if n := h.used(); n != 2<<20 {
			t.Errorf("%d bytes are counted after refusals", n)
		}
		if _, err := h.Save(t.Context(), Draft{Org: "other", Purpose: "test"}, bytes.NewReader(pattern(2<<20))); err != nil {
			t.Errorf("another organisation has a quota of its own: %v", err)
		}
		if _, err = h.Save(t.Context(), Draft{Org: "o", Purpose: "test"}, io.MultiReader(bytes.NewReader(pattern(300_000)), broken{})); err == nil {
			t.Error("a broken source was stored")
		}
		if n := h.used(); n != 2<<20 {
			t.Errorf("%d bytes are counted after a broken source", n)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestDownloadLinkIsGoodOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		content := pattern(pieceSize + 500)
		f := h.save(content)
		url := h.link(Link{File: f.ID})
		// Ranges, HEAD and parts do not use the link up.
		if status, _ := h.do("HEAD", url, nil); status != 200 {
			t.Fatalf("HEAD: %d", status)
		}
		if status, got := h.do("GET", url, nil, "Range", "bytes=10-19"); status != 206 || !bytes.Equal(got, content[10:20]) {
			t.Fatalf("range: %d, %d bytes", status, len(got))
		}
		if status, got := h.do("GET", url+"/fw.bin", nil, "Range", fmt.Sprintf("bytes=%d-", pieceSize)); status != 206 || !bytes.Equal(got, content[pieceSize:]) {
			t.Fatalf("resumed: %d, %d bytes", status, len(got))
		}
		if status, text := h.do("GET", url, nil); status != 410 || !strings.Contains(string(text), "used") {
			t.Errorf("the second time: %d %s", status, text)
		}
		twice := h.link(Link{File: f.ID, Uses: 2})
		for _, want := range []int{200, 200, 410} {
			if status, _ := h.do("GET", twice, nil); status != want {
				t.Errorf("two uses: %d, want %d", status, want)
			}
		}
		if status, _ := h.do("PUT", h.link(Link{File: f.ID}), strings.NewReader("x")); status != 405 {
			t.Errorf("an upload to a download link: %d", status)
		}
		late := h.link(Link{File: f.ID})
		h.clock.Advance(time.Hour)
		if status, text := h.do("GET", late, nil); status != 410 || !strings.Contains(string(text), "expired") {
			t.Errorf("expired: %d %s", status, text)
		}
	})
}

func TestStrangersFindNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, path := range []string{"", "x", strings.Repeat("0", tokenChars), strings.Repeat("Z", tokenChars), "../../etc/passwd"} {
			if status, _ := h.do("GET", h.server.URL+Prefix+path, nil); status != 404 {
				t.Errorf("%q: %d", path, status)
			}
		}
		f := h.save([]byte("secret"))
		url := h.link(Link{File: f.ID, Login: true})
		plain := strings.Replace(url, url[strings.Index(url, "//")+2:strings.Index(url, "@")+1], "", 1)
		if status, _ := h.do("GET", plain, nil); status != 401 {
			t.Errorf("without the password: %d", status)
		}
		if status, got := h.do("GET", url, nil); status != 200 || string(got) != "secret" {
			t.Errorf("with the password in the URL: %d %s", status, got)
		}
	})
}

func TestUploadInEveryForm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		content := pattern(pieceSize + 3)
		form := &bytes.Buffer{}
		w := multipart.NewWriter(form)
		_ = w.WriteField("station", "CS-1")
		part, _ := w.CreateFormFile("upload", "../../diag.tar.gz")
		_, _ = part.Write(content)
		w.Close()
		for name, up := range map[string]struct {
			method, suffix, name string
			body                 []byte
			header               []string
		}{
			"raw PUT":             {"PUT", "", "up.log", content, nil},
			"name appended":       {"PUT", "/diag.log", "diag.log", content, nil},
			"no slash":            {"POST", "diag.log", "diag.log", content, nil},
			"header":              {"POST", "", "log_1.zip", content, []string{"Content-Type", "application/zip", "Content-Disposition", `form-data; name="uploadfile"; filename="log_1.zip"`}},
			"form":                {"POST", "", "diag.tar.gz", form.Bytes(), []string{"Content-Type", w.FormDataContentType()}},
			"encoded traversal":   {"PUT", "/..%2f..%2fetc%2fpasswd", "passwd", content, nil},
			"traversal backwards": {"PUT", `/..%5C..%5Cboot.ini`, "boot.ini", content, nil},
		} {
			f := h.reserve()
			if status, text := h.do(up.method, h.link(Link{File: f.ID, Upload: true})+up.suffix, bytes.NewReader(up.body), up.header...); status != 201 {
				t.Errorf("%s: %d %s", name, status, text)
				continue
			}
			f = h.get(f)
			if f.Name != up.name || !bytes.Equal(h.read(f), content) {
				t.Errorf("%s: stored as %q, %d bytes", name, f.Name, f.Size)
			}
			h.update(func(tx *db.Tx) error { return h.Delete(tx, f.ID) })
		}
	})
}

func TestBrokenUploadCanBeRepeated(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		told := 0
		h.OnUpload("test", func(tx *db.Tx, f File) error { told++; return nil })
		f := h.reserve()
		url := h.link(Link{File: f.ID, Upload: true})
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "PUT", url, io.MultiReader(bytes.NewReader(pattern(pieceSize+9)), stop(cancel)))
		req.ContentLength = 1 << 20
		if _, err := http.DefaultClient.Do(req); err == nil {
			t.Fatal("the upload did not break off")
		}
		h.server.CloseClientConnections()
		if f = h.get(f); f.CompletedAt != nil || told != 0 {
			t.Fatalf("a cut upload counts: %+v", f)
		}
		content := pattern(1000)
		if status, text := h.do("PUT", url, bytes.NewReader(content)); status != 201 {
			t.Fatalf("again: %d %s", status, text)
		}
		if !bytes.Equal(h.read(f), content) || told != 1 {
			t.Errorf("the repeated upload is not the content; told %d times", told)
		}
		if status, _ := h.do("PUT", url, bytes.NewReader(content)); status != 410 {
			t.Errorf("a used link: %d", status)
		}
		small := h.link(Link{File: h.reserve().ID, Upload: true, MaxSize: 10})
		for _, body := range []io.Reader{bytes.NewReader(content), io.MultiReader(bytes.NewReader(content))} {
			if status, _ := h.do("PUT", small, body); status != 413 {
				t.Errorf("too large for the link: %d", status)
			}
		}
		h.clock.Advance(2 * time.Hour)
		if status, _ := h.do("PUT", small, strings.NewReader("x")); status != 410 {
			t.Errorf("an expired link: %d", status)
		}
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.used(); n != int64(len(content)) {
			t.Errorf("%d bytes are counted, %d are stored", n, len(content))
		}
	})
}

// stop is a body that ends its request.
type stop context.CancelFunc

func (s stop) Read([]byte) (int, error) { s(); return 0, errors.New("stopped") }

func TestSalvageKeepsWhatCame(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.reserve()
		if _, err := h.receive(t.Context(), f, 1<<20, io.MultiReader(bytes.NewReader(pattern(pieceSize+9)), broken{})); err == nil {
			t.Fatal("it did not break")
		}
		h.update(func(tx *db.Tx) error {
			got, ok, err := h.Salvage(tx, f.ID)
			if err == nil && (!ok || !got.Partial || got.Size != pieceSize+9 || got.SHA256 == "") {
				t.Errorf("salvaged %v %+v", ok, got)
			}
			_, ok, _ = h.Salvage(tx, h.reserveIn(tx).ID)
			if ok {
				t.Error("something came from nothing")
			}
			return err
		})
		if !bytes.Equal(h.read(f), pattern(pieceSize+9)) {
			t.Error("the salvaged content differs")
		}
	})
}

func (h *house) reserveIn(tx *db.Tx) File {
	f, err := h.Reserve(tx, Draft{Org: "o", Purpose: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func TestExpiredFilesGo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f := h.save([]byte("x"))
		at := t0.Add(time.Minute)
		h.update(func(tx *db.Tx) error { return h.Expire(tx, f.ID, &at) })
		h.clock.Advance(time.Hour)
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := h.d.DB.View(t.Context(), func(tx *db.Tx) error { _, err := h.Get(tx, f.ID); return err })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("an expired file: %v", err)
		}
	})
}

func TestSafeNames(t *testing.T) {
	for in, want := range map[string]string{
		"diag.log": "diag.log", "": "x", "..": "x", "../..": "x", "/etc/passwd": "passwd", `C:\logs\a b.txt`: "a b.txt", "a\x00\nb": "ab", "x/../y": "y", "...": "x", `"<>|`: "x",
	} {
		if got := safeName(in, "x"); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		got := safeName(rapid.String().Draw(t, "name"), "x")
		if got == "" || len(got) > maxName || strings.ContainsAny(got, "/\\\x00\r\n") || got == ".." || got == "." {
			t.Fatalf("unsafe: %q", got)
		}
	})
}
