package job

import (
	"context"
	"time"
)

// TakeAndVanish takes one job as a worker does that then dies.
func TakeAndVanish(ctx context.Context, r *Runner) error {
	_, err := r.claim(ctx, 1)
	return err
}

// SetPoll has the runner look at the table that seldom; before Run.
func SetPoll(r *Runner, every time.Duration) { r.poll = every }
