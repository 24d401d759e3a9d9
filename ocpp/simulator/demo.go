package simulator

import (
	"fmt"
	"math/rand/v2"
)

// kind is a station as makers build it.
type kind struct {
	vendor, model string
	version       string
	evses         []EVSEConfig
}

func ac(id, amps int) EVSEConfig {
	return EVSEConfig{ID: id, Connector: "sType2", Phases: 3, MaxAmps: milli(amps)}
}

func dc(id, kw int, connector string) EVSEConfig {
	return EVSEConfig{ID: id, Connector: connector, MaxAmps: milli(kw * 1000 / 400), MaxPower: watts(kw)}
}

// kinds mixes AC and DC in the three versions.
var kinds = []kind{
	{"Alder Electric", "Kerb 22", "1.6", []EVSEConfig{ac(1, 32)}},
	{"Alder Electric", "Kerb Duo", "1.6", []EVSEConfig{ac(1, 32), ac(2, 32)}},
	{"Nordvolt", "Wall 11", "2.0.1", []EVSEConfig{ac(1, 16)}},
	{"Nordvolt", "Post 2x22", "2.0.1", []EVSEConfig{ac(1, 32), ac(2, 32)}},
	{"Helio Power", "HP150", "2.0.1", []EVSEConfig{dc(1, 150, "cCCS2"), dc(2, 150, "cCCS2")}},
	{"Helio Power", "HP50", "1.6", []EVSEConfig{dc(1, 50, "cCCS2")}},
	{"Meridian", "M300", "2.1", []EVSEConfig{dc(1, 300, "cCCS2"), dc(2, 300, "cCCS2")}},
	{"Meridian", "M22", "2.1", []EVSEConfig{ac(1, 32), ac(2, 32)}},
}

// Plan describes n stations named prefix-001 … over the kinds, seeded. Every
// tenth has a quirk, as in the field.
func Plan(prefix string, n int, seed uint64) []Config {
	rng := rand.New(rand.NewPCG(seed, 0x9a))
	configs := make([]Config, n)
	for i := range configs {
		k := kinds[i%len(kinds)]
		configs[i] = Config{
			ID: fmt.Sprintf("%s-%03d", prefix, i+1), Version: k.version, Vendor: k.vendor, Model: k.model,
			Serial: fmt.Sprintf("%s%06d", k.vendor[:2], 100000+rng.IntN(900000)), Firmware: fmt.Sprintf("%d.%d.%d", 1+rng.IntN(4), rng.IntN(10), rng.IntN(20)),
			EVSEs: k.evses, Seed: rng.Uint64(),
		}
		if i%10 == 7 && k.version == "1.6" || i%16 == 8 {
			configs[i].Quirks = []Quirk{Quirks[rng.IntN(len(Quirks)-1)]}
		}
	}
	return configs
}
