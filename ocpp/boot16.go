package ocpp

import "encoding/json"

// vendor16 marks the customData in which the 1.6 dialect keeps a Boot16.
const vendor16 = "org.forecourt.ocpp16"

// Boot16 is what a 1.6 BootNotification tells beyond ChargingStation. It
// travels in ChargingStation.CustomData.
type Boot16 struct {
	ChargeBoxSerialNumber string `json:"chargeBoxSerialNumber,omitempty"`
	MeterType             string `json:"meterType,omitempty"`
	MeterSerialNumber     string `json:"meterSerialNumber,omitempty"`
}

// CustomData gives b as customData; nil when it says nothing.
func (b Boot16) CustomData() json.RawMessage {
	if b == (Boot16{}) {
		return nil
	}
	out, _ := json.Marshal(struct { // three strings
		VendorID string `json:"vendorId"`
		Boot16
	}{vendor16, b})
	return out
}

// Boot16 gives what the station told beyond c in a 1.6 boot; empty for 2.x.
func (c *ChargingStation) Boot16() Boot16 {
	var in struct {
		VendorID string `json:"vendorId"`
		Boot16
	}
	if json.Unmarshal(c.CustomData, &in) != nil || in.VendorID != vendor16 {
		return Boot16{}
	}
	return in.Boot16
}
