// Package billing turns settled sessions into charge detail records (CDRs).
//
// A session.ended fact says that nothing more is waited for. Its usage is
// priced by the tariff version that was locked at the session's start, in the
// time zone of its site, and sealed as an OCPI 2.2.1 CDR with a number of its
// own within the organisation. A CDR is never changed: if a late message
// reopens the session and the settled result differs, a credit takes the CDR
// back and a new one is issued; if nothing that is billed differs, nothing
// happens. A session without a tariff gets a CDR of price zero that says so.
//
// Rounding: a line is rounded once, half up to a millionth; the total once,
// half up to the currency's smallest unit (tariff.Rounding). Volumes in the
// OCPI form have four decimals, rounded along the running total so that the
// periods add up to the whole.
//
// What was shown is what is billed: a price that the quote stored at the
// session's start does not give is held back until a person releases it
// (integrity, held).
//
// Tables: cdr, cdr_sequence, cdr_held. Facts recorded: cdr.issued (payload
// Issued), billing.cdr_held and billing.cdr_released (payload HeldBack).
// Facts consumed: session.ended.
// Specification: OCPI 2.2.1 mod_cdrs.
package billing
