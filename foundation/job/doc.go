// Package job does work later, at least once: calls to the outside, retries,
// periodic upkeep.
//
// A job is enqueued in a transaction and exists when that commits. A worker
// takes it with a lease, so that one node has it at a time; when the worker
// dies the lease runs out and another takes it. A handler may therefore run
// twice and must bear it. A job that fails is tried again after a growing
// pause; after the last attempt it stays, failed and visible ([Runner.Failed],
// [Runner.Retry]).
//
// A key makes a job unique within its kind: enqueued again while it waits it
// stays one job with the newest payload and the earlier time; while it runs,
// it runs once more afterwards.
//
// A job of the background (Job.Background) is one that nobody waits for. It
// has a line and a few hands of its own; so many begin a second ([Pace]), and
// hardly one on a node at which stations wait.
//
// [Runner.Every] is periodic work under a lease per name: one node at a time.
//
// Tables: job, job_periodic.
package job
