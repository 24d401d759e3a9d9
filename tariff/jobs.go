package tariff

import (
	"time"

	"github.com/forecourt-ev/forecourt/foundation/job"
)

// Jobs registers the room's periodic and queued work.
func (s *Service) Jobs(r *job.Runner) {
	r.Every("tariff.series_late", 5*time.Minute, s.tellLate)
}
