// Package retain removes what is older than the installation keeps, and tells
// how much room everything takes.
//
// A room's service has a method Stores() []Store, which app collects. A Store
// is a name, the group whose setting (--<group>-retention) says for how long,
// the tables, and how to remove what is older than an instant. For a plain
// table that is one line:
//
//	retain.Rows{Name: "boots", Group: "history", Table: "device_boot", At: "at"}.Store(d)
//
// Other deletions (whole partitions, streams of samples) give Delete
// themselves. The room alone knows what must stay although it is old.
//
// Keeper.Run goes over the stores that are due, once a day each. Every step
// is a short transaction, so that nobody waits and a stop loses nothing: the
// next run goes on where this one ended. A store that fails does not hold up
// the others. On SQLite the space that became free is given back to the file
// system when the file was made with auto_vacuum=INCREMENTAL.
//
// Tables owned: retention_run, retention_size.
package retain
