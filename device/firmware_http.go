package device

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/file"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
)

type imageBody struct {
	ID           string    `json:"id"`
	Organisation string    `json:"organisation"`
	Vendor       string    `json:"vendor,omitempty" doc:"For stations of this vendor; * stands for anything"`
	Model        string    `json:"model,omitempty"`
	Version      string    `json:"version" doc:"What a station with this firmware tells when it boots"`
	URL          string    `json:"url,omitempty" doc:"Where it lies, when not in the file store"`
	Ready        bool      `json:"ready" doc:"Stations can fetch it"`
	Size         int64     `json:"size,omitempty" doc:"Bytes"`
	SHA256       string    `json:"sha256,omitempty"`
	Signed       bool      `json:"signed"`
	Certificate  string    `json:"signing_certificate,omitempty"`
	Signature    string    `json:"signature,omitempty"`
	Verified     string    `json:"signature_scheme,omitempty" doc:"How the signature was verified; absent: it was not, since the image lies elsewhere"`
	Notes        string    `json:"notes,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	Actor        string    `json:"actor"`
}

func imageBodyOf(i Image) imageBody {
	return imageBody{ID: i.ID, Organisation: i.Org, Vendor: i.Vendor, Model: i.Model, Version: i.Version, URL: i.URL, Ready: i.Ready(), Size: i.Size, SHA256: i.SHA256,
		Signed: i.Signed(), Certificate: i.Certificate, Signature: i.Signature, Verified: i.Verified, Notes: i.Notes, CreatedAt: i.CreatedAt, Actor: i.Actor}
}

type imageOutput struct{ Body imageBody }

type imageInput struct {
	Body struct {
		Organisation string `json:"organisation,omitempty" maxLength:"40"`
		Vendor       string `json:"vendor,omitempty" maxLength:"100" doc:"Pattern; * stands for anything, empty too"`
		Model        string `json:"model,omitempty" maxLength:"100"`
		Version      string `json:"version" minLength:"1" maxLength:"100"`
		URL          string `json:"url,omitempty" maxLength:"512" doc:"Where the image lies (http, https, ftp, ftps, sftp); without it, PUT the content next"`
		SHA256       string `json:"sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Compared with what is uploaded"`
		Certificate  string `json:"signing_certificate,omitempty" doc:"PEM"`
		Signature    string `json:"signature,omitempty" doc:"base64, over the SHA-256 of the image"`
		Notes        string `json:"notes,omitempty" maxLength:"2000"`
	}
}

var imageSpec = db.ListSpec{
	Base: "SELECT " + imageColumns + " FROM device_firmware_image WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{text("vendor", "vendor"), text("model", "model"), text("version", "version"), text("sha256", "sha256"), instant("created_at", "created_at")},
}

// ofOrgs registers a list of what belongs to the caller's organisations.
func ofOrgs[T, B any](s *Service, a *web.API, path, permission, summary string, spec db.ListSpec, scan func(db.Scanner) (T, error), body func(T) B) {
	o := op(http.MethodGet, path, permission, summary)
	o.List = &spec
	web.Handle(a, o, func(ctx context.Context, in *struct{ web.ListInput }) (*web.ListOutput[B], error) {
		caller, err := identity.Require(ctx, identity.Permission(permission))
		if err != nil {
			return nil, err
		}
		req, err := in.Request()
		if err != nil {
			return nil, err
		}
		var rows []T
		var next string
		err = s.d.DB.View(ctx, func(tx *db.Tx) error {
			rows, next, err = db.List(tx, spec, []db.Cond{caller.Scope.Where("org")}, req, scan)
			return err
		})
		if err != nil {
			return nil, err
		}
		items := make([]B, len(rows))
		for i, r := range rows {
			items[i] = body(r)
		}
		return web.NewList(items, next), nil
	})
}

// made marks a route that answers 201.
func made(o web.Op) web.Op { o.Status = http.StatusCreated; return o }

func (s *Service) imageRoutes(a *web.API) {
	ofOrgs(s, a, "/firmware-images", identity.DeviceRead, "List firmware images", imageSpec, scanImage, imageBodyOf)
	post := made(op(http.MethodPost, "/firmware-images", identity.FirmwareWrite, "Add a firmware image"))
	post.Description = "With a url, or without one: then PUT its content to /firmware-images/{id}/content. A signature is checked against the image and the certificate as soon as both are there."
	web.Handle(a, post, s.postImage)
	web.Handle(a, op(http.MethodGet, "/firmware-images/{id}", identity.DeviceRead, "Read a firmware image"), s.getImage)
	web.Handle(a, op(http.MethodDelete, "/firmware-images/{id}", identity.FirmwareWrite, "Delete a firmware image and its content"), s.deleteImage)
	put := op(http.MethodPut, "/firmware-images/{id}/content", identity.FirmwareWrite, "Upload the content of a firmware image: the body, or the file of a form")
	put.MaxBody, put.Produces = s.maxUpload(), "application/json"
	a.Raw(put, s.raw(a, s.putImageContent))
	get := op(http.MethodGet, "/firmware-images/{id}/content", identity.DeviceRead, "Download a firmware image")
	get.Produces = "application/octet-stream"
	a.Raw(get, s.raw(a, s.getImageContent))
}

// maxUpload is the body that an upload may have: the file and a form around it.
func (s *Service) maxUpload() int64 {
	if s.d.Files == nil {
		return 1 << 20
	}
	return s.d.Files.MaxSize() + 64<<10
}

// raw makes a handler of a function that answers by itself, unless it fails.
func (s *Service) raw(a *web.API, fn func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a.Fail(w, r, err)
		}
	})
}

func (s *Service) postImage(ctx context.Context, in *imageInput) (*imageOutput, error) {
	caller, err := identity.Require(ctx, identity.FirmwareWrite)
	if err != nil {
		return nil, err
	}
	b := in.Body
	if err := checkURL(b.URL); err != nil {
		return nil, err
	}
	i := Image{Vendor: strings.TrimSpace(b.Vendor), Model: strings.TrimSpace(b.Model), Version: strings.TrimSpace(b.Version), URL: b.URL, SHA256: strings.ToLower(b.SHA256),
		Certificate: strings.TrimSpace(b.Certificate), Signature: strings.Join(strings.Fields(b.Signature), ""), Notes: b.Notes, Actor: caller.Actor()}
	if err := checkSigning(i.Certificate, i.Signature, s.d.DB.Now()); err != nil {
		return nil, err
	}
	if i.Signed() && i.SHA256 != "" { // the digest is all a signature needs
		if i.Verified, err = verifySignature(i.Certificate, i.Signature, i.SHA256); err != nil {
			return nil, err
		}
	}
	err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
		org, err := identity.Place(ctx, tx, identity.OrgID(b.Organisation))
		if err != nil {
			return err
		}
		i.ID, i.Org, i.CreatedAt = id.New[string](tx.Now), string(org), tx.Now
		if err := saveImage(tx, i); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: org, Action: "firmware_image.created", Subject: i.ID, Changes: map[string]identity.Change{"version": {nil, i.Version}}})
	})
	return &imageOutput{imageBodyOf(i)}, err
}

func checkURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err == nil && u.Host != "" {
		switch u.Scheme {
		case "http", "https", "ftp", "ftps", "sftp":
			return nil
		}
	}
	return fault.New(fault.Invalid, "device.url", "the url must be http, https, ftp, ftps or sftp, with a host").With("body.url", "http(s)://…, ftp(s)://… or sftp://…", text)
}

// image finds an image the caller may use.
func (s *Service) image(ctx context.Context, permission identity.Permission, image string) (i Image, err error) {
	caller, err := identity.Require(ctx, permission)
	if err != nil {
		return i, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) error { i, err = imageOf(tx, image, caller.Scope.Where("org")); return err })
	return i, err
}

func (s *Service) getImage(ctx context.Context, in *idInput) (*imageOutput, error) {
	i, err := s.image(ctx, identity.DeviceRead, in.ID)
	return &imageOutput{imageBodyOf(i)}, err
}

func (s *Service) deleteImage(ctx context.Context, in *idInput) (*struct{}, error) {
	i, err := s.image(ctx, identity.FirmwareWrite, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.d.DB.Update(ctx, func(tx *db.Tx) error {
		var open int
		if err := tx.QueryRow("SELECT COUNT(*) FROM device_firmware_update WHERE image = $1 AND state IN ('running','paused')", i.ID).Scan(&open); err != nil {
			return err
		}
		if open > 0 {
			return fault.New(fault.Conflict, "device.image_in_use", "%d firmware updates still use this image; cancel them first", open)
		}
		if i.File != "" {
			if err := s.d.Files.Delete(tx, i.File); err != nil {
				return err
			}
		}
		if err := tx.Send("DELETE FROM device_firmware_image WHERE id = $1", i.ID); err != nil {
			return err
		}
		return identity.Audit(ctx, tx, identity.Entry{Org: identity.OrgID(i.Org), Action: "firmware_image.deleted", Subject: i.ID})
	})
}

// putImageContent stores the content of an image. It is refused, and not
// kept, when checksum or signature do not fit.
func (s *Service) putImageContent(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	i, err := s.image(ctx, identity.FirmwareWrite, r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case i.URL != "":
		return fault.New(fault.Conflict, "device.image_elsewhere", "this image lies at its url; add another one to upload its content")
	case i.File != "":
		return fault.New(fault.Conflict, "device.image_complete", "this image has its content; add another one for other content")
	}
	body, name, _, err := file.Body(r)
	if err != nil {
		return err
	}
	f, err := s.d.Files.Save(ctx, file.Draft{Org: i.Org, Purpose: "firmware", Subject: i.ID, Name: or(name, i.Version+".bin")}, body)
	if err != nil {
		return err
	}
	sum := i.SHA256
	i.File, i.Size, i.SHA256 = f.ID, f.Size, f.SHA256
	switch {
	case f.Size == 0:
		err = fault.New(fault.Invalid, "device.image_empty", "the image is empty")
	case sum != "" && sum != f.SHA256:
		err = fault.New(fault.Invalid, "device.checksum", "the content has the SHA-256 %s, not %s", f.SHA256, sum)
	case i.Signed():
		i.Verified, err = verifySignature(i.Certificate, i.Signature, f.SHA256)
	}
	if err == nil {
		err = s.d.DB.Update(ctx, func(tx *db.Tx) error {
			n, err := tx.Exec("UPDATE device_firmware_image SET file = $2, size = $3, sha256 = $4, verified = $5 WHERE id = $1 AND file = ''", i.ID, i.File, i.Size, i.SHA256, i.Verified)
			if err == nil && n == 0 {
				err = fault.New(fault.Conflict, "device.image_complete", "somebody else uploaded the content meanwhile")
			}
			return err
		})
	}
	if err != nil {
		if undo := s.d.DB.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error { return s.d.Files.Delete(tx, f.ID) }); undo != nil {
			s.d.Log.Warn("a refused image stays in the file store", "file", f.ID, "error", undo)
		}
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(imageBodyOf(i))
}

func (s *Service) getImageContent(w http.ResponseWriter, r *http.Request) error {
	i, err := s.image(r.Context(), identity.DeviceRead, r.PathValue("id"))
	if err != nil {
		return err
	}
	if i.File == "" {
		return fault.New(fault.NotFound, "device.image_elsewhere", "the content of this image is not stored here")
	}
	return s.serveFile(w, r, i.File)
}

// serveFile answers with a stored file.
func (s *Service) serveFile(w http.ResponseWriter, r *http.Request, stored string) error {
	var f file.File
	err := s.d.DB.View(r.Context(), func(tx *db.Tx) (err error) { f, err = s.d.Files.Get(tx, stored); return err })
	if err != nil {
		return err
	}
	content, err := s.d.Files.Open(r.Context(), f)
	if err != nil {
		return err
	}
	file.Serve(w, r, f, content)
	return nil
}
