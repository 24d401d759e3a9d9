package tariff

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpi"
)

var updateWizard = flag.Bool("update-wizard", false, "write testdata/wizard.json anew")

func dec(t testing.TB, s string) unit.Decimal {
	t.Helper()
	d, err := unit.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func decP(t testing.TB, s string) *unit.Decimal { d := dec(t, s); return &d }

// made is a template as a tariff of ours.
func made(t testing.TB, m Model, p Parameters, currency string) Tariff {
	t.Helper()
	o, err := Template(m, p)
	if err != nil {
		t.Fatal(err)
	}
	o.ID, o.CountryCode, o.PartyID, o.Currency, o.LastUpdated = "t", "FR", "FCT", currency, ocpi.At(time.Unix(0, 0))
	out, err := Check(o)
	if err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	return out
}

// The golden examples of the seven models.
func TestTemplatesPriceAsTheyShould(t *testing.T) {
	zone := paris(t)
	at := func(clock string, kWh int64, charging, parking time.Duration) Usage {
		start, err := time.ParseInLocation("2006-01-02 15:04", "2026-03-10 "+clock, zone)
		if err != nil {
			t.Fatal(err)
		}
		return Quote{Start: start, Energy: unit.Energy(kWh) * 1000 * unit.WattHour, Charging: charging, Parking: parking}.Usage()
	}
	for _, x := range []struct {
		model Model
		p     Parameters
		u     Usage
		want  string
	}{
		{ModelFree, Parameters{}, at("10:00", 30, time.Hour, time.Hour), "0.00"},
		{ModelPerSession, Parameters{PerSession: decP(t, "3.50")}, at("10:00", 30, time.Hour, time.Hour), "3.50"},
		{ModelPerHour, Parameters{PerHour: decP(t, "1")}, at("08:00", 30, 5*time.Hour, 3*time.Hour), "8.00"},
		{ModelPerKWh, Parameters{PerKWh: decP(t, "0.45")}, at("08:00", 32, 5*time.Hour, 3*time.Hour), "14.40"},
		{ModelTimeOfDay, Parameters{PerKWh: decP(t, "0.25"), Windows: []PriceWindow{{From: "07:00", To: "23:00", PerKWh: dec(t, "0.50")}}}, at("22:30", 10, time.Hour, 0), "3.75"},
		{ModelLengthOfStay, Parameters{Steps: []StayStep{{120, dec(t, "1")}, {0, dec(t, "5")}}}, at("09:00", 10, 3*time.Hour+30*time.Minute, 0), "9.50"},
		{ModelCombined, Parameters{PerKWh: decP(t, "0.30"), PerHour: decP(t, "1.20"), Min: decP(t, "1.50"), Max: decP(t, "20")}, at("09:00", 2, 10*time.Minute, 0), "1.50"},
		{ModelCombined, Parameters{PerKWh: decP(t, "0.30"), PerHour: decP(t, "1.20"), Min: decP(t, "1.50"), Max: decP(t, "20")}, at("09:00", 70, 2*time.Hour, 0), "20.00"},
		{ModelUtilityCost, Parameters{Cost: decP(t, "0.20"), Margin: decP(t, "12.5")}, at("09:00", 10, time.Hour, 0), "2.25"},
	} {
		tariff := made(t, x.model, x.p, "EUR")
		if got := Price(tariff, x.u, zone, Context{}).Excl.Decimal(); got != x.want {
			t.Errorf("%s: %s, want %s", x.model, got, x.want)
		}
	}
}

func TestTemplateNamesWhatIsMissing(t *testing.T) {
	for model, field := range map[Model]string{ModelPerKWh: "body.per_kwh", ModelPerHour: "body.per_hour", ModelPerSession: "body.per_session", ModelTimeOfDay: "body.windows",
		ModelLengthOfStay: "body.steps", ModelCombined: "body.per_hour", ModelUtilityCost: "body.margin_percent", "other": "path.model"} {
		_, err := Template(model, Parameters{})
		if err == nil || !bytes.Contains([]byte(fieldsOf(err)), []byte(field)) {
			t.Errorf("%s: %v, want %s", model, err, field)
		}
	}
}

// Each sector and goal: the suggestions, whether the markets allow them, and
// the benchmark month.
func TestWizardGolden(t *testing.T) {
	type shown struct {
		Sector, Goal string
		Model        Model
		Summary      string
		Outcome      Outcome
		Refused      []string
	}
	var all []shown
	zone := paris(t)
	for _, sector := range Sectors() {
		for _, goal := range Goals {
			a := Answers{Sector: sector, Goal: goal, Cost: dec(t, "0.1834"), Ports: 4, VAT: decP(t, "20"), Currency: money.Currency("EUR")}
			list, err := Suggest(a)
			if err != nil {
				t.Fatal(err)
			}
			lawful := 0
			for _, s := range list {
				tariff := made(t, s.Model, s.Parameters, "EUR")
				x := shown{sector, string(goal), s.Model, tariff.Sentence(English), a.Estimate(tariff, zone, time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)), nil}
				for _, p := range MarketProfiles() {
					if len(Refused(Market{Profiles: []Profile{p}, Public: true, Power: 150_000}.Examine(&tariff, AudienceDefault))) > 0 {
						x.Refused = append(x.Refused, p.ID)
					}
				}
				if len(x.Refused) == 0 {
					lawful++
				}
				all = append(all, x)
			}
			if goal != GoalTurnover && goal != GoalProfit && goal != GoalCostRecovery {
				lawful++ // a gift is always allowed; the other may be by the hour
			}
			if lawful < 2 {
				t.Errorf("%s, %s: only %d of %d suggestions are allowed everywhere", sector, goal, lawful, len(list))
			}
		}
	}
	got, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/wizard.json"
	if *updateWizard {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("the wizard suggests something else than %s says (%v); look at it and run with -update-wizard", file, err)
	}
}
