package device

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// Parts keep the order, leave nothing out and exceed no limit, except for an
// item that does so alone.
func TestCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Limit{rapid.IntRange(0, 9).Draw(t, "items"), rapid.IntRange(0, 900).Draw(t, "bytes")}
		size := rapid.SliceOfN(rapid.IntRange(1, 300), 1, 60).Draw(t, "sizes")
		next := 0
		for _, p := range l.cut(size) {
			if p.from != next || p.to <= p.from {
				t.Fatalf("part %+v does not follow %d", p, next)
			}
			next = p.to
			bytes := envelope
			for _, n := range size[p.from:p.to] {
				bytes += n
			}
			if n := p.to - p.from; n > 1 && (l.Items > 0 && n > l.Items || l.Items == 0 && n > unstated || l.Bytes > 0 && bytes > l.Bytes) {
				t.Fatalf("part %+v of %d bytes exceeds %+v", p, bytes, l)
			}
		}
		if next != len(size) {
			t.Fatalf("%d of %d items", next, len(size))
		}
	})
}

// The limits a station stated are kept, also for commands that people send.
func TestListsGoOutInTheStationsParts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		limit := entry("DeviceDataCtrlr", 0, 0, "ItemsPerMessage", "3")
		limit.Variable.Instance = "GetVariables"
		h.reports(p, h.box.asked, 0, false, limit)
		h.settle()
		h.box.most, h.box.gets = 3, 0
		var ask []ocpp.GetVariableData
		for range 8 {
			ask = append(ask, ocpp.GetVariableData{Component: ocpp.Component{Name: "AlignedDataCtrlr"}, Variable: ocpp.Variable{Name: "Interval"}})
		}
		c := NewChunker(h.db, h.box, nil)
		answer, err := c.Send(t.Context(), "CS-1", &ocpp.GetVariablesRequest{GetVariableData: ask})
		h.must(err)
		if n := len(answer.(*ocpp.GetVariablesResponse).GetVariableResult); n != 8 || h.box.gets != 3 {
			t.Errorf("%d results of %d messages", n, h.box.gets)
		}
		h.must(h.db.View(t.Context(), func(tx *db.Tx) error {
			l, err := LimitOf(tx, "CS-1", "GetVariables")
			if l.Items != 3 {
				t.Errorf("limit %+v", l)
			}
			return err
		}))
		// A list the station refuses without having said why goes one by one.
		h.box.sets = nil
		answer, err = c.Send(t.Context(), "CS-1", &ocpp.SetVariablesRequest{SetVariableData: []ocpp.SetVariableData{
			{Component: ocpp.Component{Name: "AlignedDataCtrlr"}, Variable: ocpp.Variable{Name: "Interval"}, AttributeValue: "300"},
			{Component: ocpp.Component{Name: "Nothing"}, Variable: ocpp.Variable{Name: "AtAll"}, AttributeValue: "1"},
		}})
		h.must(err)
		results := answer.(*ocpp.SetVariablesResponse).SetVariableResult
		if len(results) != 2 || results[0].AttributeStatus != ocpp.SetVariableStatusEnumAccepted || results[1].AttributeStatus != ocpp.SetVariableStatusEnumUnknownVariable {
			t.Errorf("%+v", results)
		}
		if !slices.Equal(h.box.sets, []string{"AlignedDataCtrlr.Interval=300", "Nothing.AtAll=1"}) {
			t.Errorf("%v", h.box.sets)
		}
	})
}

// far answers so many messages and is gone then.
type far struct{ answers int }

func (f *far) Send(_ context.Context, _ string, req ocpp.Request) (ocpp.Response, error) {
	if f.answers--; f.answers < 0 {
		return nil, fault.New(fault.Unavailable, "gateway.offline", "not connected")
	}
	r := req.(*ocpp.ClearVariableMonitoringRequest)
	out := &ocpp.ClearVariableMonitoringResponse{}
	for _, id := range r.ID {
		out.ClearMonitoringResult = append(out.ClearMonitoringResult, ocpp.ClearMonitoringResult{ID: id, Status: ocpp.ClearMonitoringStatusEnumAccepted})
	}
	return out, nil
}

