package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Permission is the right to do one kind of thing, "noun.verb".
type Permission string

// The permissions. They are untyped so that they fit web.Op as well.
const (
	StationRead       = "station.read"
	StationWrite      = "station.write"
	StationCommand    = "station.command" // make a station do something
	StationMessage    = "station.message" // read the message log
	DeviceRead        = "device.read"
	DeviceWrite       = "device.write"
	FirmwareWrite     = "firmware.write" // put firmware images and updates on stations
	SiteRead          = "site.read"
	SiteWrite         = "site.write"
	TokenRead         = "token.read"
	TokenWrite        = "token.write"
	TariffRead        = "tariff.read"
	TariffWrite       = "tariff.write"
	SessionRead       = "session.read"
	SessionWrite      = "session.write"
	CDRRead           = "cdr.read"
	OrganisationRead  = "organisation.read"
	OrganisationWrite = "organisation.write"
	UserRead          = "user.read"
	UserWrite         = "user.write"
	RoleRead          = "role.read"
	RoleWrite         = "role.write"
	KeyRead           = "apikey.read"
	KeyWrite          = "apikey.write"
	EventRead         = "event.read"
	AuditRead         = "audit.read"
	SystemRead        = "system.read"
	DiagnosticsRead   = "diagnostics.read" // all that is known of a station in one file, sessions included
	ReservationRead   = "reservation.read"
	ReservationWrite  = "reservation.write" // reserve and cancel
	CertificateRead   = "certificate.read"
	CertificateWrite  = "certificate.write" // sign, revoke, install; trust roots
)

// all lists every permission. Its order is only the order of bits in a Set,
// which is never stored.
var all = []Permission{
	StationRead, StationWrite, StationCommand, StationMessage, DeviceRead, DeviceWrite, FirmwareWrite, SiteRead, SiteWrite,
	TokenRead, TokenWrite, TariffRead, TariffWrite, SessionRead, SessionWrite, CDRRead,
	OrganisationRead, OrganisationWrite, UserRead, UserWrite, RoleRead, RoleWrite, KeyRead, KeyWrite,
	EventRead, AuditRead, SystemRead, DiagnosticsRead, ReservationRead, ReservationWrite, CertificateRead, CertificateWrite,
}

var bitOf = func() map[Permission]int {
	m := make(map[Permission]int, len(all))
	for i, p := range all {
		m[p] = i
	}
	return m
}()

// Set is a set of permissions. The zero value is empty; Sets compare with ==.
type Set [4]uint64

// SetOf makes a set; unknown permissions are left out.
func SetOf(ps ...Permission) Set {
	var s Set
	for _, p := range ps {
		if i, ok := bitOf[p]; ok {
			s[i/64] |= 1 << (i % 64)
		}
	}
	return s
}

// Has reports whether p is in s; never for a permission that does not exist.
func (s Set) Has(p Permission) bool {
	i, ok := bitOf[p]
	return ok && s[i/64]&(1<<(i%64)) != 0
}

// Union gives what is in either.
func (s Set) Union(o Set) Set {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// Covers reports whether everything in o is in s too.
func (s Set) Covers(o Set) bool {
	for i := range s {
		if o[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

// Without gives what is in s and not in o.
func (s Set) Without(o Set) Set {
	for i := range s {
		s[i] &^= o[i]
	}
	return s
}

// List gives the permissions in order of name.
func (s Set) List() []Permission {
	out := []Permission{}
	for _, p := range all {
		if s.Has(p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// String lists the permissions, separated by commas.
func (s Set) String() string {
	names := make([]string, 0, len(all))
	for _, p := range s.List() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// parseSet reads permissions given by a person; an unknown one is a fault
// that lists those there are.
func parseSet(location string, names []Permission) (Set, error) {
	bad := fault.New(fault.Invalid, "role.permissions", "There are permissions in the list that do not exist.")
	for i, p := range names {
		if _, ok := bitOf[p]; !ok {
			bad.With(fmt.Sprintf("%s[%d]", location, i), "is not a permission; allowed: "+SetOf(all...).String(), p)
		}
	}
	if len(bad.Fields) > 0 {
		return Set{}, bad
	}
	return SetOf(names...), nil
}

// MarshalJSON writes the list.
func (s Set) MarshalJSON() ([]byte, error) { return json.Marshal(s.List()) }

// UnmarshalJSON reads a list and leaves out permissions that no longer exist.
func (s *Set) UnmarshalJSON(b []byte) error {
	var names []Permission
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	*s = SetOf(names...)
	return nil
}
