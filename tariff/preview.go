package tariff

import (
	"context"
	"net/http"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type (
	previewInput struct {
		Speaks
		DriverGroups []string `query:"driver_groups" maxItems:"50" doc:"Whose prices the week shows"`
		RatedPowerW  int64    `query:"rated_power_w" minimum:"0" doc:"What the EVSE can deliver"`
		Body         tariffBody
	}
	previewOutput struct {
		Body struct {
			Tariff  tariffBody `json:"tariff" doc:"With what is filled in: organisation's country, currency"`
			Summary string     `json:"summary" doc:"The tariff in one sentence"`
			Week    heatWeek   `json:"week" doc:"The prices of this week, hour by hour"`
			Lost    []Loss     `json:"lost" nullable:"false" doc:"What OCPI partners do not get, and what they are told instead"`
		}
	}
	usesInput struct {
		Tariffs []string `query:"tariffs" minItems:"1" maxItems:"200" required:"true" doc:"Ids of tariffs"`
	}
	usesOutput struct {
		Body struct {
			Items []usesBody `json:"items" nullable:"false" doc:"One for each tariff that is used"`
		}
	}
	usesBody struct {
		Tariff       ID          `json:"tariff"`
		Organisation string      `json:"organisation"`
		Groups       []groupRef  `json:"groups" nullable:"false" doc:"Tariff groups that give it to somebody"`
		Places       []PlaceBody `json:"places" nullable:"false" doc:"Where it is in force now, by itself or by a group; without doubles"`
	}
	groupRef struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
)

// previewRoutes are what an editor needs while a tariff is being written.
func (s *Service) previewRoutes(a *web.API, op makeOp) {
	preview := op(http.MethodPost, "/tariffs/preview", identity.TariffRead, "Check a tariff and show what it means, without storing it")
	preview.Status = http.StatusOK
	preview.Description = "Refuses what POST /tariffs would refuse, with the place and the fix of each fault."
	web.Handle(a, preview, s.preview)
	web.Handle(a, op(http.MethodGet, "/tariff-uses", identity.TariffRead, "Read where tariffs are in force now"), func(ctx context.Context, in *usesInput) (*usesOutput, error) {
		var out usesOutput
		var err error
		out.Body.Items, err = s.uses(ctx, in.Tariffs)
		return &out, err
	})
}

func (s *Service) preview(ctx context.Context, in *previewInput) (*previewOutput, error) {
	if _, err := identity.Require(ctx, identity.TariffRead); err != nil {
		return nil, err
	}
	o, err := in.Body.ocpi()
	if err != nil {
		return nil, err
	}
	r, err := s.Preview(ctx, identity.OrgID(in.Body.Organisation), o)
	if err != nil {
		return nil, err
	}
	var out previewOutput
	b := &out.Body
	if b.Tariff, err = bodyOf(in.Language(), r, nil); err != nil {
		return nil, err
	}
	_, lost := r.Tariff.ToOCPI()
	b.Summary, b.Lost = b.Tariff.Summary, append([]Loss{}, lost...)
	q := HeatQuestion{From: monday(s.d.DB.Now()), Days: 7, Slot: 60, Context: Context{Groups: in.DriverGroups, Rated: unit.Watts(in.RatedPowerW)}}
	b.Week = weekOf(r.Version, q)
	return &out, nil
}

// uses tells, for each of the tariffs the caller may see, where it is in force.
func (s *Service) uses(ctx context.Context, ids []string) ([]usesBody, error) {
	c, err := identity.Require(ctx, identity.TariffRead)
	if err != nil {
		return nil, err
	}
	out := []usesBody{}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error {
		out = out[:0]
		return eachUse(tx, c.Scope.Where("t.org"), ids, func(t ID, org string, g *groupRef, p PlaceBody) {
			if n := len(out); n == 0 || out[n-1].Tariff != t || out[n-1].Organisation != org {
				out = append(out, usesBody{Tariff: t, Organisation: org, Groups: []groupRef{}, Places: []PlaceBody{}})
			}
			out[len(out)-1].add(g, p)
		})
	})
	return out, err
}

// add takes up a use. They come in order, so that doubles follow each other.
func (b *usesBody) add(g *groupRef, p PlaceBody) {
	if g != nil {
		known := false
		for _, x := range b.Groups {
			known = known || x.ID == g.ID
		}
		if !known {
			b.Groups = append(b.Groups, *g)
		}
	}
	if n := len(b.Places); p != (PlaceBody{}) && (n == 0 || b.Places[n-1] != p) {
		b.Places = append(b.Places, p)
	}
}

// eachUse gives the uses of tariffs by tariff, organisation and place, groups
// that hold nowhere included.
func eachUse(tx *db.Tx, visible db.Cond, ids []string, each func(t ID, org string, g *groupRef, p PlaceBody)) error {
	now := db.Micros(tx.Now)
	q := db.Build(`WITH uses AS (SELECT a.tariff, '' AS tgroup, '' AS name, a.org, a.site, a.station, a.evse FROM tariff_assignment a
		WHERE a.valid_from <= ? AND (a.valid_to IS NULL OR a.valid_to > ?)
		UNION ALL SELECT e.tariff, g.id, g.name, COALESCE(p.org, ''), COALESCE(p.site, ''), COALESCE(p.station, ''), COALESCE(p.evse, 0)
		FROM tariff_group_entry e JOIN tariff_group g ON g.id = e.tgroup
		LEFT JOIN tariff_group_place p ON p.tgroup = e.tgroup AND p.valid_from <= ? AND (p.valid_to IS NULL OR p.valid_to > ?)
		WHERE e.valid_from <= ? AND (e.valid_to IS NULL OR e.valid_to > ?))
		SELECT t.id, t.org, u.tgroup, u.name, u.org, u.site, u.station, u.evse FROM uses u JOIN tariff t ON t.uid = u.tariff WHERE t.id_key IN (`, now, now, now, now, now, now)
	for i, x := range ids {
		if i > 0 {
			q.Add(",")
		}
		q.Add("?", key(ID(x)))
	}
	text, args := q.Add(")").And(visible).Add("ORDER BY t.id, t.org, u.org, u.site, u.station, u.evse, u.tgroup").SQL()
	_, err := db.Collect(tx, func(row db.Scanner) (struct{}, error) {
		var t ID
		var org string
		var g groupRef
		var p PlaceBody
		err := row.Scan((*string)(&t), &org, &g.ID, &g.Name, &p.Organisation, &p.Site, &p.StationID, &p.EVSE)
		if err != nil {
			return struct{}{}, err
		}
		if g.ID == "" {
			each(t, org, nil, p)
		} else {
			each(t, org, &g, p)
		}
		return struct{}{}, nil
	}, text, args...)
	return err
}