// A station that goes away in the middle leaves an error which says how far
// it came.
func TestALostStationSaysHowFarItCame(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := NewChunker(h.db, &far{answers: 1}, nil).Send(t.Context(), "CS-1", &ocpp.ClearVariableMonitoringRequest{ID: make([]int, unstated+5)})
		if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "20 of 25") {
			t.Errorf("%v", err)
		}
	})
}

func TestCheckNamesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v     Variable
		value string
		want  string
	}{
		{Variable{Component: "TxCtrlr", Name: "EVConnectionTimeOut", Min: "10", Max: "600"}, "5", "between 10 and 600 s"},
		{Variable{Component: "TxCtrlr", Name: "EVConnectionTimeOut", Min: "10", Max: "600"}, "60", ""},
		{Variable{Component: "TxCtrlr", Name: "EVConnectionTimeOut"}, "soon", "whole number"},
		{Variable{Component: "X", Name: "Y", DataType: "decimal", Min: "0.5"}, "0.25", "at least 0.5"},
		{Variable{Component: "X", Name: "Y", DataType: "decimal", Max: "1.5"}, "1.50", ""},
		{Variable{Component: "X", Name: "Y", DataType: "boolean"}, "yes", "true or false"},
		{Variable{Component: "X", Name: "Y", DataType: "dateTime"}, "today", "2026-01-31"},
		{Variable{Component: "X", Name: "Y", DataType: "OptionList", ValuesList: "A,B"}, "C", "one of A, B"},
		{Variable{Component: "X", Name: "Y", DataType: "MemberList", ValuesList: "A,B"}, "A,C", "allowed are A, B"},
		{Variable{Component: "X", Name: "Y", DataType: "SequenceList", ValuesList: "A,B"}, "B,A", ""},
		{Variable{Component: "X", Name: "Y", DataType: "SequenceList"}, "B,A,B", "twice"},
		{Variable{Component: "X", Name: "Y", DataType: "string", Max: "3"}, "four", "longer than 3"},
		{Variable{Component: "X", Name: "Y", Mutability: "ReadOnly"}, "1", "ReadOnly"},
		{OfKey("numberofconnectors"), "2", "ReadOnly"},
		{OfKey("LightIntensity"), "x", "whole number"},
		{OfKey("VendorKey"), "anything", ""},
	} {
		if got := c.v.Check(c.value, "1.6"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s = %q: %q, want %q", c.v.Path(), c.value, got, c.want)
		}
	}
}

// Each variable of the tables means something, and each key of 1.6 is found.
func TestStandard(t *testing.T) {
	t.Parallel()
	for p, s := range standard {
		if s.Meaning == "" {
			t.Errorf("%s has no meaning", p)
		}
	}
	if v := OfKey("meterVALUESampleInterval"); v.Path() != "sampleddatactrlr:txupdatedinterval" {
		t.Errorf("%s", v.Path())
	}
	if s, ok := StandardOf(Variable{Component: "Anything", Name: "Temperature"}); !ok || s.Meaning == "" {
		t.Errorf("%+v", s)
	}
	have := []Variable{{Component: "OCPPCommCtrlr", Name: "MessageTimeout", Instance: "Default"}}
	missing := map[string]bool{}
	for _, s := range Missing("2.0.1", have) {
		missing[s.Component+":"+s.Name+"/"+s.Instance] = true
	}
	if !missing["DeviceDataCtrlr:ItemsPerMessage/GetVariables"] || missing["OCPPCommCtrlr:MessageTimeout/Default"] || missing["ISO15118Ctrlr:ContractValidationOffline/"] {
		t.Errorf("%v", missing)
	}
	if keys := Missing("1.6", nil); len(keys) != 21 {
		t.Errorf("%d keys are required in 1.6", len(keys))
	}
}

