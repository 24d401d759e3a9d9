package pki

import (
	"context"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/identity"
)

// Decide approves or rejects a request that waits for a person; a request
// that is queued may still be rejected. fault.Conflict when it is too late.
func (s *Service) Decide(ctx context.Context, request string, approve bool, why string) (r SigningRequest, err error) {
	caller, err := identity.Require(ctx, identity.CertificateWrite)
	if err != nil {
		return r, err
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		q, args := db.Build("SELECT "+requestColumns+" FROM pki_request WHERE id = ?", request).And(caller.Scope.Where("org")).SQL()
		if r, err = scanRequest(tx.QueryRow(q, args...)); fault.Is(err, fault.NotFound) {
			return fault.New(fault.NotFound, "pki.request", "there is no certificate request %q", request)
		} else if err != nil {
			return err
		}
		to, allowed := Rejected, r.Status == Waiting || r.Status == Queued
		if approve {
			to, why, allowed = Queued, "", r.Status == Waiting
		}
		moved := false
		if allowed {
			if moved, err = move(tx, r, to, why); err != nil {
				return err
			}
		}
		if !moved {
			return fault.New(fault.Conflict, "pki.request_state", "the request is %s; only one that waits can be decided", r.Status)
		}
		if err := identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(r.Org), Action: "certificate.request_" + map[bool]string{true: "approved", false: "rejected"}[approve], Subject: r.ID,
			Changes: map[string]identity.Change{"status": {r.Status, to}}}); err != nil {
			return err
		}
		if approve {
			if err := enqueueSign(tx, r); err != nil {
				return err
			}
		}
		if r, err = requestByID(tx, r.ID); err != nil || approve {
			return err
		}
		return recordRequest(tx, r, KindRequestFailed)
	})
	return r, err
}
