package simulator

import "slices"

// Quirk is a deviation that real stations show, switched on by name.
type Quirk string

const (
	NoSubprotocol   Quirk = "no-subprotocol"    // the upgrade offers none
	StatusFirst     Quirk = "status-first"      // status before the boot is answered
	NoBootOnReturn  Quirk = "no-boot-on-return" // boots once, then only reconnects
	QuotedNumbers   Quirk = "quoted-numbers"    // "connectorId": "1"
	KiloWattHours   Quirk = "kwh"               // registers in kWh
	NoUnit          Quirk = "no-unit"           // registers without a unit
	LocalAsUTC      Quirk = "local-as-utc"      // two hours ahead, marked Z
	NoZone          Quirk = "no-zone"           // timestamps without a zone
	DuplicateStart  Quirk = "duplicate-start"   // says each start twice
	DuplicateStop   Quirk = "duplicate-stop"    // says each stop twice
	StopDataOnly    Quirk = "stop-data-only"    // readings only when it stops
	LongStrings     Quirk = "long-strings"      // over the schema's lengths
	ExtraFields     Quirk = "extra-fields"      // fields the schema does not know
	StopBeforeStart Quirk = "stop-first"        // replays its queue backwards
	KeepsFirmware   Quirk = "keeps-firmware"    // says Installed and comes back as it was
	NoSecurity16    Quirk = "no-security-16"    // 1.6 without the security extension
)

// Quirks lists every quirk, for help texts.
var Quirks = []Quirk{NoSubprotocol, StatusFirst, NoBootOnReturn, QuotedNumbers, KiloWattHours, NoUnit, LocalAsUTC, NoZone,
	DuplicateStart, DuplicateStop, StopDataOnly, LongStrings, ExtraFields, KeepsFirmware, NoSecurity16, StopBeforeStart}

func (m *machine) has(q Quirk) bool { return slices.Contains(m.config.Quirks, q) }
