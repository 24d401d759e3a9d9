// Package location holds sites: the places where charging stations stand,
// with their address, coordinates, time zone, currency and electrical supply.
//
// A site decides in which local time a tariff's hours run and in which
// currency a session is priced, so both are always set: given, taken from
// the country, or taken from the organisation, in that order. Coordinates
// keep the digits they were given with (OCPI 2.2.1 GeoLocation).
//
// A request travels http.go → Service (permission, transaction, facts) →
// store.go (SQL). Get serves other rooms from a small cache; a change
// announces itself to every node.
//
// Table owned: site. Facts recorded: site.created, site.changed,
// site.deleted. None consumed.
package location
