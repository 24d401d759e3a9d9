package billing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/ocpi"
	"github.com/forecourt-ev/forecourt/session"
	"github.com/forecourt-ev/forecourt/station"
)

// place is where a session took place, as far as it is known.
type place struct {
	site      location.Site
	station   string
	evse      int
	connector station.Connector
	zone      *time.Location
	unknown   bool // no site, or one without an address
}

// whereabouts looks the place up. A station or site that is gone leaves gaps;
// the session is billed all the same.
func (s *Service) whereabouts(tx *db.Tx, f session.Finished) (place, error) {
	p := place{station: f.Station, evse: max(f.EVSE, 1), connector: station.Connector{ID: max(f.Connector, 1)}, zone: time.UTC}
	at, err := s.d.Stations.Place(tx, f.Station)
	if err == nil && at.Zone != nil {
		p.zone = at.Zone
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p, err
	}
	if f.Site != "" {
		// The site of the session, which is not always the station's today.
		p.site, err = s.d.Locations.Get(tx, location.ID(f.Site))
		switch {
		case err == nil:
			p.zone = p.site.Zone()
		case !fault.Is(err, fault.NotFound):
			return p, err
		}
	}
	p.unknown = p.site.Address.City == "" || p.site.Address.Country == "" || p.site.Latitude == ""
	ports, err := s.d.Stations.EVSEs(tx, f.Station)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return p, err
	}
	for _, e := range ports {
		if e.EVSE != p.evse {
			continue
		}
		for _, c := range e.Connectors {
			if c.ID == p.connector.ID {
				p.connector = c
			}
		}
	}
	return p, nil
}

// ocpi is the CdrLocation. Required fields that are not known say so; unknown
// hardware is given as the commonest of its kind.
func (p place) ocpi(country, party string) *ocpi.CdrLocation {
	a := p.site.Address
	l := &ocpi.CdrLocation{
		ID: string(p.site.ID), Name: clip(p.site.Name, 255), Address: known(a.Street, 45), City: known(a.City, 45), PostalCode: clip(a.PostalCode, 10),
		Country: alpha3(a.Country, country), Coordinates: ocpi.GeoLocation{Latitude: degrees(p.site.Latitude), Longitude: degrees(p.site.Longitude)},
		EvseUID: short(fmt.Sprintf("%s*%d", p.station, p.evse), 36), EvseID: evseID(country, party, p.station, p.evse),
		ConnectorID: fmt.Sprint(p.connector.ID), ConnectorStandard: p.connector.Type, ConnectorFormat: p.connector.Format,
		ConnectorPowerType: p.connector.PowerType,
	}
	if l.ID == "" {
		l.ID = short(p.station, 36)
	}
	direct := l.ConnectorPowerType == "DC" || strings.HasSuffix(l.ConnectorStandard, "_COMBO") || l.ConnectorStandard == "CHADEMO"
	fill := func(to *string, dc, ac string) {
		switch {
		case *to != "":
		case direct:
			*to = dc
		default:
			*to = ac
		}
	}
	fill(&l.ConnectorStandard, "IEC_62196_T2_COMBO", "IEC_62196_T2")
	fill(&l.ConnectorFormat, "CABLE", "SOCKET")
	fill(&l.ConnectorPowerType, "DC", "AC_3_PHASE")
	return l
}

func known(s string, most int) string {
	if s == "" {
		return ocpi.NotAvailable
	}
	return clip(s, most)
}

// alpha3 gives the three-letter code of the first country that has one.
func alpha3(codes ...string) string {
	for _, c := range codes {
		if r, err := language.ParseRegion(c); c != "" && err == nil {
			return r.ISO3()
		}
	}
	return ocpi.NotAvailable
}

// degrees pads to the five decimals that OCPI asks for.
func degrees(s string) string {
	if s == "" {
		return "0.00000"
	}
	_, decimals, ok := strings.Cut(s, ".")
	if !ok {
		s += "."
	}
	return s + strings.Repeat("0", max(0, 5-len(decimals)))
}

// short keeps an id within its length; a longer one becomes a digest of
// itself, which is as unique.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:min(most, 32)]
}

// evseID makes an eMI3 EVSE id of country, party, station and port.
func evseID(country, party, station string, evse int) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r == '*':
			return r
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return '*'
	}, station)
	return short(fmt.Sprintf("%s*%s*E%s*%d", country, party, plain, evse), 48)
}
