package bench

import (
	"bytes"
	"context"
	"fmt"

	"github.com/forecourt-ev/forecourt/bench/rig"
)

// register makes the crew's stations, in service, and the tokens they charge
// with, as a customer would: by import.
func register(ctx context.Context, a *rig.API, c crew, profile int) error {
	err := a.ImportRows(ctx, "/api/v1/charging-stations/import", "id,security_profile,password,active,connectors", c.Count, func(b *bytes.Buffer, i int) {
		id := c.stationID(c.First + i)
		fmt.Fprintf(b, "%s,%d,%s,true,1.1 IEC_62196_T2 SOCKET AC_3_PHASE 22kW", id, profile, c.password(id))
	})
	if err != nil {
		return err
	}
	return a.ImportRows(ctx, "/api/v1/id-tokens/import", "id_token,type,status", c.Count, func(b *bytes.Buffer, i int) {
		fmt.Fprintf(b, "%s,ISO14443,active", c.tokenID(c.First+i))
	})
}
