package station

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/sheet"
)

// BulkColumns are the columns of a file of stations, in the order in which an
// export has them. Only id must be there. An empty cell leaves a station as
// it is, and gives a new one the default.
var BulkColumns = []sheet.Column{
	{Name: "id", Kind: sheet.Text, Required: true, Example: "DE-ABC-0001", Doc: "The identity the station connects with: 1 to 48 of letters, digits and * _ = : + | @ . -",
		Aliases: []string{"station", "station id", "charging station", "chargepoint id", "charge point", "charge point id", "charge box id", "cpid", "identity", "ocpp id", "borne", "identifiant", "id borne", "identifiant borne", "kennung", "ladestation", "stations id", "ladepunkt id"}},
	{Name: "name", Kind: sheet.Text, Doc: "What people call it", Example: "Pier 1", Aliases: []string{"label", "nom", "libellé", "bezeichnung", "beschriftung"}},
	{Name: "organisation", Kind: sheet.Text, Doc: "Id of the organisation; empty: that of the site, else your own", Aliases: []string{"organization", "org", "operator", "organisation id", "exploitant", "betreiber", "mandant"}},
	{Name: "site", Kind: sheet.Text, Doc: "Id or name of the site", Example: "Harbour", Aliases: []string{"site id", "location", "location id", "lieu", "emplacement", "standort", "standort id"}},
	{Name: "site_name", Kind: sheet.Text, Doc: "Name of the site, when site is empty or not known here", Aliases: []string{"location name", "nom du site", "nom site", "standortname"}},
	{Name: "street", Kind: sheet.Text, Doc: "Address of a site that is created", Aliases: []string{"address", "adresse", "rue", "strasse"}},
	{Name: "postal_code", Kind: sheet.Text, Doc: "Of a site that is created", Aliases: []string{"zip", "zip code", "postcode", "code postal", "plz", "postleitzahl"}},
	{Name: "city", Kind: sheet.Text, Doc: "Of a site that is created", Aliases: []string{"town", "ville", "commune", "ort", "stadt"}},
	{Name: "country", Kind: sheet.Text, Doc: "Of a site that is created: ISO 3166-1, two letters", Example: "FR", Aliases: []string{"country code", "pays", "land"}},
	{Name: "latitude", Doc: "Of a site that is created: decimal degrees", Example: "48.85837", Aliases: []string{"lat", "breitengrad", "breite"}},
	{Name: "longitude", Doc: "Of a site that is created: decimal degrees", Example: "2.29448", Aliases: []string{"lon", "lng", "long", "längengrad", "länge"}},
	{Name: "time_zone", Kind: sheet.Text, Doc: "Of a site that is created: IANA name; empty: that of the country", Example: "Europe/Paris", Aliases: []string{"timezone", "fuseau horaire", "zeitzone"}},
	{Name: "vendor", Kind: sheet.Text, Doc: "Maker, until the station tells it at its first boot", Aliases: []string{"manufacturer", "make", "brand", "fabricant", "marque", "constructeur", "hersteller"}},
	{Name: "model", Kind: sheet.Text, Doc: "Model, until the station tells it", Aliases: []string{"type de borne", "modèle", "modell"}},
	{Name: "serial_number", Kind: sheet.Text, Doc: "Serial number, until the station tells it", Aliases: []string{"serial", "serial no", "sn", "numéro de série", "n° de série", "seriennummer", "seriennr"}},
	{Name: "security_profile", Doc: "The least OCPP security profile that may connect; empty: 1", Example: "1", Aliases: []string{"profile", "ocpp security profile", "profil de sécurité", "sicherheitsprofil"}},
	{Name: "password", Kind: sheet.Secret, Doc: "Password (16 to 64 characters) or AuthorizationKey (32 to 40 hex digits) that the station has already; empty for a new one: a password is generated. Never exported", Aliases: []string{"authorization key", "authorisation key", "basic auth password", "auth key", "ocpp password", "mot de passe", "passwort", "kennwort"}},
	{Name: "active", Doc: "true: in service; false: it may connect and waits", Example: "true", Aliases: []string{"activation", "activated", "enabled", "actif", "activée", "aktiv", "aktiviert"}},
	{Name: "connectors", Kind: sheet.Text, Example: "1.1 IEC_62196_T2_COMBO CABLE DC 150kW; 2.1 IEC_62196_T2 SOCKET AC_3_PHASE 22kW",
		Doc:     "EVSE.connector, OCPI type (or CCS2, CCS1, CHAdeMO, Type2, Type1, NACS, Schuko …) and, as far as known, SOCKET or CABLE, OCPI power type, greatest power; separated by ;",
		Aliases: []string{"connector", "plugs", "connector types", "connecteurs", "prises", "anschlüsse", "stecker"}},
	{Name: "evse_labels", Kind: sheet.Text, Doc: "What is printed beside each port: EVSE=label, separated by ;", Example: "1=A; 2=B", Aliases: []string{"labels", "étiquettes", "port labels", "beschriftungen"}},
	{Name: "evse_max_power", Kind: sheet.Text, Doc: "Greatest power of each port: EVSE=power, separated by ;", Example: "1=150kW; 2=22kW", Aliases: []string{"max power", "puissance", "puissance max", "leistung", "max leistung"}},
}

