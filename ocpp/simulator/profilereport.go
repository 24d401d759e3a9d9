package simulator

import (
	"cmp"
	"slices"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// onGetProfiles reports the stored profiles that fit, one message per EVSE
// (OCPP 2.0.1 K09).
func (voice2) onGetProfiles(m *machine, req *ocpp.GetChargingProfilesRequest, _ time.Time) any {
	c := req.ChargingProfile
	byEVSE := map[int][]ocpp.ChargingProfile{}
	for _, p := range m.profiles {
		switch {
		case req.EVSEID != nil && *req.EVSEID != p.evse:
		case len(c.ChargingProfileID) > 0 && !slices.Contains(c.ChargingProfileID, p.id):
		case c.StackLevel != nil && *c.StackLevel != p.stack:
		case c.ChargingProfilePurpose != "" && purposeOf(string(c.ChargingProfilePurpose)) != p.purpose:
		case len(c.ChargingLimitSource) > 0 && !slices.Contains(c.ChargingLimitSource, "CSO"): // all of ours come from there
		default:
			byEVSE[p.evse] = append(byEVSE[p.evse], p.told)
		}
	}
	if len(byEVSE) == 0 {
		return ocpp.GetChargingProfilesResponse{Status: ocpp.GetChargingProfileStatusEnumNoProfiles} // OCPP 2.0.1 K09.FR.03
	}
	evses := make([]int, 0, len(byEVSE))
	for id := range byEVSE {
		evses = append(evses, id)
	}
	slices.Sort(evses)
	for i, id := range evses {
		list := byEVSE[id]
		slices.SortFunc(list, func(a, b ocpp.ChargingProfile) int { return cmp.Compare(a.ID, b.ID) })
		part := ocpp.ReportChargingProfilesRequest{RequestID: req.RequestID, ChargingLimitSource: "CSO", EVSEID: id, ChargingProfile: list}
		if more := i < len(evses)-1; more {
			part.Tbc = &more
		}
		m.say(&call{action: "ReportChargingProfiles", payload: func() any { return part }})
	}
	return ocpp.GetChargingProfilesResponse{Status: ocpp.GetChargingProfileStatusEnumAccepted}
}

// onTransactionStatus tells of a transaction, or only of the queue
// (OCPP 2.0.1 E14.FR.01 to E14.FR.06).
func (voice2) onTransactionStatus(m *machine, req *ocpp.GetTransactionStatusRequest, _ time.Time) any {
	out := ocpp.GetTransactionStatusResponse{MessagesInQueue: slices.ContainsFunc(m.outbox, func(c *call) bool { return c.keep })}
	if req.TransactionID != "" {
		ongoing := m.running(req.TransactionID) != nil
		out.OngoingIndicator = &ongoing
	}
	return out
}
