package db

import "unique"

// Intern lets texts that thousands of rows have in common be kept once. Each
// row that is read brings its own, and the garbage collector visits them all.
func Intern(texts ...*string) {
	for _, text := range texts {
		*text = unique.Make(*text).Value()
	}
}