// plugs are what people call connectors, in OCPI 2.2.1 terms.
var plugs = map[string]connectorType{
	"ccs": {"IEC_62196_T2_COMBO", "CABLE", "DC"}, "ccs2": {"IEC_62196_T2_COMBO", "CABLE", "DC"}, "combo2": {"IEC_62196_T2_COMBO", "CABLE", "DC"},
	"ccs1": {"IEC_62196_T1_COMBO", "CABLE", "DC"}, "combo1": {"IEC_62196_T1_COMBO", "CABLE", "DC"}, "chademo": {"CHADEMO", "CABLE", "DC"},
	"type2": {"IEC_62196_T2", "", ""}, "typ2": {"IEC_62196_T2", "", ""}, "t2": {"IEC_62196_T2", "", ""}, "mennekes": {"IEC_62196_T2", "", ""},
	"type1": {"IEC_62196_T1", "CABLE", ""}, "typ1": {"IEC_62196_T1", "CABLE", ""}, "j1772": {"IEC_62196_T1", "CABLE", ""}, "t1": {"IEC_62196_T1", "CABLE", ""},
	"type3": {"IEC_62196_T3C", "", ""}, "nacs": {"SAE_J3400", "CABLE", ""}, "schuko": {"DOMESTIC_F", "SOCKET", ""}, "ef": {"DOMESTIC_E", "SOCKET", ""}, "mcs": {"MCS", "CABLE", "DC"},
}

// ocpiTypes are the values of ConnectorType, OCPI 2.2.1 §8.4.5, and SAE_J3400
// and MCS, which came later.
var ocpiTypes = strings.Fields(`CHADEMO CHAOJI DOMESTIC_A DOMESTIC_B DOMESTIC_C DOMESTIC_D DOMESTIC_E DOMESTIC_F DOMESTIC_G DOMESTIC_H DOMESTIC_I DOMESTIC_J
	DOMESTIC_K DOMESTIC_L DOMESTIC_M DOMESTIC_N DOMESTIC_O GBT_AC GBT_DC IEC_60309_2_single_16 IEC_60309_2_three_16 IEC_60309_2_three_32 IEC_60309_2_three_64
	IEC_62196_T1 IEC_62196_T1_COMBO IEC_62196_T2 IEC_62196_T2_COMBO IEC_62196_T3A IEC_62196_T3C NEMA_5_20 NEMA_6_30 NEMA_6_50 NEMA_10_30 NEMA_10_50 NEMA_14_30
	NEMA_14_50 PANTOGRAPH_BOTTOM_UP PANTOGRAPH_TOP_DOWN TESLA_R TESLA_S SAE_J3400 MCS`)

var powerTypes = []string{"AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"}

func wrong(format string, args ...any) error {
	return fault.New(fault.Invalid, "station.import", format, args...)
}

// parseConnectors reads the cell connectors. A type that is not known is
// kept as it stands: a station may have told it.
func parseConnectors(cell string) ([]PortSpec, error) {
	ports := map[int]*PortSpec{}
	for _, item := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '|' || r == '\n' }) {
		words := strings.Fields(item)
		if len(words) == 0 {
			continue
		}
		at, of, dotted := strings.Cut(words[0], ".")
		evse, err := portNumber(at)
		if err != nil {
			return nil, err
		}
		p := ports[evse]
		if p == nil {
			p = &PortSpec{EVSE: evse}
			ports[evse] = p
		}
		if !dotted && len(words) == 1 { // a port whose connectors are not known
			continue
		}
		c := ConnectorSpec{ID: 1}
		if dotted {
			if c.ID, err = portNumber(of); err != nil {
				return nil, err
			}
		}
		if err := c.words(words[1:]); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.Connectors, func(o ConnectorSpec) bool { return o.ID == c.ID }) {
			return nil, wrong("connector %d.%d stands there twice", evse, c.ID)
		}
		p.Connectors = append(p.Connectors, c.normal())
	}
	out := make([]PortSpec, 0, len(ports))
	for _, p := range ports {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b PortSpec) int { return cmp.Compare(a.EVSE, b.EVSE) })
	return out, nil
}

