package device

import (
	"archive/zip"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/station"
)

// Bundle is a ZIP with everything that helps to find out what a station did.
type Bundle struct {
	ID, Org, Station string
	From, To         time.Time
	Frames           int64  // OCPP frames at most, the last ones
	State            string // queued, running, done, failed
	Progress         int64  // percent
	Reason           string
	File             string
	CreatedAt        time.Time
	FinishedAt       *time.Time
	Actor            string
}

const bundleColumns = "id, org, station, from_at, to_at, frames, state, progress, reason, file, created_at, finished_at, actor"

func scanBundle(row db.Scanner) (Bundle, error) {
	var b Bundle
	var from, to, created int64
	var end sql.NullInt64
	err := row.Scan(&b.ID, &b.Org, &b.Station, &from, &to, &b.Frames, &b.State, &b.Progress, &b.Reason, &b.File, &created, &end, &b.Actor)
	b.From, b.To, b.CreatedAt, b.FinishedAt = db.Time(from), db.Time(to), db.Time(created), db.TimePtr(end)
	return b, err
}

func bundleOf(tx *db.Tx, bundle string, scope db.Cond) (Bundle, error) {
	q, args := db.Build("SELECT "+bundleColumns+" FROM device_bundle WHERE id = ?", bundle).And(scope).SQL()
	b, err := scanBundle(tx.QueryRow(q, args...))
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "device.no_bundle", "there is no diagnostics bundle %q", clip(bundle, 60))
	}
	return b, err
}

