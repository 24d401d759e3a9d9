// Package ocpi holds the wire types of OCPI as plain Go structs: no rules, no
// database, no HTTP. One struct per object serves 2.1.1, 2.2.1 and 2.3.0,
// since the later versions only add fields; which fields are set decides
// which version a value belongs to.
//
// Guarantees:
//   - Numbers are exact (unit.Decimal); no float is ever involved.
//   - Reading and writing a value loses nothing: fields this package does not
//     know are kept in Extra and written back. UnknownFields names them, for
//     edges that refuse what they do not understand.
//   - Optional numbers, booleans and objects are pointers; optional texts and
//     lists are absent when empty.
//
// Specification: OCPI 2.2.1 (branch release-2.2.1-bugfixes) mod_tariffs,
// mod_cdrs and types, with the additions of 2.3.0-ed2. The owner of the rules
// is tariff (prices) and billing (CDRs).
package ocpi
