package pki

import "github.com/forecourt-ev/forecourt/foundation/db"

func text(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Text, Sort: true, Filter: true}
}

func instant(name, column string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Instant, Sort: true, Filter: true}
}

func maybe(name, column string) db.Field {
	f := instant(name, column)
	f.Nullable = true
	return f
}

func choice(name, column string, allowed []string) db.Field {
	return db.Field{Name: name, Column: column, Kind: db.Enum, Sort: true, Filter: true, Allowed: allowed}
}

var authoritySpec = db.ListSpec{
	Base: "SELECT " + authorityColumns + " FROM pki_authority WHERE", Default: "kind,created_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), choice("kind", "kind", []string{kindRoot, kindIssuing}), choice("algorithm", "algorithm", []string{string(ECDSA), string(RSA)}),
		text("subject", "subject"), text("serial_number", "serial"), instant("not_after", "not_after"), instant("created_at", "created_at"),
	},
}

var certificateSpec = db.ListSpec{
	Base: "SELECT " + certificateColumns + " FROM pki_certificate WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("station", "station"), text("site", "site"), text("organisation", "org"), text("type", "type"), text("authority", "authority"),
		text("subject", "subject"), text("serial_number", "serial"), text("fingerprint_sha256", "fingerprint"), text("key_type", "key_type"),
		choice("status", "status", certificateStatuses()), instant("not_before", "not_before"), instant("not_after", "not_after"),
		maybe("first_used_at", "first_used_at"), maybe("revoked_at", "revoked_at"), instant("created_at", "created_at"),
	},
}

var requestSpec = db.ListSpec{
	Base: "SELECT " + requestColumns + " FROM pki_request WHERE", Default: "-received_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("station", "station"), text("site", "site"), text("organisation", "org"), text("type", "type"), text("subject", "subject"),
		choice("status", "status", requestStatuses()), instant("received_at", "received_at"), instant("updated_at", "updated_at"),
	},
}

var rootSpec = db.ListSpec{
	Base: "SELECT " + rootColumns + " FROM pki_root WHERE", Default: "-created_at", Key: "id",
	Fields: []db.Field{
		text("id", "id"), text("organisation", "org"), text("site", "site"), text("station", "station"), choice("purpose", "purpose", Purposes()),
		text("subject", "subject"), text("serial_number", "serial"), text("fingerprint_sha256", "fingerprint"),
		instant("not_after", "not_after"), maybe("removed_at", "removed_at"), instant("created_at", "created_at"),
	},
}
