package pki

import (
	"context"
	"errors"
	"slices"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// BringServerRoots puts the roots under which a station can check the
// certificate of our server on it, where its list lacks them: those that
// people named for the connection, and our own when the server's certificate
// is of our own authority. It is called before a station moves to TLS, which
// a station without a root refuses (OCPP 2.0.1 A05.FR.02). refused says what the
// station did not take; that may be no harm, since it may know the root of
// its maker. err only when the station was not reached.
func (s *Service) BringServerRoots(ctx context.Context, station string) (refused string, err error) {
	st, err := s.d.Station(ctx, station)
	if err != nil {
		return "", err
	}
	want, _, err := s.rootsFor(ctx, st, s.d.InstallOwnRoot || s.d.ServesOwn)
	if err != nil {
		return "", err
	}
	want = slices.DeleteFunc(want, func(w wantedRoot) bool { return w.purpose != purposeCSMS })
	if len(want) == 0 {
		return "", nil
	}
	list, err := s.readInstalled(ctx, st.ID)
	var no *ocpp.CallError
	if fault.Is(err, fault.Unsupported) || errors.As(err, &no) {
		return "the station does not tell its certificates: " + messageOf(err), nil
	}
	if err != nil {
		return "", err
	}
	var has []Installed
	keep := func(tx *db.Tx) (err error) {
		if err = saveInstalled(tx, st, list); err == nil {
			has, err = installedOn(tx, st.ID)
		}
		return err
	}
	if err := s.d.DB.Update(ctx, keep); err != nil {
		return "", err
	}
	missing := planRoots(has, want, nil).install
	if len(missing) == 0 {
		return "", nil
	}
	if refused, err = s.installRoots(ctx, st, missing); err != nil {
		return "", err
	}
	if list, err = s.readInstalled(ctx, st.ID); err != nil {
		return refused, nil // what is there now is read again at its next boot
	}
	return refused, s.d.DB.Update(ctx, keep)
}
