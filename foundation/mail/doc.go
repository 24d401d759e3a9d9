// Package mail sends e-mail over SMTP (RFC 5321).
//
// Send returns when the server has taken the message or said why not; it
// does not queue. Rooms send from a job, so that a mail is tried again and
// belongs to the transaction that wished for it.
//
// Without a configured host every Send fails with fault.Unavailable, code
// "mail.not_configured": the caller can tell people so instead of promising
// a mail that never comes.
package mail
