package job

import (
	"context"
	"time"
)

// TakeAndVanish takes one job as a worker does that then dies.
func TakeAndVanish(ctx context.Context, r *Runner) error {
	_, err := r.claim(ctx, 1, 1)
	return err
}

// SetPoll has the runner look at the table that seldom; before Run.
func SetPoll(r *Runner, every time.Duration) { r.poll = every }

// Paced gives how long each job of the background waits for its turn that is
// taken at an instant; they end before the next.
func Paced(p Pace) func(at time.Time) []time.Duration {
	paced := pace{Pace: p}
	return func(at time.Time) []time.Duration {
		waits := make([]time.Duration, paced.free(at))
		for i := range waits {
			waits[i] = paced.begin()
		}
		for range waits {
			paced.end()
		}
		return waits
	}
}
