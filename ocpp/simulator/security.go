package simulator

import (
	"crypto/tls"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forecourt-ev/forecourt/ocpp"
)

// hop is one way to reach the platform: a network profile of 2.x, or a
// security profile of 1.6 with its address.
type hop struct {
	profile int
	slot    int // of 2.x
	url     string
}

// path is what a station knows of ways to the platform.
type path struct {
	hops  []hop // in the order in which they are tried
	at    int   // the one in use
	tries int   // that failed since it was last connected
	slots map[int]ocpp.NetworkConnectionProfile
}

// hopTries is NetworkProfileConnectionAttempts.
const hopTries = 2

// Names of what belongs to security, in 1.6 keys and in variables of 2.x.
const (
	key16Profile   = "SecurityProfile"
	key16Password  = "AuthorizationKey"
	var2Profile    = "SecurityCtrlr.SecurityProfile"
	var2Password   = "SecurityCtrlr.BasicAuthPassword"
	var2Priority   = "OCPPCommCtrlr.NetworkConfigurationPriority"
	var2ActiveSlot = "OCPPCommCtrlr.ActiveNetworkProfile"
)

// secureDefaults sets the station up with the one way it was given.
func (m *machine) secureDefaults() {
	first := hop{profile: max(m.config.SecurityProfile, m.minimum()), slot: 1, url: m.config.URL}
	m.path = path{hops: []hop{first}, slots: map[int]ocpp.NetworkConnectionProfile{1: {OcppCsmsURL: first.url, SecurityProfile: first.profile}}}
	profile := strconv.Itoa(first.profile)
	if m.config.Version == "1.6" {
		m.variables[key16Profile], m.variables[key16Password], m.variables["CpoName"] = profile, "", "Forecourt"
		return
	}
	m.variables[var2Profile], m.variables[var2Password], m.variables[var2Priority], m.variables[var2ActiveSlot] = profile, "", "1", "1"
}

// minimum is the profile that the address itself says.
func (m *machine) minimum() int {
	switch {
	case strings.HasPrefix(m.config.URL, "wss:"):
		return 2
	case m.config.Password != "":
		return 1
	}
	return 0
}

// hidden names what can be written and not read.
func hidden(name string) bool { return name == key16Password || name == var2Password }

// secure takes a changed variable that concerns security into account; false
// when the station must refuse it.
func (m *machine) secure(name, value string) bool {
	switch name {
	case key16Password, var2Password:
		if len(value) < 16 {
			return false
		}
		m.config.Password = value // from the next connection on
	case key16Profile:
		// OCPP 2.0.1 A05, in 1.6 words: only up, and only with all it needs.
		n, err := strconv.Atoi(value)
		if err != nil || n <= m.path.hops[m.path.at].profile || !m.able(n) {
			return false
		}
		m.path.slots[1] = ocpp.NetworkConnectionProfile{OcppCsmsURL: m.address(n), SecurityProfile: n}
	case var2Profile, var2ActiveSlot:
		return false // it tells what is, not what shall be
	case var2Priority:
		for _, slot := range slotsOf(value) {
			p, known := m.path.slots[slot]
			if !known || !m.able(p.SecurityProfile) { // OCPP 2.0.1 A05.FR.02, A05.FR.03
				return false
			}
		}
	}
	return true
}

// able tells whether the station has what a profile needs.
func (m *machine) able(profile int) bool {
	switch {
	case profile == 3:
		return m.config.TLS != nil && len(m.config.TLS.Certificates) > 0
	case profile == 2:
		return m.config.TLS != nil && m.config.Password != ""
	}
	return m.config.Password != ""
}

// address is where a 1.6 station goes for a profile.
func (m *machine) address(profile int) string {
	if url, ok := m.config.URLs[profile]; ok {
		return url
	}
	if profile >= 2 && strings.HasPrefix(m.config.URL, "ws:") {
		return "wss" + strings.TrimPrefix(m.config.URL, "ws")
	}
	return m.config.URL
}

