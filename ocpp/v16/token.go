package v16

import (
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// maxIdTag is the length of an IdToken in OCPP 1.6 §7.28.
const maxIdTag = 20

// token gives the neutral form of an idTag; nil when there is none.
func token(idTag string) *ocpp.IdToken {
	idTag = strings.TrimSpace(idTag)
	if idTag == "" {
		return nil
	}
	return &ocpp.IdToken{IdToken: idTag}
}

// idTag gives a token as 1.6 carries it.
func idTag(t ocpp.IdToken) (string, error) {
	if t.IdToken == "" || len([]rune(t.IdToken)) > maxIdTag {
		return "", fault.New(fault.Unsupported, "ocpp.id_tag", "OCPP 1.6 carries tokens of 1 to %d characters", maxIdTag)
	}
	return t.IdToken, nil
}

// authorizationStatus maps what the platform decided; everything else is
// Invalid: 1.6 cannot tell "not here" from "not at all".
var authorizationStatus = map[ocpp.AuthorizationStatusEnum]AuthorizationStatusEnum{
	ocpp.AuthorizationStatusEnumAccepted:     AuthorizationStatusEnumAccepted,
	ocpp.AuthorizationStatusEnumBlocked:      AuthorizationStatusEnumBlocked,
	ocpp.AuthorizationStatusEnumExpired:      AuthorizationStatusEnumExpired,
	ocpp.AuthorizationStatusEnumConcurrentTx: AuthorizationStatusEnumConcurrentTx,
}

// tagInfo gives a decision in 1.6 terms; no decision is Invalid, since only
// Accepted may let energy flow.
func tagInfo(i *ocpp.IdTokenInfo) IdTagInfo {
	out := IdTagInfo{Status: AuthorizationStatusEnumInvalid}
	if i == nil {
		return out
	}
	if s, ok := authorizationStatus[i.Status]; ok {
		out.Status = s
	}
	out.ExpiryDate = i.CacheExpiryDateTime
	if i.GroupIdToken != nil {
		// A parent that does not fit is left out: the station then does not
		// recognise the group, which refuses more than it should, never less.
		out.ParentIdTag, _ = idTag(*i.GroupIdToken)
	}
	return out
}
