package simulator

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// State is what an EVSE is doing, in 1.6's words, the finest of the three.
type State string

const (
	Available     State = "Available"
	Preparing     State = "Preparing"
	Charging      State = "Charging"
	SuspendedEV   State = "SuspendedEV"
	SuspendedEVSE State = "SuspendedEVSE"
	Finishing     State = "Finishing"
	Reserved      State = "Reserved"
	Unavailable   State = "Unavailable"
	Faulted       State = "Faulted"
)

// EVSEConfig is the hardware of one EVSE.
type EVSEConfig struct {
	ID        int
	Connector string         // cType2, sType2, cCCS2, cCCS1, cG105 …, as OCPP 2.x names them
	Phases    int            // AC phases of the supply; 0 is DC
	MaxAmps   unit.MilliAmps // per phase (AC) or of the whole DC output at 400 V
	MaxPower  unit.Watts     // DC output; zero on AC
}

// EVSE is one charging place of a station.
type EVSE struct {
	config   EVSEConfig
	state    State
	fault    string // 1.6 error code while Faulted
	disabled bool   // made inoperative by the platform
	car      *Car
	tx       *transaction
	waiting  *remote // accepted remote start that waits for a plug
	register unit.Energy
	power    unit.Watts
	amps     unit.MilliAmps
	stepped  time.Time
	sampled  time.Time
}

// transaction is what the station counts from start to stop.
type transaction struct {
	number      int    // counted by the station
	id          string // 2.x: chosen here; 1.6: given by the reply to StartTransaction
	evse        int
	token       Token
	remoteID    *int
	reservation *int // that it began with
	started     time.Time
	ended       time.Time
	begin       unit.Energy
	end         unit.Energy
	seq         int
	reason      string
	offline     bool
	refused     bool
	data        []reading // for stations that send readings only at the end
}

// Token is a card, an app or a car as a driver shows it.
type Token struct {
	ID   string
	Type string // ISO14443, Central, eMAID …
}

type remote struct {
	token    Token
	remoteID *int
	until    time.Time
}

// reading is one sample of an EVSE's meter.
type reading struct {
	at       time.Time
	context  string // Transaction.Begin, Sample.Periodic, Sample.Clock, Transaction.End
	register unit.Energy
	power    unit.Watts
	amps     unit.MilliAmps
	soc      unit.MilliPercent
	hasSoC   bool
	phases   int
}

func (e *EVSE) read(now time.Time, context string) reading {
	r := reading{at: now, context: context, register: e.register, power: e.power, amps: e.amps, phases: e.config.Phases}
	if e.car != nil && e.config.Phases == 0 { // only DC talks to the car about its battery
		r.soc, r.hasSoC = e.car.SoC(), true
	}
	return r
}

// flow moves energy from the last step to now under a limit and says what
// the EVSE's state is while a transaction runs.
func (e *EVSE) flow(now time.Time, limit unit.MilliAmps) State {
	d := now.Sub(e.stepped)
	e.stepped = now
	if e.tx == nil || e.car == nil || d < 0 {
		e.power, e.amps = 0, 0
		return e.state
	}
	if e.config.Phases == 0 {
		top := e.config.MaxPower
		if e.config.MaxAmps > 0 {
			top = unit.Watts(int64(top) * int64(min(limit, e.config.MaxAmps)) / int64(e.config.MaxAmps))
		}
		e.power = e.car.DrawDC(top)
		e.amps = unit.MilliAmps(int64(e.power) * 1000 / 400)
	} else {
		e.power, e.amps = e.car.DrawAC(limit, e.config.Phases)
	}
	e.register += e.car.Charge(e.power, d)
	switch {
	case e.power > 0:
		return Charging
	case limit < e.car.MinAmps && !e.car.Full():
		return SuspendedEVSE
	}
	return SuspendedEV
}
