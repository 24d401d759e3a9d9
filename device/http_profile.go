package device

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/web"
	"github.com/forecourt-ev/forecourt/identity"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/station"
)

type profileBody struct {
	EVSE        int             `json:"evse_id" doc:"0: the station as a whole"`
	ID          int             `json:"profile_id"`
	Source      string          `json:"source" doc:"EMS, Other, SO or CSO; others in OCPP 2.1"`
	Purpose     string          `json:"purpose"`
	Kind        string          `json:"kind"`
	StackLevel  int             `json:"stack_level"`
	Transaction string          `json:"transaction_id,omitempty"`
	Profile     json.RawMessage `json:"profile" doc:"As the station told it (OCPP 2.1 ChargingProfileType)"`
	SeenAt      time.Time       `json:"seen_at"`
}

var profileSpec = db.ListSpec{
	Base: "SELECT evse, profile, source, purpose, kind, stack_level, transaction_id, payload, seen_at FROM device_charging_profile WHERE", Default: "evse_id,stack_level", Key: "evse || ' ' || profile || ' ' || source",
	Fields: []db.Field{
		{Name: "evse_id", Column: "evse", Kind: db.Int, Sort: true, Filter: true}, {Name: "profile_id", Column: "profile", Kind: db.Int, Sort: true, Filter: true}, text("source", "source"), text("purpose", "purpose"),
		{Name: "stack_level", Column: "stack_level", Kind: db.Int, Sort: true, Filter: true}, text("transaction_id", "transaction_id"), instant("seen_at", "seen_at"),
	},
}

var limitSpec = db.ListSpec{
	Base: "SELECT evse, source, local_generation, grid_critical, schedule, since FROM device_charging_limit WHERE", Default: "-since", Key: "evse || ' ' || source",
	Fields: []db.Field{
		{Name: "evse_id", Column: "evse", Kind: db.Int, Sort: true, Filter: true}, text("source", "source"), {Name: "grid_critical", Column: "grid_critical", Kind: db.Bool, Filter: true}, instant("since", "since"),
	},
}

type (
	customerInput struct {
		ID   string `path:"id"`
		Body struct {
			Identifier string `json:"customer_identifier,omitempty" maxLength:"64"`
			Token      *struct {
				ID   string `json:"id" minLength:"1" maxLength:"255"`
				Type string `json:"type" maxLength:"20" doc:"ISO14443, eMAID, Central …"`
			} `json:"id_token,omitempty"`
			Certificate *struct {
				HashAlgorithm  string `json:"hash_algorithm" enum:"SHA256,SHA384,SHA512"`
				IssuerNameHash string `json:"issuer_name_hash" maxLength:"128"`
				IssuerKeyHash  string `json:"issuer_key_hash" maxLength:"128"`
				SerialNumber   string `json:"serial_number" maxLength:"40"`
			} `json:"certificate,omitempty"`
			Report bool `json:"report,omitempty" doc:"Tell what is known"`
			Clear  bool `json:"clear,omitempty" doc:"Forget it"`
		}
	}
	revealInput struct {
		ID      string `path:"id"`
		Request int64  `path:"request"`
	}
	revealOutput struct {
		Body struct {
			Data string `json:"data" doc:"As the station wrote it; it is deleted now"`
		}
	}
)

func (s *Service) profileRoutes(a *web.API) {
	list(s, a, "/charging-profiles", "List the charging profiles that a station reported", profileSpec, scanProfile, func(p InstalledProfile) profileBody {
		return profileBody{EVSE: p.EVSE, ID: p.ID, Source: p.Source, Purpose: p.Purpose, Kind: p.Kind, StackLevel: p.StackLevel, Transaction: p.Transaction, Profile: p.Profile, SeenAt: p.SeenAt.UTC()}
	})
	web.Handle(a, accepted(op(http.MethodPost, "/charging-stations/{id}/charging-profiles/refresh", identity.DeviceWrite, "Read the charging profiles of a station (OCPP 2.x)")), func(ctx context.Context, in *idInput) (*requestOutput, error) {
		return requestAnswer(s.AskChargingProfiles(ctx, station.ID(in.ID)))
	})
	list(s, a, "/charging-limits", "List the limits that came to a station from elsewhere", limitSpec, scanLimit, func(l ChargingLimit) ChargingLimit { return l })
	web.Handle(a, accepted(op(http.MethodPost, "/charging-stations/{id}/customer-information", identity.DeviceWrite, "Ask a station what it knows of a customer, or to forget it")), s.postCustomer)
	reveal := op(http.MethodPost, "/charging-stations/{id}/customer-information/{request}/reveal", identity.DeviceWrite, "Read what a station told of a customer, once")
	reveal.Status = http.StatusOK
	web.Handle(a, reveal, func(ctx context.Context, in *revealInput) (*revealOutput, error) {
		data, err := s.RevealCustomerInformation(ctx, station.ID(in.ID), in.Request)
		if err != nil {
			return nil, err
		}
		out := &revealOutput{}
		out.Body.Data = data
		return out, nil
	})
}

func (s *Service) postCustomer(ctx context.Context, in *customerInput) (*requestOutput, error) {
	who := Customer{Identifier: in.Body.Identifier}
	if t := in.Body.Token; t != nil {
		who.Token = &ocpp.IdToken{IdToken: t.ID, Type: t.Type}
	}
	if c := in.Body.Certificate; c != nil {
		who.Certificate = &ocpp.CertificateHashData{HashAlgorithm: ocpp.HashAlgorithmEnum(c.HashAlgorithm), IssuerNameHash: c.IssuerNameHash, IssuerKeyHash: c.IssuerKeyHash, SerialNumber: c.SerialNumber}
	}
	return requestAnswer(s.AskCustomerInformation(ctx, station.ID(in.ID), who, in.Body.Report, in.Body.Clear))
}