func portNumber(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxEVSE {
		return 0, wrong("%q is not the number of an EVSE or connector, which lies between 1 and %d; write for example 1.1 IEC_62196_T2 SOCKET AC_3_PHASE 22kW", s, maxEVSE)
	}
	return n, nil
}

// words takes what follows the number of a connector, in any order but the
// type first.
func (c *ConnectorSpec) words(words []string) error {
	for i, w := range words {
		up := strings.ToUpper(w)
		switch {
		case up == "SOCKET" || up == "CABLE":
			c.Format = up
		case slices.Contains(powerTypes, up):
			c.PowerType = up
		case strings.HasSuffix(up, "W"):
			watts, err := parsePower(w)
			if err != nil {
				return err
			}
			c.MaxPower = watts
		case i == 0:
			c.plug(w)
		default:
			return wrong("%q is not understood; after the type stand SOCKET or CABLE, one of %s, and a power such as 22kW", w, strings.Join(powerTypes, ", "))
		}
	}
	return nil
}

func (c *ConnectorSpec) plug(w string) {
	if c.Type = w; slices.Contains(ocpiTypes, w) { // as an export has it: nothing is added
		return
	}
	if t, ok := plugs[strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(w))]; ok {
		c.Type, c.Format, c.PowerType = t.ocpi, t.format, t.power
		return
	}
	for _, t := range ocpiTypes {
		if strings.EqualFold(t, w) {
			c.Type = t
		}
	}
}

func knownType(t string) bool { return t == "" || slices.Contains(ocpiTypes, t) }

// parsePower reads 22kW, 7.4kW, 7,4 kW or 7400W.
func parsePower(s string) (int64, error) {
	text, scale := strings.ToUpper(strings.ReplaceAll(s, " ", "")), 0
	text, ok := strings.CutSuffix(text, "W")
	if kilo, found := strings.CutSuffix(text, "K"); found {
		text, scale = kilo, 3
	}
	whole, frac, _ := strings.Cut(strings.Replace(text, ",", ".", 1), ".")
	if len(frac) > scale {
		ok = false
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", max(0, scale-len(frac))), 10, 64)
	if !ok || err != nil || n < 0 || n > 100_000_000 {
		return 0, wrong("%q is not a power; write it as 22kW, 7.4kW or 7400W", s)
	}
	return n, nil
}

func formatPower(w int64) string {
	if w%1000 == 0 {
		return strconv.FormatInt(w/1000, 10) + "kW"
	}
	return strconv.FormatInt(w, 10) + "W"
}

// parsePairs reads "1=A; 2=B".
func parsePairs(cell string) (map[int]string, error) {
	out := map[int]string{}
	for item := range strings.SplitSeq(strings.ReplaceAll(cell, "\n", ";"), ";") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		at, value, ok := strings.Cut(item, "=")
		n, err := portNumber(strings.TrimSpace(at))
		if err != nil || !ok {
			return nil, wrong("%q is not understood; write EVSE=value, separated by ; such as 1=A; 2=B", strings.TrimSpace(item))
		}
		out[n] = strings.TrimSpace(value)
	}
	return out, nil
}

// typeWord is how a type stands in the cell: one word.
func typeWord(t string) string {
	return strings.Join(strings.FieldsFunc(t, func(r rune) bool { return r <= ' ' || r == ';' || r == '|' }), "_")
}

// writeConnectors is the cell that parseConnectors reads back.
func writeConnectors(ports []EVSE) string {
	var items []string
	for _, e := range ports {
		if len(e.Connectors) == 0 {
			items = append(items, strconv.Itoa(e.EVSE))
		}
		for _, c := range e.Connectors {
			words := []string{fmt.Sprintf("%d.%d", e.EVSE, c.ID)}
			for _, w := range []string{typeWord(c.Type), c.Format, c.PowerType} {
				if w != "" {
					words = append(words, w)
				}
			}
			if c.MaxPower > 0 {
				words = append(words, formatPower(c.MaxPower))
			}
			items = append(items, strings.Join(words, " "))
		}
	}
	return strings.Join(items, "; ")
}

func writePairs(ports []EVSE, value func(EVSE) string) string {
	var items []string
	for _, e := range ports {
		if v := value(e); v != "" {
			items = append(items, strconv.Itoa(e.EVSE)+"="+strings.ReplaceAll(v, ";", ","))
		}
	}
	return strings.Join(items, "; ")
}
