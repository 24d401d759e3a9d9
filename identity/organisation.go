package identity

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/id"
	"github.com/forecourt-ev/forecourt/foundation/money"
)

// Organisation is a node of the tree: the operator of the installation at
// the root, operators and partners below.
type Organisation struct {
	ID        OrgID
	Parent    OrgID // empty at the root
	Path      string
	Name      string
	Country   string // ISO 3166-1 alpha-2
	Currency  money.Currency
	TimeZone  string // IANA name
	Language  string // BCP 47: "en", "fr-CA"
	CreatedAt time.Time
}

var (
	countryRule  = regexp.MustCompile(`^[A-Z]{2}$`)
	languageRule = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)
)

// check holds the rules for an organisation's own fields.
func (o Organisation) check() error {
	bad := fault.New(fault.Invalid, "organisation.invalid", "This organisation cannot be stored.")
	checkName(bad, "body.name", o.Name)
	if !countryRule.MatchString(o.Country) {
		bad.With("body.country", "must be an ISO 3166-1 country code such as DE", o.Country)
	}
	if _, err := money.ParseCurrency(string(o.Currency)); err != nil {
		bad.With("body.currency", "must be an ISO 4217 currency code such as EUR", string(o.Currency))
	}
	if !validZone(o.TimeZone) {
		bad.With("body.time_zone", "must be an IANA time zone such as Europe/Berlin", o.TimeZone)
	}
	checkLanguage(bad, o.Language)
	return orNil(bad)
}

func validZone(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func checkName(bad *fault.Error, location, name string) {
	n := utf8.RuneCountInString(name)
	if n < 1 || n > 200 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		bad.With(location, "must have 1 to 200 characters in one line, without spaces around", name)
	}
}

func checkLanguage(bad *fault.Error, language string) {
	if !languageRule.MatchString(language) {
		bad.With("body.language", "must be a language such as en, fr or de-CH", language)
	}
}

// orNil is nil when nothing was found wrong.
func orNil(bad *fault.Error) error {
	if len(bad.Fields) == 0 {
		return nil
	}
	return bad
}

// CreateOrganisation adds an organisation below o.Parent (default: the
// caller's own). Empty fields are taken from the parent.
func (s *Service) CreateOrganisation(ctx context.Context, o Organisation) (Organisation, error) {
	if _, err := Require(ctx, OrganisationWrite); err != nil {
		return o, err
	}
	err := s.db.Update(ctx, func(tx *db.Tx) error {
		parent, err := Place(ctx, tx, o.Parent)
		if fault.Is(err, fault.Invalid) {
			return fault.New(fault.Invalid, "organisation.unknown", "There is no such organisation at or below yours.").
				With("body.parent", "must be your organisation or one below it", string(o.Parent))
		} else if err != nil {
			return err
		}
		top, err := organisationByID(tx, parent, Scope{everything: true})
		if err != nil {
			return err
		}
		n := o.inherit(top)
		n.ID, n.Parent, n.CreatedAt = id.New[OrgID](tx.Now), parent, tx.Now
		n.Path = top.Path + string(n.ID) + "/"
		if err := n.check(); err != nil {
			return err
		}
		if strings.Count(n.Path, "/") > 12 {
			return fault.New(fault.Invalid, "organisation.depth", "The tree is at most 12 organisations deep.").With("body.parent", "is too deep", string(parent))
		}
		if err := insertOrganisation(tx, n); err != nil {
			return err
		}
		o = n
		return s.changed(ctx, tx, Entry{Org: n.ID, Action: "organisation.created", Subject: string(n.ID), Changes: map[string]Change{"name": {nil, n.Name}}})
	})
	return o, err
}

func (o Organisation) inherit(top Organisation) Organisation {
	for _, f := range []struct{ own, from *string }{
		{&o.Country, &top.Country}, {&o.TimeZone, &top.TimeZone}, {&o.Language, &top.Language},
		{(*string)(&o.Currency), (*string)(&top.Currency)},
	} {
		if *f.own == "" {
			*f.own = *f.from
		}
	}
	return o
}

