// Package v201 is the OCPP 2.0.1 dialect. Its types are generated from the
// 2.0.1 schemas, as is the copying to and from the neutral types of package
// ocpp. Every field of 2.0.1 has a neutral one; where it was an integer or an
// enumeration and now is a number or a string, the copying converts.
//
// Towards a station, what only 2.1 knows is refused in a request
// (fault.Unsupported, with the place) and left out of an answer.
package v201

//go:generate go run ../../tools/ocppgen -schemas $FORECOURT_SHARED/data/ocpp/2.0.1 -version 2.0.1 -package v201 -out . -neutral $FORECOURT_SHARED/data/ocpp/2.1
