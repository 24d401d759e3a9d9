package job

import "context"

// TakeAndVanish takes one job as a worker does that then dies.
func TakeAndVanish(ctx context.Context, r *Runner) error {
	_, err := r.claim(ctx, 1)
	return err
}
