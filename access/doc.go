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
// # Local lists
//
// A station that keeps a local authorisation list is sent the active tokens
// of its organisation, of those above and of those below: those that were
// used lately and those of drivers first when they are more than fit. What it
// has is remembered; after each boot it is asked for its version, and a
// version that is missing or another one has the whole list sent again, in
// messages of the size that it states (field note 20). Otherwise only what
// changed is sent: a token that may charge no longer at once, the others
// together after a while. So a token that is on the list charges offline, and
// one that is unknown to the station follows the station's own variables
// (AllowOfflineTxForUnknownId, then StopTxOnInvalidId when it is back); the
// session room keeps and prices whatever was charged.
//
// OCPP 2.0.1 D01, D02; OCPP 1.6 §3.5.3, §5.10, §5.15.
//
// OCPP 2.0.1 C01–C07, C09 (groups), C16; OCPP 1.6 §4.1, §5.1.
//
// Owned tables: id_token, token_use, token_grant, access_policy,
// local_list, local_list_entry, token_seen.
// Recorded facts: token.created, token.changed, token.blocked, token.deleted
// (payload Changed). Consumed facts: its own, station.boot, station.connected.
package access
