package db

import "sync"

// mostInterned bounds what is remembered, when something is not as common as
// it seemed.
const mostInterned = 10_000

var interned = struct {
	sync.RWMutex
	texts map[string]string
}{texts: map[string]string{}}

// Intern lets texts that thousands of rows have in common be kept once. Each
// row that is read brings its own, and the garbage collector visits them all.
func Intern(texts ...*string) {
	for _, text := range texts {
		*text = intern(*text)
	}
}

func intern(text string) string {
	interned.RLock()
	known, ok := interned.texts[text]
	interned.RUnlock()
	if ok {
		return known
	}
	interned.Lock()
	defer interned.Unlock()
	if len(interned.texts) >= mostInterned {
		clear(interned.texts)
	}
	interned.texts[text] = text
	return text
}
