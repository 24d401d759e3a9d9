package tariff

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

// packFormat is the first byte of a packed usage.
const packFormat = 1

var packKinds = [...]Kind{"", Charging, Parking, Suspended, Offline}

// Pack writes a usage small enough to keep a million of them at hand:
// varints, instants to the microsecond relative to the one before. What the
// battery told and who waited comes last, if there is any.
func (u Usage) Pack() string {
	b := make([]byte, 0, 16+12*len(u.Periods))
	b = append(b, packFormat)
	last := u.Start.UnixMicro()
	at := func(t time.Time) {
		us := t.UnixMicro()
		b, last = binary.AppendVarint(b, us-last), us
	}
	b = binary.AppendVarint(b, last)
	b = binary.AppendVarint(b, u.End.UnixMicro()-last)
	flag := byte(0)
	if u.Reservation != nil {
		flag = 1
		if u.Reservation.Expired {
			flag = 2
		}
	}
	b = append(b, flag)
	if u.Reservation != nil {
		at(u.Reservation.Start)
		at(u.Reservation.End)
	}
	b = binary.AppendUvarint(b, uint64(len(u.Periods)))
	for _, p := range u.Periods {
		at(p.Start)
		at(p.End)
		kind := 0
		for i, k := range packKinds {
			if k == p.Kind {
				kind = i
			}
		}
		b = append(b, byte(kind))
		for _, v := range [...]int64{int64(p.Energy), int64(p.MinPower), int64(p.MaxPower - p.MinPower), int64(p.MinCurrent), int64(p.MaxCurrent - p.MinCurrent)} {
			b = binary.AppendVarint(b, v)
		}
	}
	if len(u.SoC)+len(u.Waiting) > 0 {
		b = binary.AppendUvarint(b, uint64(len(u.SoC)))
		for _, r := range u.SoC {
			at(r.At)
			b = binary.AppendVarint(b, int64(r.SoC))
		}
		for _, w := range u.Waiting {
			at(w.Start)
			at(w.End)
		}
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// unpacker reads what Pack wrote; its buffers serve again and again.
type unpacker struct {
	raw     []byte
	periods []Period
}

// unpack reads a usage; its periods are valid until the next call.
func (r *unpacker) unpack(text string) (Usage, error) {
	if need := base64.RawStdEncoding.DecodedLen(len(text)); cap(r.raw) < need {
		r.raw = make([]byte, need)
	}
	n, err := base64.RawStdEncoding.Decode(r.raw[:cap(r.raw)], []byte(text))
	b := r.raw[:max(n, 0)]
	if err != nil || len(b) == 0 || b[0] != packFormat {
		return Usage{}, badPack()
	}
	b = b[1:]
	broken := false
	next := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			broken = true
			return 0
		}
		b = b[n:]
		return v
	}
	octet := func() byte {
		if len(b) == 0 {
			broken = true
			return 0
		}
		v := b[0]
		b = b[1:]
		return v
	}
	last := next()
	at := func() time.Time { last += next(); return time.UnixMicro(last).UTC() }
	u := Usage{Start: time.UnixMicro(last).UTC()}
	u.End = time.UnixMicro(last + next()).UTC()
	if flag := octet(); flag != 0 {
		u.Reservation = &Reservation{Expired: flag == 2}
		u.Reservation.Start = at()
		u.Reservation.End = at()
	}
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return u, badPack()
	}
	b = b[n:]
	r.periods = r.periods[:0]
	for range count {
		var p Period
		p.Start = at()
		p.End = at()
		kind := octet()
		if int(kind) >= len(packKinds) {
			return u, badPack()
		}
		p.Kind = packKinds[kind]
		p.Energy = unit.Energy(next())
		p.MinPower = unit.Watts(next())
		p.MaxPower = p.MinPower + unit.Watts(next())
		p.MinCurrent = unit.MilliAmps(next())
		p.MaxCurrent = p.MinCurrent + unit.MilliAmps(next())
		r.periods = append(r.periods, p)
	}
	if len(b) > 0 && !broken {
		count, n := binary.Uvarint(b)
		if n <= 0 || count > uint64(len(b)) {
			return u, badPack()
		}
		b = b[n:]
		for range count {
			u.SoC = append(u.SoC, SoCReading{At: at(), SoC: unit.MilliPercent(next())})
		}
		for len(b) > 0 && !broken {
			u.Waiting = append(u.Waiting, TimeSpan{Start: at(), End: at()})
		}
	}
	if broken {
		return u, badPack()
	}
	u.Periods = r.periods
	return u, nil
}

func badPack() error {
	return fault.New(fault.Internal, "tariff.usage", "a stored usage cannot be read")
}
