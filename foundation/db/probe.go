package db

import (
	"encoding/json"
	"slices"
)

// mostProbed is how many rows a probe reads at most, and so how many are
// fetched one by one and sorted.
var mostProbed = 1000

// mostWalked is how many rows are looked at in the order asked for before the
// whole table is read and sorted, which costs about three times as much.
var mostWalked = 10_000

// probe chooses how a filtered list is read on SQLite, whose planner knows
// nothing of the values that are asked for. It looks for the keys of what
// fits, without an order. When they are few, just those rows are read and
// sorted. When there are many, the rows are looked at in the order asked for,
// and a page's worth of what fits is found soon. Not so when what fits comes
// late in that order, as stations that are offline do in the order of who was
// seen last: then the table is read once and the first of it kept.
//
// PostgreSQL keeps statistics of the values and decides better by itself. It
// is only asked for the keys of the page first: where it has to sort, it would
// unpack every column of every row that fits. Of a text anywhere in a column
// it has no statistics that help: see Cond.Few.
//
// What is given back takes the place of all conditions: the keys were found
// under them, in the same snapshot.
func (p *page) probe(tx *Tx, where []Cond) ([]Cond, error) {
	if p.spec.Probe == "" {
		return where, nil
	}
	all := slices.Concat(where, p.conds)
	if tx.Dialect == Postgres {
		return p.keysFirst(tx, all)
	}
	keys, err := keysOf(tx, p.anyKeys(), all, mostProbed+1)
	if err != nil {
		return nil, err
	}
	p.conds = nil
	if len(keys) > mostProbed {
		if keys, err = p.walk(tx, all); err != nil {
			return nil, err
		}
		if len(keys) <= p.limit {
			return p.whole(all), nil
		}
	}
	list, err := json.Marshal(keys)
	return []Cond{{Text: p.spec.Key + " IN (SELECT value FROM json_each(?))", Args: []any{string(list)}}}, err
}

// planForOnce holds for the rest of a transaction. A plan for any value, which
// PostgreSQL makes of a statement that comes often, walks the whole index of
// the order when next to nothing fits. Parallel workers shorten one list on an
// idle machine, and cost twice the work: each maps the table's pages anew. To
// compile a plan takes longer than to run one of these.
const planForOnce = `SELECT set_config('plan_cache_mode', 'force_custom_plan', TRUE),
	set_config('max_parallel_workers_per_gather', '0', TRUE), set_config('jit', 'off', TRUE)`

// keysFirst finds the page's rows on PostgreSQL.
func (p *page) keysFirst(tx *Tx, all []Cond) ([]Cond, error) {
	if _, err := tx.Exec(planForOnce); err != nil {
		return nil, err
	}
	p.conds = nil
	if slices.ContainsFunc(all, func(c Cond) bool { return c.Few }) {
		keys, err := keysOf(tx, p.anyKeys(), all, mostProbed+1)
		if err != nil || len(keys) <= mostProbed {
			return []Cond{p.among(keys)}, err
		}
	}
	q := p.anyKeys()
	for _, c := range all {
		q.And(c)
	}
	if p.from != nil {
		q.And(p.after())
	}
	keys, err := keysOf(tx, q.Add("ORDER BY "+p.orderBy()), nil, p.limit+1)
	return []Cond{p.among(keys)}, err
}

func (p *page) anyKeys() *Query {
	return Build("SELECT " + p.spec.Key + " FROM " + p.spec.Probe + " WHERE TRUE")
}

func (p *page) among(keys []string) Cond {
	return Cond{Text: p.spec.Key + " = ANY(?::text[])", Args: []any{keys}}
}

// walk gives the keys of the page if they come early in the order, else fewer.
func (p *page) walk(tx *Tx, all []Cond) ([]string, error) {
	q := Build("SELECT " + p.spec.Key + " FROM (SELECT * FROM " + p.spec.Probe + " WHERE TRUE")
	if p.from != nil {
		q.And(p.after())
	}
	q.Add("ORDER BY "+p.orderBy()+" LIMIT ?) WHERE TRUE", mostWalked)
	return keysOf(tx, q, all, p.limit+1)
}

// whole makes neither a condition nor the order one that SQLite has from an
// index ("+").
func (p *page) whole(all []Cond) []Cond {
	p.sortAll = true
	for i, c := range all {
		if c.Text != "" {
			all[i].Text = "+" + c.Text
		}
	}
	return all
}

func keysOf(tx *Tx, q *Query, all []Cond, most int) ([]string, error) {
	for _, c := range all {
		q.And(c)
	}
	query, args := q.Add("LIMIT ?", most).SQL()
	return Collect(tx, func(row Scanner) (key string, err error) {
		err = row.Scan(&key)
		return key, err
	}, query, args...)
}
