// Package rig is what the load and the fault programs stand on: server
// processes of this same program, the public API as a customer calls it, the
// station's end of a websocket, a NATS server beside them.
//
// Nothing of the platform is imported here: bench and trial see it over
// sockets, as stations and customers do.
package rig
