package station

import (
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Booted is what a BootNotification says, as the device room hands it on.
type Booted struct {
	Vendor, Model, Serial, Firmware, ICCID, IMSI string
	Reason                                       string
}

// BootVerdict is the answer to a boot.
type BootVerdict struct {
	Station     Station // after the boot
	Status      ocpp.RegistrationStatusEnum
	Interval    time.Duration // heartbeat, or when to boot again
	First       bool          // the first boot of this device
	NewDevice   bool          // another device than before: re-apply everything (field note 9)
	Incarnation string
	Repeated    bool // it waits, and booted the same way within the hour: nothing new
}

// repeated holds for a device that booted within the hour and was not accepted
// then either. One that waits for activation boots every minute, for months
// if nobody comes.
func (t *tree) repeated(known []Incarnation, now time.Time) bool {
	return slices.ContainsFunc(known, func(i Incarnation) bool {
		return i.Serial == t.Incarnation && now.Sub(i.LastAt) < time.Hour && (t.BootedAt == nil || i.LastAt.After(*t.BootedAt))
	})
}

// Boot is the payload of KindBoot.
type Boot struct {
	Vendor      string `json:"vendor"`
	Model       string `json:"model"`
	Serial      string `json:"serial_number,omitempty"`
	Firmware    string `json:"firmware_version,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Status      string `json:"status"`
	Incarnation string `json:"incarnation"`
	NewDevice   bool   `json:"new_device,omitempty"`
	Protocol    string `json:"protocol"`
}

// Replaced is the payload of KindReplaced: the id has another device.
type Replaced struct {
	From string `json:"from_serial"`
	To   string `json:"to_serial"`
}

// Quarantine is the payload of KindQuarantined.
type Quarantine struct {
	Serials []string `json:"serial_numbers"`
}

// Alternation is what makes a quarantine: so many changes of the device
// within the time, to and fro (field note 10). One swap is a replacement,
// two a repair that was undone.
const (
	alternations = 3
	alternateIn  = 24 * time.Hour
)

// Boot takes a boot into the inventory and decides its answer: Accepted for
// an active station, Pending for one that waits for activation or is in
// quarantine, Rejected for a retired one. It runs in the transaction of the
// device room.
func (s *Service) Boot(tx *db.Tx, p ocpp.Peer, b Booted) (BootVerdict, error) {
	v, err := s.Boots(tx, []Booting{{p, b}})
	if err != nil {
		return BootVerdict{}, err
	}
	return v[0], nil
}

// Booting is a boot with who told it.
type Booting struct {
	Peer ocpp.Peer
	Booted
}

// Boots is Boot for different stations at once, in a few statements for all:
// when a network comes back, thousands boot within seconds. fault.NotFound
// when any of them is unknown.
func (s *Service) Boots(tx *db.Tx, all []Booting) ([]BootVerdict, error) {
	keys := make([]string, len(all))
	for i, b := range all {
		keys[i] = ID(b.Peer.Station).Key()
	}
	trees, err := lockTrees(tx, slices.Clone(keys))
	if err != nil {
		return nil, err
	}
	order := make([]*tree, len(all))
	for i, key := range keys {
		if order[i] = trees[key]; order[i] == nil {
			return nil, unknown(ID(all[i].Peer.Station))
		}
	}
	known, err := incarnationsOfAll(tx, order)
	if err != nil {
		return nil, err
	}
	out := make([]BootVerdict, len(all))
	incarnations := make([][]any, len(all))
	for i, t := range order {
		s.arrive(tx, t, all[i].Peer)
		b := all[i]
		b.Booted = b.bounded()
		if incarnations[i], err = s.boot(tx, t, b, known[t.ID], &out[i]); err != nil {
			return nil, err
		}
		t.settle(tx.Now)
	}
	if err := db.InsertRows(tx, "station_incarnation", incarnationCols, incarnations, incarnationConflict); err != nil {
		return nil, err
	}
	if err := s.finish(tx, order...); err != nil {
		return nil, err
	}
	for i, t := range order {
		out[i].Station, out[i].Incarnation = t.Station, t.Incarnation
	}
	return out, s.verifyCommands(tx, order, "Reset")
}

// mostOfBoot bounds what a boot tells. OCPP allows 50 characters at most; what
// a station says beyond is of no use, and no index takes text of any length.
const mostOfBoot = 255

func (b Booted) bounded() Booted {
	for _, f := range []*string{&b.Vendor, &b.Model, &b.Serial, &b.Firmware, &b.ICCID, &b.IMSI} {
		*f = short(*f, mostOfBoot)
	}
	return b
}

// boot applies one boot to its tree and gives the row of its incarnation.
func (s *Service) boot(tx *db.Tx, t *tree, b Booting, known []Incarnation, v *BootVerdict) ([]any, error) {
	serial := b.Serial
	if serial == "" { // says nothing about the device
		serial = t.Incarnation
	}
	if err := s.identifyDevice(tx, t, serial, known, v); err != nil {
		return nil, err
	}
	row := []any{string(t.ID), serial, t.Org, b.Vendor, b.Model, b.Firmware, db.Micros(tx.Now), db.Micros(tx.Now)}
	t.describe(b.Booted)
	v.Status, v.Interval = s.verdict(t)
	if v.Status == ocpp.RegistrationStatusEnumAccepted {
		t.BootedAt, t.Heartbeat = &tx.Now, v.Interval
	}
	if v.Repeated = v.Status != ocpp.RegistrationStatusEnumAccepted && !t.tells(KindReplaced, KindQuarantined) && t.repeated(known, tx.Now); v.Repeated {
		return row, nil
	}
	t.facts = append(t.facts, fact{KindBoot, Boot{
		Vendor: t.Vendor, Model: t.Model, Serial: t.Serial, Firmware: t.Firmware, Reason: b.Reason, Status: string(v.Status),
		Incarnation: t.Incarnation, NewDevice: v.NewDevice, Protocol: string(b.Peer.Version),
	}})
	return row, nil
}

// describe keeps what is known when a boot leaves it out.
func (t *tree) describe(b Booted) {
	for _, f := range []struct {
		dst *string
		v   string
	}{
		{&t.Vendor, b.Vendor}, {&t.Model, b.Model}, {&t.Serial, b.Serial}, {&t.Firmware, b.Firmware}, {&t.ICCID, b.ICCID}, {&t.IMSI, b.IMSI},
	} {
		if f.v != "" {
			*f.dst = f.v
		}
	}
}

func (s *Service) verdict(t *tree) (ocpp.RegistrationStatusEnum, time.Duration) {
	switch {
	case t.Life == Retired:
		return ocpp.RegistrationStatusEnumRejected, time.Hour
	case t.Life != Active || t.Quarantined != nil:
		return ocpp.RegistrationStatusEnumPending, Jitter(string(t.ID), s.d.PendingRetry)
	}
	return ocpp.RegistrationStatusEnumAccepted, Jitter(string(t.ID), s.d.Heartbeat)
}

// Incarnation is one device that used the id of a station, named by its
// serial number: empty for a device that tells none.
type Incarnation struct {
	Serial, Vendor, Model, Firmware string
	FirstAt, LastAt                 time.Time
}

// identifyDevice finds out which device boots. A changed serial number is
// another incarnation (field note 9), one seen before the same as then.
// Devices that alternate are quarantined.
func (s *Service) identifyDevice(tx *db.Tx, t *tree, serial string, known []Incarnation, v *BootVerdict) error {
	v.First = !slices.ContainsFunc(known, func(i Incarnation) bool { return i.Serial == serial })
	before := t.Incarnation
	t.Incarnation = serial
	if before == serial || before == "" {
		return nil
	}
	v.NewDevice = true
	t.facts = append(t.facts, fact{KindReplaced, Replaced{From: before, To: serial}})
	switches, err := countSwitch(tx, t, serial)
	if err != nil || switches < alternations || t.Quarantined != nil {
		return err
	}
	t.Quarantined = &tx.Now
	t.facts = append(t.facts, fact{KindQuarantined, Quarantine{Serials: []string{before, serial}}})
	return countDeviation(tx, deviating{station: t.ID.Key(), at: tx.Now, count: 1, dev: ocpp.Deviation{
		Code: "duplicate_identity", Action: "BootNotification", Detail: "two devices alternate on this id: serial numbers " + before + " and " + serial,
	}})
}

func scanIncarnation(row db.Scanner) (Incarnation, error) {
	var i Incarnation
	var first, last int64
	err := row.Scan(&i.Serial, &i.Vendor, &i.Model, &i.Firmware, &first, &last)
	i.FirstAt, i.LastAt = db.Time(first), db.Time(last)
	return i, err
}

func incarnationsOf(tx *db.Tx, station ID) ([]Incarnation, error) {
	return db.Collect(tx, scanIncarnation, `SELECT serial, vendor, model, firmware, first_at, last_at
		FROM station_incarnation WHERE station = $1 ORDER BY first_at DESC`, string(station))
}

// incarnationsOfAll reads the incarnations of many stations.
func incarnationsOfAll(tx *db.Tx, trees []*tree) (map[ID][]Incarnation, error) {
	ids := make([]ID, len(trees))
	for i, t := range trees {
		ids[i] = t.ID
	}
	where, args := in("station", ids)
	type row struct {
		station ID
		Incarnation
	}
	rows, err := db.Collect(tx, func(s db.Scanner) (r row, err error) {
		var first, last int64
		err = s.Scan(&r.station, &r.Serial, &r.Vendor, &r.Model, &r.Firmware, &first, &last)
		r.FirstAt, r.LastAt = db.Time(first), db.Time(last)
		return r, err
	}, "SELECT station, serial, vendor, model, firmware, first_at, last_at FROM station_incarnation WHERE "+where, args...)
	out := map[ID][]Incarnation{}
	for _, r := range rows {
		out[r.station] = append(out[r.station], r.Incarnation)
	}
	return out, err
}

var (
	incarnationCols     = cols(`station:t serial:t org:t vendor:t model:t firmware:t first_at:i last_at:i`)
	incarnationConflict = replacing("station, serial", incarnationCols, "org", "first_at")
)

// countSwitch records a change of the device and gives the number of them
// within alternateIn.
func countSwitch(tx *db.Tx, t *tree, to string) (n int, err error) {
	if err := tx.Send("INSERT INTO station_switch (station, at, org, serial) VALUES ($1,$2,$3,$4) ON CONFLICT (station, at) DO NOTHING",
		string(t.ID), db.Micros(tx.Now), t.Org, to); err != nil {
		return 0, err
	}
	err = tx.QueryRow("SELECT COUNT(*) FROM station_switch WHERE station = $1 AND at > $2", string(t.ID), db.Micros(tx.Now.Add(-alternateIn))).Scan(&n)
	return n, err
}
