// Package identity knows who is calling and what they may do.
//
// Organisations form one tree; the root is made at the first start. People
// (users) and API keys act in an organisation through a role: a named set of
// permissions. A role reaches the organisation it was granted in and
// everything below it. A caller can hand on only what they have, at or below
// where they have it.
//
// How a request travels: web calls Service.Guard, which finds the caller by
// API key or session cookie, settles the active organisation (the header
// Forecourt-Organisation, else the session's, else the caller's own), and
// checks the route's permission. The Caller then travels in the context;
// rooms read it with Require and add Caller.Scope.Where to every statement,
// so that rows of other organisations do not exist for them.
//
// Secrets: passwords are argon2id hashes; keys and session tokens are random
// and kept as SHA-256. Lookups are cached for five seconds; a change on this
// node empties the cache at once.
//
// Owned tables: organisation, person, role, role_grant, api_key, sign_in,
// sign_in_throttle, audit_entry.
//
// Recorded facts, with the subject's id and its fields as payload:
// organisation.created, organisation.changed, user.created, user.changed,
// role.created, role.changed, role.deleted, apikey.created, apikey.revoked.
package identity
