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

// Paced gives how many jobs of the background begin at an instant; they end
// before the next.
func Paced(p Pace) func(at time.Time) int {
	paced := pace{Pace: p}
	return func(at time.Time) int {
		n := paced.free(at)
		for range n {
			paced.begin()
		}
		for range n {
			paced.end()
		}
		return n
	}
}
