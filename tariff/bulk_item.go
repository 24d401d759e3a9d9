package tariff

import (
	"context"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/ocpi"
)

// applyItem does one planned thing. Nothing is written when it refuses.
func (s *Service) applyItem(ctx context.Context, tx *db.Tx, b BulkChange, x *bulkItem) error {
	if x.Kind == "version" {
		n, err := s.rewrite(ctx, tx, x.Plan.UID, x.Plan.Number, *x.Plan.OCPI, b.CreatedBy)
		x.Undo = itemUndo{Number: n}
		return err
	}
	v, err := newest(tx, x.Plan.UID)
	if err != nil {
		return err
	}
	p := x.Plan.place()
	if err := s.lawful(tx, p, v.Tariff, AudienceDefault); err != nil {
		return err
	}
	now, err := overlapping(tx, Assignment{Place: p, From: tx.Now})
	if err != nil {
		return err
	}
	if len(now) > 1 || len(now) == 1 && (now[0].To != nil || now[0].From.After(tx.Now)) {
		return fault.New(fault.Conflict, "tariff.overlap", "another assignment is planned at %s", x.Target)
	}
	x.Undo = itemUndo{}
	if len(now) == 1 {
		if x.Undo.Previous, err = assignedUID(tx, now[0].ID); err != nil {
			return err
		}
		if x.Undo.Previous == x.Plan.UID {
			x.Undo.Previous = ""
			return nil // so already
		}
		if err := endRow(tx, "tariff_assignment", now[0].ID, tx.Now); err != nil {
			return err
		}
	}
	from := tx.Now
	if len(now) == 0 {
		from = time.Time{} // the first of a place holds since ever, as Assign does
	}
	x.Undo.Assignment, err = s.assignNow(ctx, tx, p, v, b.CreatedBy, from)
	return err
}

// revertItem takes back what applyItem did, unless somebody has changed it since.
func (s *Service) revertItem(ctx context.Context, tx *db.Tx, b BulkChange, x *bulkItem) error {
	if x.Kind == "version" {
		old, err := versionNumbered(tx, x.Plan.UID, x.Plan.Number)
		if err != nil {
			return err
		}
		_, err = s.rewrite(ctx, tx, x.Plan.UID, x.Undo.Number, old.Tariff.Source, b.CreatedBy)
		return err
	}
	if x.Undo.Assignment == "" {
		return nil
	}
	a, err := assignmentByID(tx, x.Undo.Assignment, visibleAlways)
	if err != nil {
		return err
	}
	if a.To != nil {
		return fault.New(fault.Conflict, "tariff.changed_since", "the assignment at %s was ended since", x.Target)
	}
	if err := endRow(tx, "tariff_assignment", a.ID, tx.Now); err != nil {
		return err
	}
	now := tx.Now
	a.To = &now
	if err := s.noteAssignment(ctx, tx, KindUnassigned, a); err != nil || x.Undo.Previous == "" {
		return err
	}
	v, err := newest(tx, x.Undo.Previous)
	if err != nil {
		return err
	}
	_, err = s.assignNow(ctx, tx, x.Plan.place(), v, b.CreatedBy, tx.Now)
	return err
}

// rewrite writes a new version of a tariff whose newest one is still that
// which was planned on.
func (s *Service) rewrite(ctx context.Context, tx *db.Tx, u uid, planned int, o ocpi.Tariff, actor string) (int, error) {
	now, err := newest(tx, u)
	if err != nil {
		return 0, err
	}
	if now.Number != planned {
		return 0, fault.New(fault.Conflict, "tariff.changed_since", "the tariff %q has a newer version than the change was made for", now.Tariff.ID)
	}
	if now.From.After(tx.Now) {
		return 0, plannedFault(now)
	}
	o.LastUpdated = ocpi.At(tx.Now.Truncate(time.Second))
	t, err := Check(o)
	if err != nil {
		return 0, err
	}
	if err := s.stillLawful(tx, u, t); err != nil {
		return 0, err
	}
	v := Version{ID: id.New[VersionID](tx.Now), uid: u, Org: now.Org, Tariff: t, From: tx.Now, CreatedAt: tx.Now, CreatedBy: actor}
	if v.Number, err = nextVersion(tx, u, string(t.Currency)); err == nil {
		err = insertVersion(tx, v)
	}
	return v.Number, s.note(ctx, tx, err, KindChanged, "tariff.changed", v)
}

// plannedFault says that the newest version of a tariff does not hold yet: a
// change made from it would bring its prices forward.
func plannedFault(v Version) error {
	return fault.New(fault.Conflict, "tariff.version_planned", "The tariff %q has a version that holds from %s; change it after that, or by hand.", v.Tariff.ID, v.From.Format(time.RFC3339))
}

// assignNow puts a tariff in force at a place until further notice.
func (s *Service) assignNow(ctx context.Context, tx *db.Tx, p Place, v Version, actor string, from time.Time) (string, error) {
	a := Assignment{ID: newID(tx), Place: p, Tariff: v.Tariff.ID, TariffOrg: v.Org, From: from, CreatedAt: tx.Now, CreatedBy: actor}
	if err := insertAssignment(tx, a, v.uid); err != nil {
		return "", err
	}
	return a.ID, s.noteAssignment(ctx, tx, KindAssigned, a)
}

func assignedUID(tx *db.Tx, assignment string) (u uid, err error) {
	err = tx.QueryRow(`SELECT tariff FROM tariff_assignment WHERE id = $1`, assignment).Scan((*string)(&u))
	return u, err
}

func versionNumbered(tx *db.Tx, u uid, n int) (Version, error) {
	var v Version
	err := scanVersionInto(tx.QueryRow("SELECT "+versionColumns+" FROM tariff t JOIN tariff_version v ON v.tariff = t.uid WHERE t.uid = $1 AND v.version = $2", string(u), n), &v)
	return v, err
}