// A charging profile beyond what the station stated is refused with the place
// and what is allowed; the station is not asked.
func TestProfilesKeepTheStationsLimits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p := h.connect(ocpp.V201)
		h.boot(p, "S1")
		h.settle()
		h.reports(p, h.box.asked, 0, false, entry("SmartChargingCtrlr", 0, 0, "ProfileStackLevel", "2"),
			entry("SmartChargingCtrlr", 0, 0, "PeriodsPerSchedule", "3"), entry("SmartChargingCtrlr", 0, 0, "RateUnit", "A"))
		h.settle()
		profile := func(stack, periods int, unit ocpp.ChargingRateUnitEnum) *ocpp.SetChargingProfileRequest {
			var list []ocpp.ChargingSchedulePeriod
			for n := range periods {
				list = append(list, ocpp.ChargingSchedulePeriod{StartPeriod: n * 60})
			}
			return &ocpp.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: ocpp.ChargingProfile{StackLevel: stack, ChargingProfileKind: ocpp.ChargingProfileKindEnumRelative,
				ChargingSchedule: []ocpp.ChargingSchedule{{ChargingRateUnit: unit, ChargingSchedulePeriod: list}}}}
		}
		c := NewChunker(h.db, h.box, nil)
		_, err := c.Send(t.Context(), "CS-1", profile(3, 4, ocpp.ChargingRateUnitEnumW))
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 3 {
			t.Fatalf("beyond every limit: %v", err)
		}
		for i, want := range []string{"at most 2", "at most 3 periods", "one of A"} {
			if !strings.HasPrefix(f.Fields[i].Message, want) {
				t.Errorf("%s: %q, want %q", f.Fields[i].Location, f.Fields[i].Message, want)
			}
		}
		if _, err := c.Send(t.Context(), "CS-1", profile(2, 3, ocpp.ChargingRateUnitEnumA)); fault.Is(err, fault.Invalid) {
			t.Errorf("within the limits: %v", err)
		}
	})
}

// What no station may get is refused with the place, whatever it stated.
func TestProfilesHaveTheShapeOfTheStandard(t *testing.T) {
	t.Parallel()
	one, two := 1, 2
	start := ocpp.AtTime(t0)
	for name, c := range map[string]struct {
		profile ocpp.ChargingProfile
		place   string
	}{
		"of another system":        {ocpp.ChargingProfile{ChargingProfilePurpose: "ChargingStationExternalConstraints"}, "chargingProfilePurpose"},
		"relative maximum":         {ocpp.ChargingProfile{ChargingProfilePurpose: "ChargingStationMaxProfile", ChargingProfileKind: "Relative"}, "chargingProfileKind"},
		"absolute without a start": {ocpp.ChargingProfile{ChargingProfileKind: "Absolute", ChargingSchedule: []ocpp.ChargingSchedule{{}}}, "startSchedule"},
		"relative with a start":    {ocpp.ChargingProfile{ChargingProfileKind: "Relative", ChargingSchedule: []ocpp.ChargingSchedule{{StartSchedule: &start}}}, "startSchedule"},
		"a late first period":      {ocpp.ChargingProfile{ChargingSchedule: []ocpp.ChargingSchedule{{ChargingSchedulePeriod: []ocpp.ChargingSchedulePeriod{{StartPeriod: 5}}}}}, "startPeriod"},
		"periods out of order":     {ocpp.ChargingProfile{ChargingSchedule: []ocpp.ChargingSchedule{{ChargingSchedulePeriod: []ocpp.ChargingSchedulePeriod{{}, {StartPeriod: 9}, {StartPeriod: 9}}}}}, "[2].startPeriod"},
		"a phase of several":       {ocpp.ChargingProfile{ChargingSchedule: []ocpp.ChargingSchedule{{ChargingSchedulePeriod: []ocpp.ChargingSchedulePeriod{{PhaseToUse: &one, NumberPhases: &two}}}}}, "phaseToUse"},
	} {
		f := fault.Of(profileLimits{stack: -1}.check(&c.profile))
		if f == nil || len(f.Fields) != 1 || !strings.HasSuffix(f.Fields[0].Location, c.place) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
