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
// How it works: each measured period is cut wherever a restriction can change
// (local time of day, midnight, a change of the zone's offset, an amount of
// energy, a duration). Between cuts the same components apply. Quantities are
// kept exact, as fractions where a cut falls between two integers, and money
// is computed once per component from its total.
//
// # Who pays what
//
// A tariff group, bound to organisations, sites, stations or EVSEs, says what
// each audience pays; an assignment is the default of a group without a name.
// Choose takes one: override, partner, fleet, subscription, driver group,
// roaming, ad hoc, default, and within an audience the most specific place.
// Rows are ended, never changed, so that any past decision can be repeated. A
// session keeps the version it started with.
//
// A tariff may follow a price series. What it says at the start of a session
// is then written down as a snapshot, under an id made from its content.
//
// What a market allows is data with sources (market.json). A tariff that
// breaks a rule of its place is refused with the article.
//
// # The past under other prices
//
// Every session.ended leaves its usage here, packed. A back-test prices a
// period of them again on all cores; the wizard does so with its suggestions.
//
// Tables owned: tariff, tariff_version, tariff_assignment, tariff_group,
// tariff_group_place, tariff_group_entry, tariff_member, tariff_override,
// tariff_snapshot, tariff_series, tariff_series_point, tariff_dynamic,
// tariff_site_market, tariff_market_profile, tariff_change,
// tariff_change_item, tariff_usage, tariff_backtest, tariff_allowance,
// tariff_holder. Facts recorded:
// tariff.changed, tariff.retired, tariff.assigned, tariff.unassigned,
// tariff.group_changed, tariff.member_changed, tariff.override_changed,
// tariff.market_changed, tariff.series_fed, tariff.series_late,
// tariff.change_done. Consumed: session.ended.
package tariff
