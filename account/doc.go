// Package account knows who drives.
//
// A Driver is a person or a role ("pool car 7") whom tokens and sessions can
// name. Companies, groups and connections to other systems come with later
// issues; nothing here presumes that a driver signs in.
//
// Owned tables: driver.
// Recorded facts: driver.created, driver.changed, driver.deleted (payload
// Changed). Consumed facts: none.
package account
