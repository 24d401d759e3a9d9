package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// restClient calls a platform's public API; the demonstration and the
// simulator use it as a customer would.
type restClient struct {
	base, key string
}

var restHTTP = &http.Client{Timeout: 30 * time.Second}

func (c *restClient) do(ctx context.Context, method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.base, "/")+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := restHTTP.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "rest.unreachable", "%s does not answer", c.base)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		kind := fault.Internal
		if res.StatusCode == http.StatusConflict {
			kind = fault.Conflict
		}
		return fault.New(kind, "rest.refused", "%s %s was answered %s: %s", method, path, res.Status, text)
	}
	if into == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, into)
}

func (c *restClient) post(ctx context.Context, path string, body, into any) error {
	return c.do(ctx, http.MethodPost, path, body, into)
}

// empty reports whether a list has no item yet.
func (c *restClient) empty(ctx context.Context, path string) (bool, error) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	err := c.do(ctx, http.MethodGet, path+"?limit=1", nil, &list)
	return len(list.Items) == 0, err
}

// tariff stores a tariff, if it is not there, and assigns it to a site.
func (c *restClient) tariff(ctx context.Context, ocpi, site string) error {
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(ocpi), &made); err != nil {
		return fmt.Errorf("demonstration tariff: %w", err)
	}
	if err := c.post(ctx, "/api/v1/tariffs", json.RawMessage(ocpi), &made); err != nil && !conflict(err) {
		return err
	}
	return c.post(ctx, "/api/v1/tariff-assignments", map[string]any{"tariff": made.ID, "site": site}, nil)
}

func conflict(err error) bool { return fault.Is(err, fault.Conflict) }
