// Package v21 is the OCPP 2.1 dialect. The neutral types of package ocpp are
// those of 2.1, so messages pass as they are: read liberally, written
// strictly, handed to ocpp.CSMS.
package v21