// ChangeOrganisation applies edit to an organisation in the caller's scope.
func (s *Service) ChangeOrganisation(ctx context.Context, org OrgID, edit func(*Organisation)) (Organisation, error) {
	c, err := Require(ctx, OrganisationWrite)
	if err != nil {
		return Organisation{}, err
	}
	var out Organisation
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		old, err := organisationByID(tx, org, c.Scope)
		if err != nil {
			return err
		}
		out = old
		edit(&out)
		if err := out.check(); err != nil {
			return err
		}
		d := diff{}
		d.add("name", old.Name, out.Name)
		d.add("country", old.Country, out.Country)
		d.add("currency", old.Currency, out.Currency)
		d.add("time_zone", old.TimeZone, out.TimeZone)
		d.add("language", old.Language, out.Language)
		if len(d) == 0 {
			return nil
		}
		if err := updateOrganisation(tx, out); err != nil {
			return err
		}
		return s.changed(ctx, tx, Entry{Org: org, Action: "organisation.changed", Subject: string(org), Changes: d})
	})
	return out, err
}

// Organisation gives one organisation in the caller's scope.
func (s *Service) Organisation(ctx context.Context, org OrgID) (Organisation, error) {
	c, err := Require(ctx, OrganisationRead)
	if err != nil {
		return Organisation{}, err
	}
	var out Organisation
	err = s.db.View(ctx, func(tx *db.Tx) error {
		out, err = organisationByID(tx, org, c.Scope)
		return err
	})
	return out, err
}

// Lookup gives an organisation whatever the caller, for rooms that need its
// currency, time zone or language.
func Lookup(tx *db.Tx, org OrgID) (Organisation, error) {
	return organisationByID(tx, org, Scope{everything: true})
}

// Root gives the organisation at the top.
func Root(tx *db.Tx) (Organisation, error) {
	root, err := rootID(tx)
	if err != nil {
		return Organisation{}, err
	}
	return Lookup(tx, root)
}

// Bootstrap makes the root organisation and its owner at the first start,
// and brings the built-in roles up to date at every one.
func (s *Service) Bootstrap(ctx context.Context) (FirstSignIn, bool, error) {
	password := s.first
	if password == "" {
		password = id.Secret(10)
	} else if err := checkPassword("owner-password", password, firstEmail); err != nil {
		return FirstSignIn{}, false, err
	}
	hash, err := s.hash.hash(ctx, password)
	if err != nil {
		return FirstSignIn{}, false, err
	}
	first := FirstSignIn{Email: firstEmail, Password: password}
	created := false
	ctx = System(ctx, "")
	err = s.db.Update(ctx, func(tx *db.Tx) error {
		created = false
		root, err := rootID(tx)
		if err == nil {
			first.Organisation = root
			return syncRoles(tx, root)
		}
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		created = true
		first.Organisation, err = s.found(ctx, tx, hash)
		return err
	})
	if !created {
		first = FirstSignIn{Organisation: first.Organisation}
	}
	return first, created, err
}

// FirstSignIn is what the person who started the program needs. Email and
// Password are empty unless this start made them.
type FirstSignIn struct {
	Email, Password string
	Organisation    OrgID
}

const firstEmail = "owner@localhost"

// found makes the root, the built-in roles and the owner.
func (s *Service) found(ctx context.Context, tx *db.Tx, hash string) (OrgID, error) {
	root := Organisation{ID: id.New[OrgID](tx.Now), Name: "Forecourt", Country: "DE", Currency: "EUR", TimeZone: "UTC", Language: "en", CreatedAt: tx.Now}
	root.Path = string(root.ID) + "/"
	if err := insertOrganisation(tx, root); err != nil {
		return "", err
	}
	if err := syncRoles(tx, root.ID); err != nil {
		return "", err
	}
	u := User{ID: id.New[UserID](tx.Now), Org: root.ID, Email: firstEmail, Name: "Owner", Role: Owner, CreatedAt: tx.Now}
	if err := insertUser(tx, u, hash); err != nil {
		return "", err
	}
	if err := insertGrant(tx, u.ID, root.ID, Owner, "system", nil); err != nil {
		return "", err
	}
	if err := s.changed(ctx, tx, Entry{Org: root.ID, Action: "organisation.created", Subject: string(root.ID), Changes: map[string]Change{"name": {nil, root.Name}}}); err != nil {
		return "", err
	}
	return root.ID, s.changed(ctx, tx, Entry{Org: root.ID, Action: "user.created", Subject: string(u.ID), Changes: map[string]Change{"email": {nil, u.Email}, "role": {nil, Owner}}})
}
