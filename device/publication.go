package device

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

// publication is firmware that a local controller offers to the stations
// behind it (OCPP 2.0.1 L03).
type publication struct {
	Station   string    `json:"station"`
	Checksum  string    `json:"checksum" doc:"MD5, by which OCPP names it"`
	Image     string    `json:"image"`
	State     string    `json:"state" doc:"The last status the controller told, or in lower case what the platform did"`
	Reason    string    `json:"reason,omitempty"`
	Locations []string  `json:"locations" nullable:"false" doc:"Where stations behind the controller find it"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`

	org     string
	request int64
}

const publicationColumns = "station, checksum, org, image, request_id, state, reason, locations, created_at, updated_at"

func scanPublication(row db.Scanner) (publication, error) {
	var p publication
	var places string
	var created, updated int64
	if err := row.Scan(&p.Station, &p.Checksum, &p.org, &p.Image, &p.request, &p.State, &p.Reason, &places, &created, &updated); err != nil {
		return p, err
	}
	p.CreatedAt, p.UpdatedAt = db.Time(created), db.Time(updated)
	return p, json.Unmarshal([]byte(places), &p.Locations)
}

func savePublication(tx *db.Tx, p publication) error {
	if p.Locations == nil {
		p.Locations = []string{}
	}
	places, err := json.Marshal(p.Locations)
	if err != nil {
		return err
	}
	return tx.Send("INSERT INTO device_publication ("+publicationColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)
		ON CONFLICT (station, checksum) DO UPDATE SET image=excluded.image, request_id=excluded.request_id, state=excluded.state, reason=excluded.reason, locations=excluded.locations, updated_at=excluded.updated_at`,
		p.Station, p.Checksum, p.org, p.Image, p.request, p.State, clip(p.Reason, 500), string(places), db.Micros(p.CreatedAt), db.Micros(tx.Now))
}

var publicationSpec = db.ListSpec{
	Base: "SELECT " + publicationColumns + " FROM device_publication WHERE", Default: "-created_at", Key: "checksum",
	Fields: []db.Field{text("checksum", "checksum"), text("state", "state"), instant("created_at", "created_at")},
}

type publicationOutput struct{ Body publication }

type publicationInput struct {
	ID   string `path:"id"`
	Body struct {
		Image string `json:"image" maxLength:"60"`
	}
}

type checksumInput struct {
	ID       string `path:"id"`
	Checksum string `path:"checksum"`
}

func (s *Service) publicationRoutes(a *web.API) {
	list(s, a, "/published-firmware", "List the firmware that a local controller offers", publicationSpec, scanPublication, func(p publication) publication { return p })
	web.Handle(a, made(op(http.MethodPost, "/charging-stations/{id}/published-firmware", identity.FirmwareWrite, "Have a local controller offer firmware")), s.publish)
	web.Handle(a, op(http.MethodDelete, "/charging-stations/{id}/published-firmware/{checksum}", identity.FirmwareWrite, "Have a local controller withdraw firmware"), s.unpublish)
}

func (s *Service) publish(ctx context.Context, in *publicationInput) (*publicationOutput, error) {
	i, err := s.image(ctx, identity.FirmwareWrite, in.Body.Image)
	if err != nil {
		return nil, err
	}
	if i.File == "" {
		return nil, fault.New(fault.Conflict, "device.image_elsewhere", "only images in the file store can be published: their checksum is known")
	}
	var st station.Station
	if err := s.d.Stations.Visible(ctx, identity.FirmwareWrite, station.ID(in.ID), func(_ *db.Tx, found station.Station) error { st = found; return nil }); err != nil {
		return nil, err
	}
	var p publication
	var location string
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		f, err := s.d.Files.Get(tx, i.File)
		if err != nil {
			return err
		}
		p = publication{Station: string(st.ID), Checksum: f.MD5, Image: i.ID, State: "asked", CreatedAt: tx.Now, UpdatedAt: tx.Now, org: st.Org, request: reportID(tx.Now)}
		if location, err = s.d.Files.Link(tx, file.Link{File: f.ID, Uses: 3, ExpiresAt: tx.Now.Add(48 * time.Hour), Plain: st.Profile < 2}); err != nil {
			return err
		}
		return savePublication(tx, p)
	})
	if err != nil {
		return nil, err
	}
	answer, failure := s.d.Commander.Send(ctx, p.Station, &ocpp.PublishFirmwareRequest{Location: location, Checksum: p.Checksum, RequestID: int(p.request)})
	err = s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		fresh, err := scanPublication(tx.QueryRow("SELECT "+publicationColumns+" FROM device_publication WHERE station = $1 AND checksum = $2", p.Station, p.Checksum))
		if p = fresh; err != nil || fresh.State != "asked" {
			return err // its first status overtook the answer
		}
		r, ok := answer.(*ocpp.PublishFirmwareResponse)
		switch {
		case failure != nil:
			p.State, p.Reason = "failed", reasonOf(failure)
		case ok && r.Status == ocpp.GenericStatusEnumAccepted:
			p.State = "requested"
		default:
			p.State, p.Reason = "failed", "the controller refused"
		}
		return savePublication(tx, p)
	})
	return &publicationOutput{p}, err
}

func (s *Service) unpublish(ctx context.Context, in *checksumInput) (*struct{}, error) {
	var p publication
	err := s.d.Stations.Visible(ctx, identity.FirmwareWrite, station.ID(in.ID), func(tx *db.Tx, st station.Station) (err error) {
		p, err = scanPublication(tx.QueryRow("SELECT "+publicationColumns+" FROM device_publication WHERE station = $1 AND checksum = $2", string(st.ID), in.Checksum))
		if fault.Is(err, fault.NotFound) {
			err = fault.New(fault.NotFound, "device.no_publication", "the controller does not offer such firmware")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	answer, err := s.d.Commander.Send(ctx, p.Station, &ocpp.UnpublishFirmwareRequest{Checksum: p.Checksum})
	if err != nil {
		return nil, err
	}
	if r, ok := answer.(*ocpp.UnpublishFirmwareResponse); ok && r.Status == ocpp.UnpublishFirmwareStatusEnumDownloadOngoing { // OCPP 2.0.1 L04
		return nil, fault.New(fault.Conflict, "device.download_ongoing", "stations are downloading this firmware from the controller; try again later")
	}
	return nil, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		return tx.Send("DELETE FROM device_publication WHERE station = $1 AND checksum = $2", p.Station, p.Checksum)
	})
}

// hearsPublication takes a status of a publication.
func (s *Service) hearsPublication(tx *db.Tx, o owner, r *ocpp.PublishFirmwareStatusNotificationRequest) error {
	if r.Status == ocpp.PublishFirmwareStatusEnumIdle || r.RequestID == nil {
		return nil
	}
	p, err := scanPublication(tx.QueryRow("SELECT "+publicationColumns+" FROM device_publication WHERE station = $1 AND request_id = $2", o.station, *r.RequestID))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.State, p.Reason = string(r.Status), infoText(r.StatusInfo)
	if len(r.Location) > 0 {
		p.Locations = r.Location
	}
	return savePublication(tx, p)
}
