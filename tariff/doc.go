// Package tariff turns usage into money: what a tariff is, which one applies,
// and what a session costs under it, cent by cent and explained.
//
// Price is the one pricing engine of Forecourt. It is pure: a Tariff, a Usage,
// the location's time zone and a Context in, a Cost out. Quotes, running
// costs, CDRs and re-rating all go through it. Its rules are OCPI 2.2.1
// (mod_tariffs, mod_cdrs) with tax_included of 2.3.0; where the text leaves
// room, the comment on Price says what we do.
//
// What OCPI has no words for (Extension) is kept under the field "forecourt"
// of a tariff and of its elements. ToOCPI and ToOCPP give what partners and
// stations get, and list what is lost. Everything a price depends on comes in
// through Usage and Context; who used what of an allowance is counted here
// (Counted, Count) and told by whoever prices.
//
// Tables: tariff, tariff_version, tariff_assignment, tariff_allowance.
//
// How it works: each measured period is cut wherever a restriction can change
// (local time of day, midnight, a change of the zone's offset, an amount of
// energy, a duration). Between cuts the same components apply. Quantities are
// kept exact, as fractions where a cut falls between two integers, and money
// is computed once per component from its total.
package tariff
