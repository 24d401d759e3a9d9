// Package reservation keeps EVSEs for somebody: a token, or anyone of its
// group, has one from now until it begins to charge, gives it up, or the time
// is over.
//
// # Who keeps it
//
// The station, when it can: ReserveNow goes out in its own version, under an
// int32 number of the station's own (field note 19). A station that has no
// reservations leaves it to the platform: the port shows as reserved, and
// access refuses other tokens there. The platform refuses them in either
// case, since a station may have forgotten.
//
// # When the two disagree
//
// A reservation ends here first. What the station may still hold (at_station)
// is cancelled there as soon as it can be reached: after its next connection
// or boot, or by a job. Those that are still running are told to it again
// after a boot; the same number replaces, it never doubles. Expiry is kept on
// both sides.
//
// OCPP 2.0.1 H01–H04; OCPP 1.6 §5.13, §5.3.
//
// Tables owned: reservation, reservation_counter. Facts recorded:
// reservation.active, reservation.used, reservation.cancelled,
// reservation.expired, reservation.rejected (payload Told). Consumed:
// session.started, station.connected, station.boot.
package reservation
