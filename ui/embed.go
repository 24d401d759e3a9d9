package ui

import (
	"embed"
	"io/fs"
)

// The all: prefix takes dist/.keep in, without which a checkout that was never
// built would have nothing to embed and would not compile.
//
//go:embed all:dist
var dist embed.FS

//go:embed placeholder
var placeholder embed.FS

// Built reports whether the web app was built before this binary was.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// Files returns the files to serve at the root of the site. index.html always
// exists: without a build it is the placeholder page.
func Files() fs.FS {
	if !Built() {
		return sub(placeholder, "placeholder")
	}
	return sub(dist, "dist")
}

// sub is fs.Sub for a directory that is known to exist: it fails only on an
// invalid path.
func sub(f embed.FS, dir string) fs.FS {
	files, err := fs.Sub(f, dir)
	if err != nil {
		panic(err)
	}
	return files
}
