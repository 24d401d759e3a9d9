package identity

import "time"

// RoleID is a built-in role's name, or the UUID of a custom one.
type RoleID string

// Role is a named set of permissions. Custom roles belong to an organisation
// and can be used in it and below it.
type Role struct {
	ID          RoleID
	Org         OrgID
	Name        string
	Description string
	Permissions Set
	Builtin     bool
	CreatedAt   time.Time
}

// Owner is the role that may do everything.
const Owner RoleID = "owner"

var (
	reading = SetOf(StationRead, SiteRead, SessionRead, ReservationRead, EventRead)
	running = reading.Union(SetOf(StationCommand, StationMessage, DeviceRead, DiagnosticsRead, TokenRead, ReservationWrite))
)

// builtin are the roles every installation has. Each gets what its work
// needs and no more.
var builtin = []Role{
	{ID: Owner, Name: "Owner", Description: "Everything, the installation included.", Permissions: SetOf(all...)},
	{ID: "admin", Name: "Administrator", Description: "Everything in the organisation and below.",
		Permissions: SetOf(all...).Without(SetOf(SystemRead))},
	{ID: "network-manager", Name: "Network manager", Description: "Runs stations, sites, tokens and prices.",
		Permissions: running.Union(SetOf(StationWrite, DeviceWrite, FirmwareWrite, CertificateRead, CertificateWrite, SiteWrite, TokenWrite, TariffRead, TariffWrite, SessionWrite, CDRRead, OrganisationRead, UserRead))},
	{ID: "station-manager", Name: "Station manager", Description: "Runs the stations of given sites.",
		Permissions: running.Union(SetOf(StationWrite, DeviceWrite, FirmwareWrite, CertificateRead, TariffRead))},
	{ID: "operator", Name: "Operator", Description: "Watches the network and acts on stations and sessions.",
		Permissions: running.Union(SetOf(SessionWrite, TariffRead))},
	{ID: "technician", Name: "Field technician", Description: "Repairs: commands, configuration, message log.",
		Permissions: SetOf(StationRead, StationCommand, StationMessage, DeviceRead, DeviceWrite, DiagnosticsRead, FirmwareWrite, CertificateRead, SiteRead, SessionRead, EventRead)},
	{ID: "installer", Name: "Installer", Description: "Creates stations and puts them into service.",
		Permissions: SetOf(StationRead, StationWrite, StationCommand, StationMessage, DeviceRead, DeviceWrite, CertificateRead, SiteRead)},
	{ID: "connections-officer", Name: "Connections officer", Description: "Decides which drivers and tokens may charge.",
		Permissions: SetOf(TokenRead, TokenWrite, SessionRead, StationRead, SiteRead)},
	{ID: "support", Name: "Driver support", Description: "Helps drivers: sees sessions and prices, starts, stops and unlocks.",
		Permissions: running.Union(SetOf(SessionWrite, TariffRead, CDRRead))},
	{ID: "billing", Name: "Billing", Description: "Sees sessions, prices and charge detail records.",
		Permissions: SetOf(SessionRead, CDRRead, TariffRead, SiteRead, StationRead, OrganisationRead)},
	{ID: "pricing-manager", Name: "Pricing manager", Description: "Sets prices.",
		Permissions: SetOf(TariffRead, TariffWrite, SessionRead, CDRRead, SiteRead, StationRead)},
	{ID: "analyst", Name: "Analyst", Description: "Reads everything about stations, sessions and money.",
		Permissions: reading.Union(SetOf(DeviceRead, TariffRead, CDRRead, OrganisationRead))},
	{ID: "auditor", Name: "Auditor", Description: "Reads who may do what and who did what.",
		Permissions: SetOf(AuditRead, OrganisationRead, UserRead, RoleRead, KeyRead, CertificateRead)},
	{ID: "viewer", Name: "Viewer", Description: "Sees stations, sites and sessions.", Permissions: reading},
}

var builtinByID = func() map[RoleID]Role {
	m := make(map[RoleID]Role, len(builtin))
	for _, r := range builtin {
		r.Builtin = true
		m[r.ID] = r
	}
	return m
}()

// BuiltinRoles lists the roles every installation has.
func BuiltinRoles() []Role {
	out := make([]Role, len(builtin))
	for i, r := range builtin {
		out[i] = builtinByID[r.ID]
	}
	return out
}
