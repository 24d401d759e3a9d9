package station

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// adhocFor is how long a token that was made up for a remote start is
// accepted: a driver may take a while to plug in.
const adhocFor = 15 * time.Minute

// complete fills in what the platform owes a request: the remoteStartId of a
// start, and a token when the caller named none. The stored payload is what
// is sent.
func (s *Service) complete(tx *db.Tx, cmd *Command, req ocpp.Request) error {
	start, ok := req.(*ocpp.RequestStartTransactionRequest)
	if !ok {
		return nil
	}
	if start.RemoteStartID == 0 {
		n, err := nextNumber(tx, "remote_start", cmd.Org)
		if err != nil {
			return err
		}
		start.RemoteStartID = n
	}
	if start.IdToken.IdToken == "" {
		// 1.6 takes 20 characters at most (field note 18).
		start.IdToken.IdToken, start.IdToken.Type = "FC"+strings.ToUpper(rand.Text()[:18]), "Central"
		err := tx.Send("INSERT INTO adhoc_token (token, station, org, expires_at) VALUES ($1,$2,$3,$4)",
			start.IdToken.IdToken, string(cmd.Station), cmd.Org, db.Micros(tx.Now.Add(adhocFor)))
		if err != nil {
			return err
		}
	}
	if start.IdToken.Type == "" {
		start.IdToken.Type = "Central"
	}
	var err error
	cmd.Payload, err = json.Marshal(start)
	return err
}

// nextNumber gives 1, 2, 3 … per name, and starts again before int32 ends.
func nextNumber(tx *db.Tx, name, org string) (n int, err error) {
	err = tx.QueryRow(`INSERT INTO station_number (name, org, next) VALUES ($1, $2, 1)
		ON CONFLICT (name) DO UPDATE SET next = CASE WHEN station_number.next >= 2147483647 THEN 1 ELSE station_number.next + 1 END RETURNING next`, name, org).Scan(&n)
	return n, err
}

// AdHoc tells whether a token was made up for a remote start at the station
// and is still good; authorising accepts it there.
func (s *Service) AdHoc(tx *db.Tx, station, token string) (bool, error) {
	if len(token) != 20 || !strings.HasPrefix(token, "FC") {
		return false, nil
	}
	var at ID
	err := tx.QueryRow("SELECT station FROM adhoc_token WHERE token = $1 AND expires_at > $2", token, db.Micros(tx.Now)).Scan(&at)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && at.Key() == ID(station).Key(), err
}
