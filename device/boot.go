package device

import (
	"context"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// booting is a boot that waits to be stored, and then what came of it.
type booting struct {
	station.Booting
	meter string

	verdict station.BootVerdict
	at      time.Time
}

// bootRest gathers boots: stations that boot by the thousand share
// transactions and statements, and none of them minds so short a wait, nor to
// yield to stations at which somebody charges.
const bootRest = 80 * time.Millisecond

// BootNotification stores the boot, lets the station room decide its answer
// and, when it is Accepted, has the device read and set up in the background.
// It returns after the commit.
func (s *Service) BootNotification(ctx context.Context, p ocpp.Peer, r *ocpp.BootNotificationRequest) (*ocpp.BootNotificationResponse, error) {
	cs := r.ChargingStation
	more := cs.Boot16()
	b := booting{Booting: station.Booting{Peer: p, Booted: station.Booted{
		Vendor: cs.VendorName, Model: cs.Model, Serial: cs.SerialNumber, Firmware: cs.FirmwareVersion, Reason: string(r.Reason)}}}
	if b.Serial == "" {
		b.Serial = more.ChargeBoxSerialNumber // deprecated in 1.6, and all that some stations tell
	}
	if cs.Modem != nil {
		b.ICCID, b.IMSI = cs.Modem.Iccid, cs.Modem.Imsi
	}
	b.meter = more.MeterType
	if more.MeterSerialNumber != "" {
		b.meter += " " + more.MeterSerialNumber
	}
	if err := s.boots.Add(ctx, &b); err != nil {
		return nil, err
	}
	return &ocpp.BootNotificationResponse{CurrentTime: ocpp.DateTime{Time: b.at}, Interval: int(b.verdict.Interval / time.Second), Status: b.verdict.Status}, nil
}

// storeBoots stores boots in the order in which they came; a station that is
// among them twice boots twice.
func (s *Service) storeBoots(tx *db.Tx, all []*booting) error {
	for some := range db.Rounds(all, func(b *booting) string { return station.ID(b.Peer.Station).Key() }) {
		if err := s.storeEach(tx, some); err != nil {
			return err
		}
	}
	return nil
}

// storeEach stores boots of different stations.
func (s *Service) storeEach(tx *db.Tx, all []*booting) error {
	boots, peers := make([]station.Booting, len(all)), make([]ocpp.Peer, len(all))
	for i, b := range all {
		boots[i], peers[i] = b.Booting, b.Peer
	}
	if s.d.Booted != nil {
		if err := s.d.Booted(tx, peers); err != nil {
			return err
		}
	}
	verdicts, err := s.d.Stations.Boots(tx, boots)
	if err != nil {
		return err
	}
	var rows [][]any
	for i, b := range all {
		b.verdict, b.at = verdicts[i], tx.Now
		if !b.verdict.Repeated {
			rows = append(rows, b.row(tx))
		}
	}
	if err := db.InsertRows(tx, "device_boot", bootCols, rows, "ON CONFLICT (station, at) DO NOTHING"); err != nil {
		return err
	}
	w, err := workOf(tx, all)
	for _, b := range all {
		if err == nil && !b.verdict.Repeated {
			err = s.follow(tx, b, w)
		}
	}
	return err
}

var bootCols = columnsOf("text", "station", "org", "vendor", "model", "serial", "firmware", "iccid", "imsi", "meter", "reason", "status", "protocol", "address").
	and("bigint", "at")

type columnList []db.Col

func columnsOf(kind string, names ...string) columnList { return columnList(nil).and(kind, names...) }

func (l columnList) and(kind string, names ...string) columnList {
	for _, n := range names {
		l = append(l, db.Col{Name: n, Type: kind})
	}
	return l
}

func (b *booting) row(tx *db.Tx) []any {
	st := &b.verdict.Station
	return []any{string(st.ID), st.Org, b.Vendor, b.Model, b.Serial, b.Firmware, b.ICCID, b.IMSI, b.meter, b.Reason, string(b.verdict.Status),
		string(b.Peer.Version), b.Peer.RemoteAddr, db.Micros(tx.Now)}
}

// work is what there is to look at after boots, beyond their record.
type work struct{ stations, displays map[string]bool }

// workOf finds the stations of which anything is known so far: of the device,
// of changes of its firmware or profile, of what it shows. One that boots for
// the first time has none of it. displays are the organisations with messages
// for displays and the stations that show any.
func workOf(tx *db.Tx, all []*booting) (w work, err error) {
	ids, orgs := make([]string, len(all)), make([]string, 0, len(all))
	for i, b := range all {
		ids[i] = string(b.verdict.Station.ID)
		if !slices.Contains(orgs, b.verdict.Station.Org) {
			orgs = append(orgs, b.verdict.Station.Org)
		}
	}
	of := db.In("org", orgs...)
	at := db.In("station", ids...)
	q := db.Build("SELECT DISTINCT org, TRUE FROM device_display_message WHERE").Add(of.Text, of.Args...)
	q.Add("UNION ALL SELECT station, TRUE FROM device_display_state WHERE").Add(at.Text, at.Args...)
	for _, table := range []string{"device_state", "device_firmware_task", "device_upgrade"} {
		q.Add("UNION ALL SELECT station, FALSE FROM "+table+" WHERE").Add(at.Text, at.Args...)
	}
	text, args := q.SQL()
	w = work{map[string]bool{}, map[string]bool{}}
	_, err = db.Collect(tx, func(row db.Scanner) (id string, err error) {
		var display bool
		if err = row.Scan(&id, &display); display {
			w.displays[id] = true
		} else {
			w.stations[id] = true
		}
		return id, err
	}, text, args...)
	return w, err
}

// follow does what a boot brings about beyond its record.
func (s *Service) follow(tx *db.Tx, b *booting, w work) error {
	o := ownerOf(b.verdict.Station)
	busy := w.stations[o.station]
	if busy {
		if err := s.bootsFirmware(tx, o, b.Firmware); err != nil {
			return err
		}
	}
	if b.verdict.NewDevice {
		if err := forgetDevice(tx, o.station); err != nil {
			return err
		}
	}
	if busy {
		if err := s.upgradeAfterBoot(tx, o); err != nil {
			return err
		}
	}
	if b.verdict.Status != ocpp.RegistrationStatusEnumAccepted {
		return nil
	}
	if w.displays[o.org] || w.displays[o.station] {
		if err := enqueueDisplay(tx, o.org, o.station, true, tx.Now.Add(2*s.d.SyncAfterBoot)); err != nil {
			return err
		}
	}
	if busy {
		if settled, err := s.settled(tx, b.verdict.Station); err != nil || settled {
			return err
		}
	}
	return s.syncInTurn(tx, o, tx.Now.Add(s.d.SyncAfterBoot))
}
