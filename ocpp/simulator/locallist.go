package simulator

import (
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// listed is what a local list says of a token.
type listed struct {
	accepted bool
	group    string
	until    time.Time
}

// sendList takes a part of the local list, or the whole; the answer is a word
// of SendLocalListStatusEnum (OCPP 2.0.1 D01; 1.6 §5.15). put holds nil for
// tokens to be removed.
func (m *machine) sendList(version int, full bool, put map[string]*listed) string {
	if !full && version <= m.listVer {
		return "VersionMismatch" // OCPP 2.0.1 D01.FR.18
	}
	if full || m.list == nil {
		m.list = map[string]listed{}
	}
	for id, entry := range put {
		if entry == nil {
			delete(m.list, id)
			continue
		}
		m.list[id] = *entry
	}
	m.listVer = version
	return "Accepted"
}

// onList tells whether the local list lets a token charge, and whether it
// may be asked at all: offline always, online when the station authorises by
// it first (OCPP 2.0.1 C13, C14).
func (m *machine) onList(token Token, now time.Time) bool {
	entry, known := m.list[token.ID]
	if _, cached := m.cache[token]; cached && !known {
		entry, known = listed{accepted: true}, true // the list goes first (OCPP 2.0.1 C14.FR.02)
	}
	if !known || !entry.accepted || !entry.until.IsZero() && !now.Before(entry.until) {
		return false
	}
	name := "LocalPreAuthorize"
	if m.config.Version != "1.6" {
		name = "AuthCtrlr.LocalPreAuthorize"
	}
	return !m.online || m.variables[name] == "true"
}

func (voice2) onSendList(m *machine, req *ocpp.SendLocalListRequest, _ time.Time) any {
	put := map[string]*listed{}
	for _, entry := range req.LocalAuthorizationList {
		put[entry.IdToken.IdToken] = nil
		if info := entry.IdTokenInfo; info != nil {
			one := &listed{accepted: info.Status == ocpp.AuthorizationStatusEnumAccepted, until: instant(info.CacheExpiryDateTime)}
			if info.GroupIdToken != nil {
				one.group = info.GroupIdToken.IdToken
			}
			put[entry.IdToken.IdToken] = one
		}
	}
	status := m.sendList(req.VersionNumber, req.UpdateType == ocpp.UpdateEnumFull, put)
	return ocpp.SendLocalListResponse{Status: ocpp.SendLocalListStatusEnum(status)}
}

// entry16 is an entry of a 1.6 local list.
type entry16 struct {
	IDTag string `json:"idTag"`
	Info  *struct {
		Status      string         `json:"status"`
		ParentIDTag string         `json:"parentIdTag"`
		ExpiryDate  *ocpp.DateTime `json:"expiryDate"`
	} `json:"idTagInfo"`
}

func sendList16(m *machine, q request16, _ time.Time) any {
	put := map[string]*listed{}
	for _, entry := range q.List {
		put[entry.IDTag] = nil
		if entry.Info != nil {
			put[entry.IDTag] = &listed{accepted: entry.Info.Status == "Accepted", group: entry.Info.ParentIDTag, until: instant(entry.Info.ExpiryDate)}
		}
	}
	return fields{"status": m.sendList(q.ListVersion, q.UpdateType == "Full", put)}
}

// allowsUnknown tells whether tokens that no list knows may charge while the
// platform cannot be asked (OCPP 2.0.1 C15); a station without any list
// always lets them.
func (m *machine) allowsUnknown() bool {
	name := "AllowOfflineTxForUnknownId"
	if m.config.Version != "1.6" {
		name = "AuthCtrlr.OfflineTxForUnknownIdEnabled"
	}
	return m.variables[name] != "false"
}

// remember keeps an acceptance, where there is a cache (OCPP 2.0.1 C10.FR.04).
func (m *machine) remember(token Token) {
	name := "AuthorizationCacheEnabled"
	if m.config.Version != "1.6" {
		name = "AuthCacheCtrlr.Enabled"
	}
	if m.variables[name] != "true" {
		return
	}
	if m.cache == nil {
		m.cache = map[Token]struct{}{}
	}
	m.cache[token] = struct{}{}
}
