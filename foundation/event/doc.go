// Package event tells what became true: facts, written in the transaction
// that made them true, numbered, and delivered to consumers.
//
// # Delivery
//
// A fact is handled at least once by each consumer, in the order of its
// number within a subject. The consumer's cursor moves in the transaction of
// the effect, by compare-and-set: an effect in the database happens exactly
// once, whatever crashes and however many nodes believe they are at work. An
// effect outside the database enqueues a job (foundation/job) in that
// transaction. A lease keeps one node at work per consumer; it saves work and
// is not needed for correctness.
//
// A fact that fails parks its subject: it is kept with its error and tried
// again after a growing pause, the subject's later facts queue behind it, and
// all other subjects go on. [Log.Parked] shows them, [Log.Retry] tries at once.
//
// # Order on PostgreSQL
//
// Numbers are drawn before the commit, so a lower number may become visible
// after a higher one. A reader therefore advances over numbers without a gap
// only. Seeing a gap it remembers the highest number it sees and takes a
// transaction id itself: who drew a missing number below had an id before,
// thus a lower one. When no transaction below runs any more (pg_snapshot_xmin
// has reached that id) what is still missing was rolled back.
//
// Tables: fact, fact_cursor, fact_parked.
package event
