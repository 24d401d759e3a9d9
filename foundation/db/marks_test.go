package db

import "testing"

func TestBareMarks(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                                    "SELECT 1",
		"INSERT INTO t (a, b) VALUES ($1, $2)":        "INSERT INTO t (a, b) VALUES (?, ?)",
		"SELECT '$1', \"a$1\" FROM t WHERE a = $1":    "SELECT '$1', \"a$1\" FROM t WHERE a = ?",
		"SELECT 'it''s $2' WHERE a = $1 AND b = $2":   "SELECT 'it''s $2' WHERE a = ? AND b = ?",
		"UPDATE t SET a = $2 WHERE id = $1":           "UPDATE t SET a = $2 WHERE id = $1",
		"SELECT a FROM t WHERE a = $1 OR b = $1":      "SELECT a FROM t WHERE a = $1 OR b = $1",
		"SELECT $1, $3":                               "SELECT $1, $3",
		"SELECT $10":                                  "SELECT $10",
		"SELECT $1a":                                  "SELECT $1a",
		"SELECT $1 -- $2":                             "SELECT $1 -- $2",
		"SELECT /* $2 */ $1":                          "SELECT /* $2 */ $1",
		"SELECT ? WHERE a = $1":                       "SELECT ? WHERE a = $1",
		"SELECT 'a?' WHERE a = $1":                    "SELECT 'a?' WHERE a = $1",
		"SELECT $1::text":                             "SELECT $1::text",
		"SELECT 'open WHERE a = $1":                   "SELECT 'open WHERE a = $1",
		"VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)": "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
	} {
		if got := bareMarks(query); got != want {
			t.Errorf("%s becomes %s, want %s", query, got, want)
		}
	}
}
