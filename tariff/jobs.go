package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/job"
)

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Handle(jobBacktest, s.runBacktest, job.Options{MaxAttempts: 3, Timeout: 30 * time.Minute})
	r.Handle(jobBulk, s.runBulk, job.Options{MaxAttempts: 5, Timeout: 15 * time.Minute})
	r.Every("tariff.series_late", 5*time.Minute, s.TellLate)
}
