package tariff

import (
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/location"
	"github.com/forecourt-ev/forecourt/station"
)

// offer is a price that an audience has at an EVSE.
type offer struct {
	Candidate
	version *Version
	dynamic *Dynamic
}

// Standing gives, of all prices that somebody could have at an EVSE, those
// that the members of an audience really have: per audience and name the
// first in order of precedence whose tariff is in force. A closed group with
// a price for everybody rules out whatever is less specific.
func Standing(all []Candidate, inForce func(Candidate) (bool, error)) ([]Candidate, error) {
	all = slices.Clone(all)
	slices.SortFunc(all, Candidate.compare)
	var closed *Candidate
	for i, c := range all {
		if c.Closed && c.Audience == AudienceDefault && (closed == nil || c.within(*closed)) {
			closed = &all[i]
		}
	}
	seen := map[string]bool{}
	var out []Candidate
	for _, c := range all {
		key := string(c.Audience) + "/" + strings.ToLower(c.Ref)
		if seen[key] || closed != nil && closed.within(c) {
			continue
		}
		ok, err := inForce(c)
		if err != nil {
			return nil, err
		}
		if ok {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out, nil
}

// offersAt calls do for every price of every EVSE of a site.
func (s *Service) offersAt(tx *db.Tx, site location.Site, do func(station.Station, station.EVSE, offer) error) error {
	return s.stationsAt(tx, Place{Org: identity.OrgID(site.Org), Site: string(site.ID)}, func(st station.Station) error {
		ports, err := s.d.Stations.EVSEs(tx, string(st.ID))
		if err != nil {
			return err
		}
		for _, port := range ports {
			if port.RemovedAt != nil || port.EVSE == 0 {
				continue
			}
			all, err := s.offers(tx, spot{st.Org, st.Site, string(st.ID), port.EVSE}, tx.Now)
			if err != nil {
				return err
			}
			for _, o := range all {
				if err := do(st, port, o); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// offers gives the prices of an EVSE at an instant, for all audiences.
func (s *Service) offers(tx *db.Tx, at spot, when time.Time) ([]offer, error) {
	places, err := at.places(tx)
	if err != nil {
		return nil, err
	}
	all, err := candidates(tx, places, Driver{}, when, true)
	if err != nil {
		return nil, err
	}
	standing, err := Standing(all, func(c Candidate) (bool, error) {
		v, err := s.Version(tx, c.Version)
		return err == nil && inForce(v.Tariff.Source, when), err
	})
	if err != nil {
		return nil, err
	}
	out := make([]offer, len(standing))
	for i, c := range standing {
		v, err := s.Version(tx, c.Version)
		if err != nil {
			return nil, err
		}
		out[i].Candidate = c
		if out[i].version, out[i].dynamic, err = s.materialise(tx, *v, at, when); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// use is where a tariff is used, and for whom.
type use struct {
	Place    Place
	Audience Audience
}

// usesOf gives where a tariff is used now or later.
func usesOf(tx *db.Tx, u uid) ([]use, error) {
	now := db.Micros(tx.Now)
	return db.Collect(tx, func(row db.Scanner) (use, error) {
		var x use
		return x, row.Scan((*string)(&x.Place.Org), &x.Place.Site, &x.Place.Station, &x.Place.EVSE, (*string)(&x.Audience))
	}, `SELECT org, site, station, evse, 'default' FROM tariff_assignment WHERE tariff = $1 AND (valid_to IS NULL OR valid_to > $2)
		UNION SELECT p.org, p.site, p.station, p.evse, e.audience FROM tariff_group_entry e JOIN tariff_group_place p ON p.tgroup = e.tgroup
		WHERE e.tariff = $1 AND (e.valid_to IS NULL OR e.valid_to > $2) AND (p.valid_to IS NULL OR p.valid_to > $2)
		UNION SELECT org, site, station, evse, 'override' FROM tariff_override WHERE tariff = $1 AND (valid_to IS NULL OR valid_to > $2)`, string(u), now)
}

// newest gives the newest version of a tariff.
func newest(tx *db.Tx, u uid) (Version, error) {
	var v Version
	err := scanVersionInto(tx.QueryRow("SELECT "+versionColumns+" FROM tariff t JOIN tariff_version v ON v.tariff = t.uid AND v.version = t.version WHERE t.uid = $1", string(u)), &v)
	return v, err
}
