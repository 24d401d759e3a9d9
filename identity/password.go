package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// Argon2id (RFC 9106) with 19 MiB and two passes, as OWASP advises. Two at a
// time: a flood of sign-ins must not take the memory of the stations.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16

	hashesAtOnce = 2
	hashWait     = 10 * time.Second

	passwordMin = 12
	passwordMax = 200
)

// hasher makes and checks password hashes.
type hasher struct{ slots chan struct{} }

func newHasher() *hasher { return &hasher{slots: make(chan struct{}, hashesAtOnce)} }

// enter waits for a slot; leave it with the returned function.
func (h *hasher) enter(ctx context.Context) (func(), error) {
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-timer.C:
		return nil, fault.New(fault.Unavailable, "identity.busy", "Too many people are signing in; try again in a moment.")
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "identity.busy", "The request was cancelled.")
	}
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// nobody is a well-formed hash that no password matches: checking against it
// takes as long as checking a real one, so that timing does not tell which
// accounts exist.
var nobody = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
	strings.Repeat("A", 22), strings.Repeat("A", 43))

// matches checks a password; an unreadable hash matches nothing.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	var version, memory, passes, lanes int
	parts := strings.Split(hash, "$") // "", argon2id, v=…, m=…, salt, key
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false, nil
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	want, errKey := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || memory < 8 || memory > 1<<20 || passes < 1 || passes > 64 || lanes < 1 || lanes > 64 || len(want) == 0 {
		return false, nil
	}
	got := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// checkPassword holds the rules for a new password.
func checkPassword(location, password, email string) error {
	bad := func(message string) error {
		return fault.New(fault.Invalid, "user.password", "This password cannot be used.").With(location, message, nil)
	}
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return bad("must be text")
	case n < passwordMin || n > passwordMax:
		return bad(fmt.Sprintf("must have %d to %d characters", passwordMin, passwordMax))
	case strings.EqualFold(password, email):
		return bad("must not be the e-mail address")
	}
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	if len(distinct) < 5 {
		return bad("must have at least 5 different characters")
	}
	return nil
}
