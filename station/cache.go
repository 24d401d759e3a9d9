package station

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/ocpp"
)

// card is what a handshake and each message need of a station, kept in
// memory so that a reconnect storm reads almost nothing.
type card struct {
	ID           ID
	Org, Site    string
	Life         Life
	Profile      int
	Proven       int    // the highest profile it connected with
	Sealed, Next string // passwords; see verifier
	Quarantined  bool
	Heartbeat    time.Duration
	Incarnation  string
	LastAddr     string // of the last good connection
	Make         ocpp.Make
	On, Off      ocpp.Tolerance
	Protocol     string
	Connectors   ocpp.ConnectorMap // of a 1.6 station
	read         time.Time
	missing      bool // nobody knows the id
}

// Nodes tell each other which cards changed. A card is read anew all the same,
// for the case that one was not told: a handshake goes by none that is older
// than cardFor, a message by none that is twice as old. Many stations only
// send a heartbeat every five minutes, and a read for each of them alone was a
// quarter of all transactions of a node.
const (
	cardFor    = 5 * time.Minute
	missingFor = 15 * time.Second
	maxCards   = 200_000

	renewRest = time.Second // in which cards that get old are gathered
	renewMost = 200         // that are read together

	cacheSubject = "cache.station"
)

// card gives the station behind an identity as it was sent, from memory or
// the database, for a handshake; nil when nobody knows it.
func (s *Service) card(ctx context.Context, presented string) (*card, error) {
	key := strings.ToLower(presented)
	return s.look(ctx, key, s.kept(key, cardFor))
}

// cardOf is card for a message of a station that is connected.
func (s *Service) cardOf(ctx context.Context, station string) (*card, error) {
	key := strings.ToLower(station)
	return s.look(ctx, key, s.kept(key, 2*cardFor))
}

func (s *Service) look(ctx context.Context, key string, c *card) (_ *card, err error) {
	if c == nil {
		c, err = s.lookup.Get(ctx, key)
	}
	if err != nil || c.missing {
		return nil, err
	}
	return c, nil
}

// kept is the card in memory, unless it is older than most. One that is older
// than cardFor is read anew soon.
func (s *Service) kept(key string, most time.Duration) *card {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cards[key]
	if c == nil || now.Sub(c.read) > c.good(most) {
		return nil
	}
	if now.Sub(c.read) > cardFor {
		s.renewSoon(key)
	}
	return c
}

func (c *card) good(most time.Duration) time.Duration {
	if c.missing {
		return missingFor
	}
	return most
}

// remember has a card that changed read before it is needed.
func (s *Service) remember(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewSoon(key)
}

// renewSoon has a card read together with others; s.mu is held.
func (s *Service) renewSoon(key string) {
	if s.stale == nil {
		s.stale = map[string]struct{}{}
		time.AfterFunc(renewRest, s.renew)
	}
	s.stale[key] = struct{}{}
}

func (s *Service) renew() {
	now := s.now()
	s.mu.Lock()
	keys := slices.DeleteFunc(slices.Collect(maps.Keys(s.stale)), func(key string) bool { // somebody needed it meanwhile
		c := s.cards[key]
		return c != nil && now.Sub(c.read) < cardFor
	})
	s.stale = nil
	s.mu.Unlock()
	for some := range slices.Chunk(keys, renewMost) {
		if _, err := s.lookup.Read(context.Background(), some); err != nil { // whoever needs one that is too old reads it
			s.d.Log.Debug("cards of stations were not renewed", "error", err)
		}
	}
}

// lookupRest gathers the reading of cards: thousands of stations come at once
// after an outage, none of which is in memory.
const lookupRest = 40 * time.Millisecond

const cardColumns = `key, id, org, site, life, profile, password, password_next, quarantined_at IS NOT NULL, heartbeat, incarnation, remote_addr,
	vendor, model, firmware, tolerate, refuse, protocol, proven,
	EXISTS (SELECT 1 FROM station_connector_map m WHERE m.station = charging_station.id) OR EXISTS (SELECT 1 FROM model_connector_map m WHERE m.org = charging_station.org)`

// keyed is a card as it is read.
type keyed struct {
	card
	key    string
	mapped bool // it may have a map of its own or of its model; most have none
}

func scanCard(row db.Scanner) (c keyed, err error) {
	var heartbeat int64
	var tolerate, refuse string
	err = row.Scan(&c.key, &c.ID, &c.Org, &c.Site, &c.Life, &c.Profile, &c.Sealed, &c.Next, &c.Quarantined, &heartbeat, &c.Incarnation, &c.LastAddr,
		&c.Make.Vendor, &c.Make.Model, &c.Make.Firmware, &tolerate, &refuse, &c.Protocol, &c.Proven, &c.mapped)
	c.On, c.Off = ocpp.ParseToleranceSet(tolerate), ocpp.ParseToleranceSet(refuse)
	c.Heartbeat, c.LastAddr = time.Duration(heartbeat)*time.Second, host(c.LastAddr)
	db.Intern(&c.Org, &c.Site, (*string)(&c.Life), &c.Make.Vendor, &c.Make.Model, &c.Make.Firmware, &c.Protocol)
	return c, err
}

