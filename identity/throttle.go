package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
)

// limit says how many failures are free and how long the wait may grow. An
// account waits for a minute at most, so that nobody can lock its owner out.
type limit struct {
	free    int64
	longest time.Duration
}

var (
	accountLimit = limit{free: 5, longest: time.Minute}
	addressLimit = limit{free: 20, longest: 15 * time.Minute}
)

// forget is the time after which failures no longer count.
const forget = time.Hour

// wait is the pause after the given number of failures in a row: none while
// they are free, then 1 s, doubling.
func (l limit) wait(failures int64) time.Duration {
	n := failures - l.free
	if n <= 0 {
		return 0
	}
	if n > 20 {
		return l.longest
	}
	return min(time.Second<<(n-1), l.longest)
}

// attempt counts a try to sign in before its outcome is known, so that many
// at once cannot slip through together. It refuses, without counting, while
// the account or the address has to wait.
func attempt(tx *db.Tx, account string, address netip.Addr) error {
	keys := throttleKeys(account, address)
	failures := make([]int64, len(keys))
	for i, k := range keys {
		var until, updated int64
		// The update changes nothing; it makes tries at the same account wait
		// for each other.
		err := tx.QueryRow(`INSERT INTO sign_in_throttle (id, failures, blocked_until, updated_at) VALUES ($1, 0, 0, $2)
			ON CONFLICT (id) DO UPDATE SET org = sign_in_throttle.org RETURNING failures, blocked_until, updated_at`,
			k.id, db.Micros(tx.Now)).Scan(&failures[i], &until, &updated)
		if err != nil {
			return err
		}
		if left := db.Time(until).Sub(tx.Now); left > 0 {
			return web.Throttled(left)
		}
		if tx.Now.Sub(db.Time(updated)) >= forget {
			failures[i] = 0
		}
	}
	for i, k := range keys {
		n := failures[i] + 1
		err := tx.Send(`UPDATE sign_in_throttle SET failures = $1, blocked_until = $2, updated_at = $3 WHERE id = $4`,
			n, db.Micros(tx.Now.Add(k.limit.wait(n))), db.Micros(tx.Now), k.id)
		if err != nil {
			return err
		}
	}
	return nil
}

// succeed takes the attempt back.
func succeed(tx *db.Tx, account string, address netip.Addr) error {
	keys := throttleKeys(account, address)
	if err := tx.Send(`DELETE FROM sign_in_throttle WHERE id = $1`, keys[0].id); err != nil {
		return err
	}
	for _, k := range keys[1:] {
		if err := tx.Send(`UPDATE sign_in_throttle SET failures = failures - 1 WHERE id = $1 AND failures > 0`, k.id); err != nil {
			return err
		}
	}
	return nil
}

type throttleKey struct {
	id    string
	limit limit
}

// throttleKeys gives the account's key first, then the address's. An IPv6
// client owns a whole /64.
func throttleKeys(account string, address netip.Addr) []throttleKey {
	keys := []throttleKey{{hashOf("account " + emailKey(account)), accountLimit}}
	if !address.IsValid() {
		return keys
	}
	at := address.String()
	if address.Is6() {
		if p, err := address.Prefix(64); err == nil {
			at = p.String()
		}
	}
	return append(keys, throttleKey{hashOf("address " + at), addressLimit})
}

// Tidy forgets failures and sessions that no longer matter.
func (s *Service) Tidy(ctx context.Context) error {
	return s.db.Update(ctx, func(tx *db.Tx) error {
		if err := tx.Send(`DELETE FROM sign_in_throttle WHERE updated_at < $1`, db.Micros(tx.Now.Add(-forget))); err != nil {
			return err
		}
		return tx.Send(`DELETE FROM sign_in WHERE expires_at < $1 OR last_seen_at < $2`,
			db.Micros(tx.Now), db.Micros(tx.Now.Add(-s.idle)))
	})
}

// hashOf is the form in which secrets with enough randomness of their own,
// and names nobody needs to read, are kept.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
