package v16

import (
	"strings"

	"github.com/forecourt-ev/forecourt/ocpp"
)

func encodeClearCache(*ocpp.ClearCacheRequest) (ocpp.Request, error) {
	return &ClearCacheRequest{}, nil
}

func decodeClearCache(_ *ocpp.ClearCacheRequest, s *ClearCacheResponse) ocpp.Response {
	return &ocpp.ClearCacheResponse{Status: ocpp.ClearCacheStatusEnum(s.Status)}
}

func encodeGetLocalListVersion(*ocpp.GetLocalListVersionRequest) (ocpp.Request, error) {
	return &GetLocalListVersionRequest{}, nil
}

// A station without local lists answers -1, which passes: OCPP 1.6 §5.10.
func decodeGetLocalListVersion(_ *ocpp.GetLocalListVersionRequest, s *GetLocalListVersionResponse) ocpp.Response {
	return &ocpp.GetLocalListVersionResponse{VersionNumber: s.ListVersion}
}

func encodeSendLocalList(r *ocpp.SendLocalListRequest) (ocpp.Request, error) {
	out := &SendLocalListRequest{ListVersion: r.VersionNumber, UpdateType: UpdateTypeEnum(r.UpdateType)}
	for _, a := range r.LocalAuthorizationList {
		tag, err := idTag(a.IdToken)
		if err != nil {
			return nil, err
		}
		entry := AuthorizationData{IdTag: tag}
		if a.IdTokenInfo != nil {
			i := tagInfo(a.IdTokenInfo)
			entry.IdTagInfo = &i
		}
		out.LocalAuthorizationList = append(out.LocalAuthorizationList, entry)
	}
	return out, nil
}

func decodeSendLocalList(_ *ocpp.SendLocalListRequest, s *SendLocalListResponse) ocpp.Response {
	if s.Status == UpdateStatusEnumNotSupported {
		return &ocpp.SendLocalListResponse{Status: ocpp.SendLocalListStatusEnumFailed, StatusInfo: info("NotSupported")}
	}
	return &ocpp.SendLocalListResponse{Status: ocpp.SendLocalListStatusEnum(s.Status)}
}

func encodeReserveNow(r *ocpp.ReserveNowRequest) (ocpp.Request, error) {
	if r.ConnectorType != "" {
		return nil, unsupported("OCPP 1.6 reserves a connector by its number, not by type")
	}
	tag, err := idTag(r.IdToken)
	if err != nil {
		return nil, err
	}
	out := &ReserveNowRequest{ReservationID: r.ID, ExpiryDate: r.ExpiryDateTime, IdTag: tag}
	if r.EVSEID != nil {
		out.ConnectorID = *r.EVSEID
	}
	if r.GroupIdToken != nil {
		out.ParentIdTag, err = idTag(*r.GroupIdToken)
	}
	return out, err
}

func decodeReserveNow(_ *ocpp.ReserveNowRequest, s *ReserveNowResponse) ocpp.Response {
	return &ocpp.ReserveNowResponse{Status: ocpp.ReserveNowStatusEnum(s.Status)}
}

func encodeCancelReservation(r *ocpp.CancelReservationRequest) (ocpp.Request, error) {
	return &CancelReservationRequest{ReservationID: r.ReservationID}, nil
}

func decodeCancelReservation(_ *ocpp.CancelReservationRequest, s *CancelReservationResponse) ocpp.Response {
	return &ocpp.CancelReservationResponse{Status: ocpp.CancelReservationStatusEnum(s.Status)}
}

func encodeCertificateSigned(r *ocpp.CertificateSignedRequest) (ocpp.Request, error) {
	if t := r.CertificateType; t != "" && t != ocpp.CertificateSigningUseEnumChargingStationCertificate {
		return nil, unsupported("OCPP 1.6 has no %s", t)
	}
	return &CertificateSignedRequest{CertificateChain: r.CertificateChain}, nil
}

func decodeCertificateSigned(_ *ocpp.CertificateSignedRequest, s *CertificateSignedResponse) ocpp.Response {
	return &ocpp.CertificateSignedResponse{Status: ocpp.CertificateSignedStatusEnum(s.Status)}
}

func encodeInstallCertificate(r *ocpp.InstallCertificateRequest) (ocpp.Request, error) {
	use, err := certificateUse(string(r.CertificateType))
	return &InstallCertificateRequest{CertificateType: use, Certificate: r.Certificate}, err
}

// certificateUse maps a root certificate's use; 1.6 has two.
func certificateUse(use string) (CertificateUseEnum, error) {
	switch use {
	case string(ocpp.InstallCertificateUseEnumCSMSRootCertificate):
		return CertificateUseEnumCentralSystemRootCertificate, nil
	case string(ocpp.InstallCertificateUseEnumManufacturerRootCertificate):
		return CertificateUseEnumManufacturerRootCertificate, nil
	}
	return "", unsupported("OCPP 1.6 has no certificates of type %s", use)
}

func decodeInstallCertificate(_ *ocpp.InstallCertificateRequest, s *InstallCertificateResponse) ocpp.Response {
	return &ocpp.InstallCertificateResponse{Status: ocpp.InstallCertificateStatusEnum(s.Status)}
}

func encodeDeleteCertificate(r *ocpp.DeleteCertificateRequest) (ocpp.Request, error) {
	h := r.CertificateHashData
	return &DeleteCertificateRequest{CertificateHashData: CertificateHashData{
		HashAlgorithm: HashAlgorithmEnum(h.HashAlgorithm), IssuerNameHash: h.IssuerNameHash,
		IssuerKeyHash: h.IssuerKeyHash, SerialNumber: h.SerialNumber,
	}}, nil
}

func decodeDeleteCertificate(_ *ocpp.DeleteCertificateRequest, s *DeleteCertificateResponse) ocpp.Response {
	return &ocpp.DeleteCertificateResponse{Status: ocpp.DeleteCertificateStatusEnum(s.Status)}
}

// 1.6 asks for one type of certificates; 2.x may ask for several or all.
func encodeGetInstalledCertificateIds(r *ocpp.GetInstalledCertificateIdsRequest) (ocpp.Request, error) {
	if len(r.CertificateType) != 1 {
		return nil, unsupported("OCPP 1.6 lists the certificates of exactly one type")
	}
	use, err := certificateUse(string(r.CertificateType[0]))
	return &GetInstalledCertificateIdsRequest{CertificateType: use}, err
}

func decodeGetInstalledCertificateIds(r *ocpp.GetInstalledCertificateIdsRequest, s *GetInstalledCertificateIdsResponse) ocpp.Response {
	out := &ocpp.GetInstalledCertificateIdsResponse{Status: ocpp.GetInstalledCertificateStatusEnum(s.Status)}
	for _, h := range s.CertificateHashData {
		out.CertificateHashDataChain = append(out.CertificateHashDataChain, ocpp.CertificateHashDataChain{
			CertificateType: r.CertificateType[0],
			CertificateHashData: ocpp.CertificateHashData{
				HashAlgorithm: ocpp.HashAlgorithmEnum(strings.ToUpper(string(h.HashAlgorithm))), IssuerNameHash: h.IssuerNameHash,
				IssuerKeyHash: h.IssuerKeyHash, SerialNumber: h.SerialNumber,
			},
		})
	}
	return out
}
