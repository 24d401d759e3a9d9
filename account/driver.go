package account

import (
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// DriverID names a driver.
type DriverID string

// Driver is who charges.
type Driver struct {
	ID        DriverID
	Org       string
	Name      string
	Email     string // empty: none
	Language  string // BCP 47; empty: the organisation's
	CreatedAt time.Time
	UpdatedAt time.Time
}

var languageTag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)

// check finds what is wrong with a driver before it is stored.
func (d *Driver) check() error {
	bad := fault.New(fault.Invalid, "driver.invalid", "the driver cannot be stored")
	d.Name, d.Email = strings.TrimSpace(d.Name), strings.TrimSpace(d.Email)
	if d.Name == "" || len(d.Name) > 255 {
		bad.With("body.name", "must have 1 to 255 characters", d.Name)
	}
	if d.Email != "" {
		if a, err := mail.ParseAddress(d.Email); err != nil || a.Address != d.Email || len(d.Email) > 255 {
			bad.With("body.email", "must be an e-mail address such as a.driver@example.org", d.Email)
		}
	}
	if d.Language != "" && !languageTag.MatchString(d.Language) {
		bad.With("body.language", "must be a language tag such as fr or de-CH", d.Language)
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func emailKey(address string) string { return strings.ToLower(address) }
