package app

import (
	"context"
	"log/slog"
	"os"
)

type openAPICmd struct{}

// Run prints the document. The routes are those of a platform built in a
// temporary directory, so that the document cannot differ from the program.
func (openAPICmd) Run(ctx context.Context, s streams) error {
	dir, err := os.MkdirTemp("", "forecourt-openapi")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a, err := New(ctx, Config{Data: dir, Listen: "127.0.0.1:0", PublicURL: "http://localhost:8080"}, slog.New(slog.DiscardHandler), "")
	if err != nil {
		return err
	}
	defer a.Close()
	_, err = s.out.Write(append(a.api.OpenAPI(), '\n'))
	return err
}
