// Package access decides who may charge.
//
// It owns the tokens that identify drivers (cards, contracts, keys, cars),
// and three things that other rooms write through it: which sessions use a
// token just now, which tokens the platform itself has asked a station to
// start with, and where strangers may charge.
//
// How a decision travels: session calls Decide in the transaction that stores
// the start, so that two starts of one token cannot both be the first: the
// token's row is locked, its uses are counted, and the use is taken, all
// before the commit. A refusal is an answer, never a reason not to store.
// Authorize is the same rule without taking a use.
//
// A use is a lease. It counts while its station is heard of; a station that
// went silent with an open session does not lock the driver out elsewhere.
// Nor does a session on the very EVSE that asks again: there the earlier one
// is over, whatever became of its stop.
//
// OCPP 2.0.1 C01–C07, C09 (groups), C16; OCPP 1.6 §4.1, §5.1.
//
// Owned tables: id_token, token_use, token_grant, access_policy.
// Recorded facts: token.created, token.changed, token.blocked, token.deleted
// (payload Changed). Consumed facts: none.
package access
