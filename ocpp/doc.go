// Package ocpp is the language between the platform and charging stations.
//
// Everything above the dialects speaks OCPP 2.1 terms, whatever version the
// station speaks: the messages and types of the 2.1 schemas are generated
// here (*_gen.go, by tools/ocppgen) and the dialects v16, v201 and v21
// translate. Where 1.6 knows something that 2.1 cannot say, a hand-written
// type carries it beside the message: TransactionEvent, TransactionReply,
// StatusNotification.
//
// Generated structs: a required scalar is a value, an optional one a pointer;
// optional strings, enumerations and lists are empty when absent. JSON
// numbers are exact unit.Decimal, instants DateTime. Validate gives what the
// schema forbids; we send only what validates. What stations send is read by
// Conform, which repairs what it can and names every deviation.
//
// The 2.x dialects differ so little that they share an engine, Translator.
// A transaction, a status or a reply that is wrong in a way we can live with
// is served and reported (CSMS.Deviation); a CALLERROR is for what cannot be
// acted on, since a station may repeat it for ever.
//
// Two interfaces turn arrows round: CSMS is what a station may ask of the
// platform, Commander what the platform may ask of a station.
package ocpp

//go:generate go run ../tools/ocppgen -schemas $FORECOURT_SHARED/data/ocpp/2.1 -version 2.1 -package ocpp -out .
