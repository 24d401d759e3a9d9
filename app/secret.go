package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

const secretBytes = 32

// loadSecret reads the installation's key, making it on the first start. All
// nodes must have the same: station passwords are kept under it.
func loadSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the secret: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) < secretBytes {
		return nil, fault.New(fault.Invalid, "config.secret", "%s must hold at least %d hex digits; restore it from a backup, since station passwords depend on it", path, secretBytes*2)
	}
	return secret, nil
}

// makeSecret writes a new key so that of two nodes starting at once both end
// up with the same one.
func makeSecret(path string) ([]byte, error) {
	secret := make([]byte, secretBytes)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return nil, fmt.Errorf("writing the secret: %w", err)
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.WriteString(hex.EncodeToString(secret) + "\n"); err != nil {
		return nil, err
	}
	if err := errors.Join(temporary.Sync(), temporary.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temporary.Name(), path); errors.Is(err, fs.ErrExist) {
		return loadSecret(path) // another node was faster
	} else if err != nil {
		return nil, fmt.Errorf("writing the secret: %w", err)
	}
	return secret, nil
}