func saveBundle(tx *db.Tx, b Bundle) error {
	return tx.Send("INSERT INTO device_bundle ("+bundleColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
		ON CONFLICT (id) DO UPDATE SET state=excluded.state, progress=excluded.progress, reason=excluded.reason, file=excluded.file, finished_at=excluded.finished_at`,
		b.ID, b.Org, b.Station, db.Micros(b.From), db.Micros(b.To), b.Frames, b.State, b.Progress, clip(b.Reason, 500), b.File, db.Micros(b.CreatedAt), db.NullMicros(b.FinishedAt), b.Actor)
}

const jobBundle = "device.bundle"

type bundleJob struct {
	Bundle string `json:"bundle"`
}

// makeBundle writes a bundle's ZIP into the file store while it is gathered.
func (s *Service) makeBundle(ctx context.Context, j job.Job) error {
	var p bundleJob
	if err := j.Decode(&p); err != nil {
		return err
	}
	var b Bundle
	err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) { b, err = bundleOf(tx, p.Bundle, db.Cond{}); return err })
	if err != nil || b.State == "done" || b.State == "failed" {
		return err
	}
	b.State = "running"
	if err := s.d.DB.Update(ctx, func(tx *db.Tx) error { return saveBundle(tx, b) }); err != nil {
		return err
	}
	out, in := io.Pipe()
	go func() { in.CloseWithError(s.fillBundle(ctx, b, in)) }()
	keep := s.d.DB.Now().Add(s.d.KeepLogs)
	name := fmt.Sprintf("%s-%s.zip", b.Station, b.To.Format("20060102T150405Z"))
	f, failure := s.d.Files.Save(ctx, file.Draft{Org: b.Org, Purpose: "bundle", Subject: b.ID, Name: name, ContentType: "application/zip", ExpiresAt: &keep}, out)
	out.CloseWithError(failure) // lets go of the writer when the store refused
	return s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		b.State, b.Progress, b.File, b.FinishedAt = "done", 100, f.ID, &tx.Now
		if failure != nil {
			b.State, b.File, b.Reason = "failed", "", "it could not be made"
			if known := fault.Of(failure); known != nil && known.Code == "file.quota" {
				b.Reason = known.Message
			}
			s.d.Log.Warn("a diagnostics bundle could not be made", "org", b.Org, "station", b.Station, "error", failure)
		}
		return saveBundle(tx, b)
	})
}

// section is one file of a bundle: JSON, a line per row.
type section struct {
	name string
	rows func(ctx context.Context, b Bundle, put func(v any) error) error
}

// fillBundle writes every section, and how far it is.
func (s *Service) fillBundle(ctx context.Context, b Bundle, w io.Writer) error {
	z := zip.NewWriter(w)
	sections := s.sections()
	for n, one := range sections {
		part, err := z.Create(one.name)
		if err != nil {
			return err
		}
		lines := json.NewEncoder(part)
		lines.SetEscapeHTML(false)
		err = one.rows(ctx, b, func(v any) error {
			clean, err := scrub(v)
			if err == nil {
				err = lines.Encode(clean)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
			return tx.Send("UPDATE device_bundle SET progress = $2 WHERE id = $1", b.ID, 90*(n+1)/len(sections))
		})
		if err != nil {
			return err
		}
	}
	if err := s.bundleLogs(ctx, b, z); err != nil {
		return err
	}
	return z.Close()
}

// rowsOf makes a section of a list of the room, restricted to the bundle's
// time by a column; empty: all.
func rowsOf[T any](s *Service, spec db.ListSpec, column string, scan func(db.Scanner) (T, error), body func(T) any) func(context.Context, Bundle, func(any) error) error {
	return func(ctx context.Context, b Bundle, put func(any) error) error {
		where := []db.Cond{{Text: "station = ?", Args: []any{b.Station}}}
		if column != "" {
			where = append(where, db.Cond{Text: column + " >= ? AND " + column + " <= ?", Args: []any{db.Micros(b.From), db.Micros(b.To)}})
		}
		for cursor := ""; ; {
			var rows []T
			err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
				rows, cursor, err = db.List(tx, spec, where, db.ListRequest{Limit: 500, Cursor: cursor}, scan)
				return err
			})
			for _, r := range rows {
				if err == nil {
					err = put(body(r))
				}
			}
			if err != nil || cursor == "" {
				return err
			}
		}
	}
}

// reader is a list of another room.
type reader func(ctx context.Context, id station.ID, req db.ListRequest) ([]any, string, error)

// pages makes a section of a list of another room, newest first.
func pages(read reader, column string, most int) func(context.Context, Bundle, func(any) error) error {
	return func(ctx context.Context, b Bundle, put func(any) error) error {
		ctx = identity.System(ctx, identity.OrgID(b.Org)) // whoever asked for the bundle was allowed to read all of it
		at := []db.Filter{{Field: column, Op: "gte", Value: b.From.Format(time.RFC3339Nano)}, {Field: column, Op: "lte", Value: b.To.Format(time.RFC3339Nano)}}
		cursor := ""
		for n := 0; n < most; {
			// The limit is always the same, since cursors belong to one request.
			rows, next, err := read(ctx, station.ID(b.Station), db.ListRequest{Limit: 500, Filters: at, Cursor: cursor})
			if err != nil {
				return err
			}
			for _, r := range rows[:min(len(rows), most-n)] {
				if err := put(r); err != nil {
					return err
				}
			}
			n += len(rows)
			if cursor = next; next == "" {
				return nil
			}
		}
		return nil
	}
}

// listed adapts a list of a room to a section.
func listed[T any](list []T, next string, err error) ([]any, string, error) {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out, next, err
}

// sections are the parts of a bundle. Secrets were masked when variables and
// frames were stored; scrub finds what commands hold.
func (s *Service) sections() []section {
	return []section{
		{"station.jsonl", s.stationSection},
		{"variables.jsonl", rowsOf(s, variableSpec, "", scanVariable, func(v Variable) any { return variableBodyOf(v) })},
		{"variable_history.jsonl", rowsOf(s, historySpec, "at", scanPast, func(v pastBody) any { return v })},
		{"boots.jsonl", rowsOf(s, bootSpec, "at", scanBoot, func(v bootBody) any { return v })},
		{"security_events.jsonl", rowsOf(s, securitySpec, "received_at", scanSecurity, func(v securityBody) any { return v })},
		{"notices.jsonl", rowsOf(s, noticeSpec, "at", scanNotice, func(v noticeBody) any { return v })},
		{"firmware.jsonl", rowsOf(s, taskSpec, "created_at", scanTask, func(v Task) any { return taskBodyOf(v) })},
		{"logs.jsonl", rowsOf(s, logSpec, "created_at", scanLog, func(v Log) any { return logBodyOf(v) })},
		{"status.jsonl", pages(func(ctx context.Context, id station.ID, req db.ListRequest) ([]any, string, error) {
			return listed(s.d.Stations.History(ctx, id, req))
		}, "at", 20_000)},
		{"commands.jsonl", pages(func(ctx context.Context, id station.ID, req db.ListRequest) ([]any, string, error) {
			return listed(s.d.Stations.Commands(ctx, id, req))
		}, "created_at", 5000)},
		{"sessions.jsonl", pages(func(ctx context.Context, id station.ID, req db.ListRequest) ([]any, string, error) {
			if s.d.Sessions == nil {
				return nil, "", nil
			}
			req.Filters = append(req.Filters, db.Filter{Field: "station_id", Value: string(id)})
			return s.d.Sessions(ctx, req)
		}, "started_at", 5000)},
		{"frames.jsonl", func(ctx context.Context, b Bundle, put func(any) error) error {
			return pages(func(ctx context.Context, id station.ID, req db.ListRequest) ([]any, string, error) {
				return listed(s.d.Stations.ReadMessages(ctx, id, req))
			}, "at", int(b.Frames))(ctx, b, put)
		}},
	}
}

func (s *Service) stationSection(ctx context.Context, b Bundle, put func(any) error) error {
	v, err := s.d.Stations.Read(identity.System(ctx, identity.OrgID(b.Org)), station.ID(b.Station))
	if err != nil {
		return err
	}
	var known state
	if err := s.d.DB.View(ctx, func(tx *db.Tx) (err error) { known, err = stateOf(tx, b.Station); return err }); err != nil {
		return err
	}
	return put(map[string]any{"bundle": map[string]any{"from": b.From, "to": b.To, "made_at": b.CreatedAt}, "station": v, "device": known})
}

// bundleLogs puts the latest log files into the ZIP.
func (s *Service) bundleLogs(ctx context.Context, b Bundle, z *zip.Writer) error {
	var found []file.File
	err := s.d.DB.View(ctx, func(tx *db.Tx) error {
		logs, err := db.Collect(tx, scanLog, "SELECT "+logColumns+" FROM device_log WHERE station = $1 AND file <> '' AND state IN ('uploaded','partial') AND created_at <= $2 ORDER BY created_at DESC LIMIT 3", b.Station, db.Micros(b.To))
		for _, l := range logs {
			f, failure := s.d.Files.Get(tx, l.File)
			if failure == nil && f.CompletedAt != nil {
				found = append(found, f)
			}
		}
		return err
	})
	for n, f := range found {
		if err != nil {
			return err
		}
		var part io.Writer
		if part, err = z.Create(fmt.Sprintf("logs/%d-%s", n+1, f.Name)); err != nil {
			return err
		}
		var content *file.Reader
		if content, err = s.d.Files.Open(ctx, f); err == nil {
			_, err = io.Copy(part, content)
		}
	}
	return err
}
