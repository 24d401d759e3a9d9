package schema

import "embed"

// Files holds the migrations, at the root.
//
//go:embed *.sql
var Files embed.FS
