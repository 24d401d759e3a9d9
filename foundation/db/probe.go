package db

import (
	"encoding/json"
	"slices"
)

// mostProbed is how many rows a probe reads at most, and so how many are
// fetched one by one and sorted.
var mostProbed = 1000

// probe chooses how a filtered list is read on SQLite, whose planner knows
// nothing of the values that are asked for. It looks for the keys of what
// fits, without an order. When they are few, just those rows are read and
// sorted. When there are many, the rows are read in the order asked for, and
// a page's worth of what fits is found soon: then no filter may have an index
// of its own, or all that fits is read and sorted.
//
// PostgreSQL keeps statistics of the values and decides better by itself.
// What is given back takes the place of all conditions: the keys were found
// under them, in the same snapshot.
func (p *page) probe(tx *Tx, where []Cond) ([]Cond, error) {
	if p.spec.Probe == "" || tx.Dialect != SQLite {
		return where, nil
	}
	all := slices.Concat(where, p.conds)
	q := Build("SELECT " + p.spec.Key + " FROM " + p.spec.Probe + " WHERE TRUE")
	for _, c := range all {
		q.And(c)
	}
	query, args := q.Add("LIMIT ?", mostProbed+1).SQL()
	keys, err := Collect(tx, func(row Scanner) (key string, err error) {
		err = row.Scan(&key)
		return key, err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	p.conds = nil
	if len(keys) > mostProbed {
		for i, c := range all {
			if c.Text != "" {
				all[i].Text = "+" + c.Text // SQLite: not to be had from an index
			}
		}
		return all, nil
	}
	list, err := json.Marshal(keys)
	return []Cond{{p.spec.Key + " IN (SELECT value FROM json_each(?))", []any{string(list)}}}, err
}
