// Package simulator is the other end of every wire: charging stations and
// cars that speak OCPP 1.6, 2.0.1 and 2.1 over real websockets.
//
// It serves `forecourt demo` and `forecourt simulate`, the system tests and
// the load programs. A Station is one charging station with its EVSEs, its
// offline queue and its stored charging profiles; a Car is a battery with a
// charging curve; a Town drives arrivals, departures and faults over many
// stations from one seed, so that a run can be repeated. Time is an input
// (Clock), so that a day can pass in a second where no socket is involved.
//
// What a station says is built from the same neutral types as the platform
// uses (voice2.go) or from the 1.6 messages (voice16.go); physics and
// decisions live in station.go, evse.go and car.go and know no version.
package simulator
