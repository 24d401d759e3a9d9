package pki

import (
	"context"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// ContractProvider gives cars their contract certificates: a mobility
// operator or a certificate provisioning service.
type ContractProvider interface {
	// Contract answers the car's request, EXI in base64 as ISO 15118 has it.
	// An error becomes the status Failed.
	Contract(ctx context.Context, r *ocpp.Get15118EVCertificateRequest) (exiResponse string, remaining *int, err error)
}
