package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// API calls the platform's public API.
type API struct {
	base, key string
	client    *http.Client
}

func NewAPI(base, key string, transport http.RoundTripper) *API {
	return &API{base: strings.TrimRight(base, "/"), key: key, client: &http.Client{Timeout: 15 * time.Minute, Transport: transport}}
}

func (a *API) Do(ctx context.Context, method, path, media string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	text, err := a.send(req)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Raw gets what is not JSON.
func (a *API) Raw(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return nil, err
	}
	return a.send(req)
}

func (a *API) send(req *http.Request) ([]byte, error) {
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s was answered %s: %.500s", req.Method, req.URL.Path, res.Status, text)
	}
	return text, nil
}

// List pages through a list of the API and gives each page to take.
func List[T any](ctx context.Context, a *API, path string, limit int, take func(items []T) error) error {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	for {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		if err := a.Do(ctx, http.MethodGet, path+"?"+query.Encode(), "", nil, &page); err != nil {
			return err
		}
		if err := take(page.Items); err != nil || page.Next == "" {
			return err
		}
		query.Set("cursor", page.Next)
	}
}

// ImportFile is how many rows go into one file: an import is one transaction.
const ImportFile = 20_000

// ImportRows sends CSV files of at most ImportFile rows.
func (a *API) ImportRows(ctx context.Context, path, head string, count int, row func(b *bytes.Buffer, i int)) error {
	for from := 0; from < count; from += ImportFile {
		var b bytes.Buffer
		b.WriteString(head + "\n")
		for i := from; i < min(from+ImportFile, count); i++ {
			row(&b, i)
			b.WriteByte('\n')
		}
		if err := a.Do(ctx, http.MethodPost, path, "text/csv", b.Bytes(), nil); err != nil {
			return fmt.Errorf("importing rows %d and on: %w", from, err)
		}
	}
	return nil
}

// Metrics reads the platform's counters whose names begin with prefix, by
// their whole name with labels. Gauges and histogram buckets are among them.
func (a *API) Metrics(ctx context.Context, prefix string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /metrics was answered %s: %w", res.Status, err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || !strings.HasPrefix(name, prefix) {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out, nil
}