// loadCards reads cards and keeps them; those that are missing are kept too,
// for a short time.
func (s *Service) loadCards(tx *db.Tx, keys []string) (map[string]*card, error) {
	s.mu.Lock()
	count := s.changed.count
	s.mu.Unlock()
	now := s.now()
	q, args := db.Build("SELECT " + cardColumns + " FROM charging_station WHERE TRUE").And(db.In("key", keys...)).SQL()
	found, err := db.Collect(tx, scanCard, q, args...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*card, len(keys))
	for _, key := range keys {
		out[key] = &card{missing: true, read: now}
	}
	for i := range found {
		c := &found[i]
		if c.mapped {
			m, err := connectorMap(tx, c.ID, c.Org, c.Make.Vendor, c.Make.Model)
			if err != nil {
				return nil, err
			}
			c.Connectors = m.Map
		}
		one := c.card
		one.read = now
		out[c.key] = &one
	}
	s.keepCards(out, count)
	return out, nil
}

func (s *Service) keepCards(cards map[string]*card, count uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cards) >= maxCards {
		for k := range s.cards { // any tenth; the map's order is random
			if delete(s.cards, k); len(s.cards) <= maxCards*9/10 {
				break
			}
		}
	}
	for key, c := range cards {
		if !s.changed.since(key, count) { // else it changed while we read
			s.cards[key] = c
		}
	}
}

// changed knows which stations changed of late, so that what was read before
// is not kept: in a storm one changes every millisecond.
type changed struct {
	count uint64 // of all changes
	last  map[string]uint64
	floor uint64 // what is not in last changed before that, or then
}

const maxChanged = 4096

func (c *changed) note(key string) {
	c.count++
	if len(c.last) >= maxChanged {
		c.last, c.floor = nil, c.count
	}
	if c.last == nil {
		c.last = map[string]uint64{}
	}
	c.last[key] = c.count
}

// since tells whether the station may have changed after so many changes.
func (c *changed) since(key string, count uint64) bool { return count < c.floor || count < c.last[key] }

// announce drops the station from the caches of all nodes after the commit.
func (s *Service) announce(tx *db.Tx, id ID) {
	tx.AfterCommit(func() {
		s.forget(id.Key())
		if s.d.Bus == nil {
			return
		}
		if err := s.d.Bus.Publish(cacheSubject, []byte(id.Key())); err != nil {
			s.d.Log.Warn("other nodes may use an old entry for some minutes", "station", id, "error", err)
		}
	})
}

func (s *Service) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.note(key)
	delete(s.cards, key)
}

// Identify completes what a connection says of itself: the id as it was
// created, whatever case the station writes it in, its organisation and site
// of today, and the incarnation when no boot came on this connection (field
// note 1: stations need not boot again to reconnect).
func (s *Service) Identify(ctx context.Context, p ocpp.Peer) (ocpp.Peer, error) {
	c, err := s.cardOf(ctx, p.Station)
	if err != nil {
		return p, err
	}
	if c == nil {
		return p, unknown(ID(p.Station))
	}
	p.Station, p.Org, p.Site, p.Incarnation, p.Connectors = string(c.ID), c.Org, c.Site, c.Incarnation, c.Connectors
	return p, nil
}

// Place is where a station stands, for rooms that price and report.
type Place struct {
	Station  ID
	Org      string
	Site     string // empty: none; then Zone is the organisation's and the rest empty
	Zone     *time.Location
	Currency string
	Country  string
	Life     Life
}

// Place finds organisation, site, time zone and currency of a station, from
// memory in the usual case. EVSEs stand where their station does.
// fault.NotFound for an unknown id.
func (s *Service) Place(tx *db.Tx, station string) (Place, error) {
	c, err := s.cardIn(tx, station)
	if err != nil {
		return Place{}, err
	}
	if c.missing {
		return Place{}, unknown(ID(station))
	}
	return s.placeOf(tx, c)
}

// cardIn is cardOf inside a transaction; never nil.
func (s *Service) cardIn(tx *db.Tx, station string) (*card, error) {
	key := strings.ToLower(station)
	if c := s.kept(key, 2*cardFor); c != nil {
		return c, nil
	}
	all, err := s.loadCards(tx, []string{key})
	return all[key], err
}

func (s *Service) placeOf(tx *db.Tx, c *card) (Place, error) {
	p := Place{Station: c.ID, Org: c.Org, Site: c.Site, Zone: time.UTC, Life: c.Life}
	if c.Site == "" {
		return s.placeOfOrg(tx, p)
	}
	site, err := s.site(tx, c.Site)
	if fault.Is(err, fault.NotFound) {
		return s.placeOfOrg(tx, p)
	}
	if err != nil {
		return p, err
	}
	p.Zone, p.Currency, p.Country = site.Zone(), string(site.Currency), site.Address.Country
	return p, nil
}
