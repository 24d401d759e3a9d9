//go:build !linux

package trial

import (
	"errors"
	"math/rand/v2"
)

// cutDisk needs Linux: its file systems can be stopped at once.
type cutDisk struct{ dir, image string }

const mostPieces = 0

var errNoCut = errors.New("it needs Linux")

func (d *cutDisk) make(int64) error         { return errNoCut }
func (d *cutDisk) sync() error              { return errNoCut }
func (d *cutDisk) unmount() error           { return nil }
func (d *cutDisk) scatter(*rand.Rand) error { return errNoCut }
func (d *cutDisk) cut() error               { return errNoCut }
func (d *cutDisk) back() error              { return errNoCut }
