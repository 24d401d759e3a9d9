package tariff

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// spentKind is the kind of a counter towards a day cap.
const spentKind = "spent"

// Counts reports whether a price depends on what a driver used before.
func (t *Tariff) Counts() bool {
	return t.policy.dayCap != nil || slices.ContainsFunc(t.policy.free, func(a allowance) bool { return a.per != PerSession })
}

// AsksSoC reports whether a price depends on the vehicle's battery.
func (t *Tariff) AsksSoC() bool { return t.bySoC }

// AsksWaiting reports whether a price depends on who waits for the EVSE.
func (t *Tariff) AsksWaiting() bool { return t.policy.idle != nil && t.policy.idle.waiting }

// Settling makes those who settle sessions of one holder under one tariff wait
// for each other, from here to the end of the transaction: what one of them
// takes of an allowance the next one sees. It comes before Counted and Count.
func (s *Service) Settling(tx *db.Tx, v *Version, holder string) error {
	if !v.Tariff.Counts() || holder == "" {
		return nil
	}
	var n int64
	return tx.QueryRow(`INSERT INTO tariff_holder (tariff, holder, org, settled) VALUES ($1, $2, $3, 1)
		ON CONFLICT (tariff, holder) DO UPDATE SET settled = tariff_holder.settled + 1 RETURNING settled`, string(v.uid), holder, string(v.Org)).Scan(&n)
}

// Counted adds to a context what the holder used of the tariff's allowances
// and day caps in other sessions. An empty holder is nobody: nothing is counted.
func (s *Service) Counted(tx *db.Tx, v *Version, holder, session string, c Context) (Context, error) {
	if !v.Tariff.Counts() || holder == "" {
		return c, nil
	}
	c.Used, c.Spent = nil, nil
	rows, err := db.Collect(tx, scanCounter, `SELECT kind, key, SUM(energy), SUM(duration), SUM(excl), SUM(incl) FROM tariff_allowance
		WHERE tariff = $1 AND holder = $2 AND session <> $3 GROUP BY kind, key ORDER BY kind, key`, string(v.uid), holder, session)
	for _, r := range rows {
		if r.Per == spentKind {
			c.Spent = append(c.Spent, Spent{Date: r.Key, Excl: r.Excl, Incl: r.Incl})
		} else {
			c.Used = append(c.Used, r)
		}
	}
	return c, err
}

func scanCounter(row db.Scanner) (Used, error) {
	var u Used
	var energy, duration, excl, incl int64
	err := row.Scan((*string)(&u.Per), &u.Key, &energy, &duration, &excl, &incl)
	u.Energy, u.Time = unit.Energy(energy), time.Duration(duration)*time.Microsecond
	u.Excl, u.Incl = money.Micro(excl), money.Micro(incl)
	return u, err
}

// Count writes down what a settled session took, in place of what it was
// counted with before.
func (s *Service) Count(tx *db.Tx, v *Version, holder, session string, c Cost) error {
	if !v.Tariff.Counts() || holder == "" {
		return nil
	}
	if err := tx.Send(`DELETE FROM tariff_allowance WHERE session = $1`, session); err != nil {
		return err
	}
	took := map[[2]string]Used{}
	for _, u := range c.Used {
		if u.Per == PerSession {
			continue
		}
		sum := took[[2]string{string(u.Per), u.Key}]
		took[[2]string{string(u.Per), u.Key}] = Used{Energy: sum.Energy + u.Energy, Time: sum.Time + u.Time, Excl: sum.Excl + u.Excl, Incl: sum.Incl + u.Incl}
	}
	for _, p := range c.Spent {
		took[[2]string{spentKind, p.Date}] = Used{Excl: p.Excl, Incl: p.Incl}
	}
	for k, u := range took {
		if err := tx.Send(`INSERT INTO tariff_allowance (session, kind, key, org, tariff, holder, energy, duration, excl, incl)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`, session, k[0], k[1], string(v.Org), string(v.uid), holder,
			int64(u.Energy), u.Time.Microseconds(), int64(u.Excl), int64(u.Incl)); err != nil {
			return err
		}
	}
	return nil
}