func slotsOf(list string) []int {
	var out []int
	for part := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(part)); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// reroute puts the ways in order after a restart; the one that worked last
// stays as the last resort (OCPP 2.0.1 B10.FR.04, B10.FR.07).
func (m *machine) reroute() {
	last := m.path.hops[m.path.at]
	order := []int{1}
	if m.config.Version != "1.6" {
		order = slotsOf(m.variables[var2Priority])
	}
	var hops []hop
	for _, slot := range order {
		p := m.path.slots[slot]
		hops = append(hops, hop{profile: p.SecurityProfile, slot: slot, url: p.OcppCsmsURL})
	}
	if !slices.Contains(hops, last) {
		hops = append(hops, last)
	}
	m.path.hops, m.path.at, m.path.tries = hops, 0, 0
}

// way is the configuration of the next attempt to connect.
func (m *machine) way() Config {
	c, h := m.config, m.path.hops[m.path.at]
	c.URL = h.url
	if h.profile >= 3 {
		c.Password = ""
	} else if c.TLS != nil {
		c.TLS = c.TLS.Clone()
		c.TLS.Certificates = nil
	}
	return c
}

// reached takes note of how an attempt went.
func (m *machine) reached(ok bool) {
	h := m.path.hops[m.path.at]
	if !ok {
		if m.path.tries++; m.path.tries >= hopTries {
			m.path.at, m.path.tries = (m.path.at+1)%len(m.path.hops), 0
		}
		return
	}
	m.path.tries = 0
	profile := strconv.Itoa(h.profile)
	if m.config.Version == "1.6" {
		if m.variables[key16Profile] = profile; m.path.slots[1].SecurityProfile != h.profile {
			m.path.slots[1] = ocpp.NetworkConnectionProfile{OcppCsmsURL: h.url, SecurityProfile: h.profile}
		}
		return
	}
	m.variables[var2Profile], m.variables[var2ActiveSlot] = profile, strconv.Itoa(h.slot)
	// OCPP 2.0.1 A05.FR.06: profiles below the one in use are dropped.
	var keep []string
	for _, slot := range slotsOf(m.variables[var2Priority]) {
		if m.path.slots[slot].SecurityProfile >= h.profile {
			keep = append(keep, strconv.Itoa(slot))
		} else {
			delete(m.path.slots, slot)
		}
	}
	if len(keep) > 0 {
		m.variables[var2Priority] = strings.Join(keep, ",")
	}
	m.path.hops, m.path.at = slices.DeleteFunc(m.path.hops, func(o hop) bool { return o.profile < h.profile }), 0
	m.path.at = max(slices.Index(m.path.hops, h), 0)
}

func (voice2) onSetNetworkProfile(m *machine, req *ocpp.SetNetworkProfileRequest, _ time.Time) any {
	out := ocpp.SetNetworkProfileResponse{Status: ocpp.SetNetworkProfileStatusEnumAccepted}
	switch current := m.path.hops[m.path.at]; {
	case req.ConfigurationSlot < 1 || req.ConfigurationSlot > 2 || req.ConnectionData.OcppCsmsURL == "": // OCPP 2.0.1 B09.FR.05
		out.Status = ocpp.SetNetworkProfileStatusEnumRejected
	case req.ConnectionData.SecurityProfile < current.profile: // OCPP 2.0.1 B09.FR.04
		out.Status = ocpp.SetNetworkProfileStatusEnumRejected
	default:
		m.path.slots[req.ConfigurationSlot] = req.ConnectionData
	}
	return out
}

// SecurityProfile gives the profile of the way in use.
func (s *Station) SecurityProfile() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.path.hops[s.m.path.at].profile
}

// Certify gives the station a client certificate, as if it was installed.
func (s *Station) Certify(c tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m.config.TLS == nil {
		s.m.config.TLS = &tls.Config{}
	}
	s.m.config.TLS = s.m.config.TLS.Clone()
	s.m.config.TLS.Certificates = []tls.Certificate{c}
}
