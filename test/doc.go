// Package test holds the whole-system scenarios: the real binary on both
// databases, driven over real sockets by stations that others wrote and by
// our own, and through the public API.
package test
