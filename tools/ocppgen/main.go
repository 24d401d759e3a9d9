package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ocppgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	fs := flag.NewFlagSet("ocppgen", flag.ContinueOnError)
	schemas := fs.String("schemas", "", "directories with the schemas, separated by commas")
	version := fs.String("version", "", "OCPP version, for the comments")
	pkg := fs.String("package", "", "name of the Go package to write")
	out := fs.String("out", "", "directory to write to")
	neutral := fs.String("neutral", "", "directories with the schemas of package ocpp: also write the copying to and from it")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *schemas == "" || *version == "" || *pkg == "" || *out == "" {
		return fmt.Errorf("-schemas, -version, -package and -out are needed")
	}
	m, err := load(strings.Split(*schemas, ","))
	if err != nil {
		return err
	}
	g := generator{model: m, pkg: *pkg, version: *version}
	files, err := g.files()
	if err != nil {
		return err
	}
	if *neutral != "" {
		n, err := load(strings.Split(*neutral, ","))
		if err != nil {
			return err
		}
		files["copy_gen.go"] = g.copies(n)
	}
	for name, text := range files {
		if err := write(filepath.Join(*out, name), text); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, text []byte) error {
	src, err := format.Source(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, src) {
		return nil
	}
	return os.WriteFile(path, src, 0o644)
}
