// Package v16 is the OCPP 1.6 dialect (OCPP-J edition 2, with the Security
// Whitepaper edition 3). Its types are generated from the schemas; what they
// mean in the neutral terms of package ocpp is written by hand.
//
// Connectors: connector n is EVSE n with its connector 1 unless the station's
// ocpp.ConnectorMap says otherwise (see Dialect.For); connector 0 is the
// station (EVSE 0).
//
// Transactions: StartTransaction, StopTransaction and MeterValues with a
// positive transactionId become ocpp.TransactionEvent (see there for what is
// set), MeterValues without one ocpp.CSMS.MeterValues. Whatever the platform
// thinks of the tag, Start is answered with a positive id and Stop is
// acknowledged.
//
// Readings: the defaults of 1.6 are written out, kilo-units become the unit
// and a multiplier of 3, "Celcius" is corrected. A signed reading is no
// number; it travels in ocpp.Raw16.Signed.
//
// Tokens: an idTag is an ocpp.IdToken of type "", since 1.6 does not tell
// what kind it is. Towards the station a token may have 20 characters.
//
// Configuration keys are variables by the table in keys.go; a key that is not
// in the table is a variable of that name in component "OCPP16", so that
// nothing is lost. GetVariables asks for keys; SetVariables sets one key per
// message (see Dialect.Split); GetBaseReport reads all keys, and what 2.x would
// report afterwards is given by Dialect.Follow.
//
// Where the meanings differ: Reset Immediate is Hard, OnIdle is Soft, although
// a soft reset ends running transactions. TriggerMessage for TransactionEvent
// asks for MeterValues. A charging profile has one schedule and limits with
// one decimal (rounded down, so that no limit is exceeded); the remoteStartId
// is not on the wire, so a start is matched by connector and tag.
package v16

//go:generate go run ../../tools/ocppgen -schemas $FORECOURT_SHARED/data/ocpp/1.6/core,$FORECOURT_SHARED/data/ocpp/1.6/security -version 1.6 -package v16 -out .
