package db

import "iter"

// Rounds gives rows in parts in which no key is twice, in their order: for
// statements that may write a row only once.
func Rounds[T any](rows []T, key func(T) string) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(rows) > 0 {
			var now, later []T
			seen := make(map[string]struct{}, len(rows))
			for _, r := range rows {
				k := key(r)
				if _, again := seen[k]; again {
					later = append(later, r)
					continue
				}
				seen[k] = struct{}{}
				now = append(now, r)
			}
			if !yield(now) {
				return
			}
			rows = later
		}
	}
}
