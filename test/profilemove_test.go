package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// obedient is a stranger's station that does what the platform tells it about
// its security and nothing more: it trusts only roots that it was given, goes
// where it was sent and shows the certificate that was signed for it. Framing
// and schema checks are those of npm ocpp-rpc, the station is the test's.
type obedient struct {
	t                     *testing.T
	s                     *server
	at                    doors
	id, version, password string
	dir                   string

	mu       sync.Mutex
	roots    []*x509.Certificate
	profiles map[string]object // by configuration slot
	priority string
	profile  string // 1.6: SecurityProfile
	private  *ecdsa.PrivateKey
	chain    string
	reset    chan struct{}
	p        *peer
}

// TestStrangerMovesThroughAllProfiles: the platform brings a station of
// somebody else from profile 1 over 2 to 3 by messages alone: it installs the
// root that the station lacks, has it ask for a certificate, tells it the new
// profile and restarts it. OCPP 2.0.1 A05, M05
func TestStrangerMovesThroughAllProfiles(t *testing.T) {
	t.Parallel()
	s, at, _ := serveOwnAuthority(t)
	for _, version := range []string{"1.6", "2.0.1", "2.1"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			o := &obedient{t: t, s: s, at: at, id: "OBEY-" + version, version: version, dir: t.TempDir(),
				profiles: map[string]object{}, priority: "1", profile: "1", reset: make(chan struct{}, 1)}
			o.password = s.station(o.id, nil)
			o.connect()
			for target := 2; target <= 3; target++ {
				s.must("POST", "/charging-stations/"+o.id+"/security-profile", object{"profile": target})
				if target == 3 {
					o.sign()
				}
				o.restarts()
				o.p.close(t)
				o.connect()
				s.upgraded(t, o.id, "done")
				state := s.must("GET", "/charging-stations/"+o.id+"/security-profile", nil)
				if state["security_profile"] != float64(target) || state["connected_profile"] != float64(target) {
					t.Errorf("after the move to %d: %v", target, state)
				}
			}
			if n := o.p.times("InstallCertificate"); n != 0 {
				t.Errorf("a root that is there was installed again %d times", n)
			}
		})
	}
}

// restarts waits until the platform has told the station to restart, and has
// put that down: a station takes longer to start than that.
func (o *obedient) restarts() {
	o.t.Helper()
	select {
	case <-o.reset:
	case <-time.After(patience):
		o.t.Fatal("the station was not told to restart")
	}
	o.s.upgraded(o.t, o.id, "verify")
}

// connect goes where the station was sent, boots, and obeys from there on.
func (o *obedient) connect() {
	o.t.Helper()
	url, profile := o.target()
	var more []string
	if profile > 1 {
		more = append(more, "--ca", o.file("roots.pem", o.rootsPEM()))
	}
	password := o.password
	if profile > 2 {
		key, err := x509.MarshalPKCS8PrivateKey(o.private)
		if err != nil {
			o.t.Fatal(err)
		}
		more = append(more, "--cert", o.file("cert.pem", o.chain), "--key", o.file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))))
		password = ""
	}
	p, opened := strangers[0].start(o.t, url, o.id, password, o.version, more...)
	if opened["open"] == nil {
		o.t.Fatalf("profile %d at %s: %v", profile, url, opened)
	}
	o.p = p
	boot := object{"reason": "PowerUp", "chargingStation": object{"vendorName": "Maker", "model": "Two", "serialNumber": o.id}}
	o.obey("GetInstalledCertificateIds", o.installed)
	o.obey("InstallCertificate", o.install)
	o.obey("CertificateSigned", o.signed)
	if o.version == "1.6" {
		boot = object{"chargePointVendor": "Maker", "chargePointModel": "One", "chargePointSerialNumber": o.id}
		o.obey("GetConfiguration", func(object) object { return object{} })
		o.obey("ChangeConfiguration", o.change)
		p.answer("ExtendedTriggerMessage", object{"status": "Accepted"})
	} else {
		o.obey("GetVariables", o.read)
		o.obey("SetVariables", o.set)
		o.obey("SetNetworkProfile", func(payload object) object {
			o.profiles[fmt.Sprint(payload["configurationSlot"])] = payload["connectionData"].(object)
			return object{"status": "Accepted"}
		})
		p.answer("TriggerMessage", object{"status": "Accepted"})
		p.answer("GetBaseReport", object{"status": "NotSupported"})
	}
	o.obey("Reset", func(object) object {
		select {
		case o.reset <- struct{}{}:
		default:
		}
		return object{"status": "Accepted"}
	})
	if got := p.say("BootNotification", boot); got["status"] != "Accepted" {
		o.t.Errorf("the boot under profile %d: %v", profile, got)
	}
}

// obey answers an action with the station's state held.
func (o *obedient) obey(action string, answer func(object) object) {
	o.p.act(action, func(payload object) object {
		o.mu.Lock()
		defer o.mu.Unlock()
		return answer(payload)
	})
}

// target is where the station connects, and with what profile.
func (o *obedient) target() (url string, profile int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.version == "1.6" { // its address is its maker's affair
		fmt.Sscan(o.profile, &profile)
		return []string{o.at.plain, o.at.secure, o.at.mtls}[profile-1], profile
	}
	first, _, _ := strings.Cut(o.priority, ",")
	if p := o.profiles[first]; p != nil {
		return p["ocppCsmsUrl"].(string), int(p["securityProfile"].(float64))
	}
	return o.at.plain, 1
}

func (o *obedient) file(name, text string) string {
	o.t.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return path
}

func (o *obedient) rootsPEM() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := ""
	for _, c := range o.roots {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return text
}

func (o *obedient) csmsRoot() string {
	if o.version == "1.6" {
		return "CentralSystemRootCertificate"
	}
	return "CSMSRootCertificate"
}

func (o *obedient) install(payload object) object {
	block, _ := pem.Decode([]byte(payload["certificate"].(string)))
	if block == nil || payload["certificateType"] != o.csmsRoot() {
		return object{"status": "Rejected"}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return object{"status": "Rejected"}
	}
	o.roots = append(o.roots, c)
	return object{"status": "Accepted"}
}

func (o *obedient) installed(payload object) object {
	var all []object
	for _, c := range o.roots {
		var key struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &key); err != nil {
			panic(err)
		}
		hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
		data := object{"hashAlgorithm": "SHA256", "issuerNameHash": hash(c.RawIssuer), "issuerKeyHash": hash(key.Key.Bytes), "serialNumber": fmt.Sprintf("%x", c.SerialNumber)}
		if o.version == "1.6" {
			all = append(all, data)
		} else {
			all = append(all, object{"certificateType": o.csmsRoot(), "certificateHashData": data})
		}
	}
	if len(all) == 0 || o.version == "1.6" && payload["certificateType"] != o.csmsRoot() {
		return object{"status": "NotFound"}
	}
	if o.version == "1.6" {
		return object{"status": "Accepted", "certificateHashData": all}
	}
	return object{"status": "Accepted", "certificateHashDataChain": all}
}

func (o *obedient) signed(payload object) object {
	o.chain = payload["certificateChain"].(string)
	return object{"status": "Accepted"}
}

// fit tells whether the station can go to a profile: OCPP 2.0.1 A05.FR.02 and
// A05.FR.03.
func (o *obedient) fit(profile int) bool {
	return profile < 2 || len(o.roots) > 0 && (profile < 3 || o.chain != "")
}

func (o *obedient) change(payload object) object {
	if payload["key"] != "SecurityProfile" {
		return object{"status": "NotSupported"}
	}
	var profile int
	if fmt.Sscan(payload["value"].(string), &profile); !o.fit(profile) {
		return object{"status": "Rejected"}
	}
	o.profile = payload["value"].(string)
	return object{"status": "Accepted"}
}

const priorityPath = "OCPPCommCtrlr.NetworkConfigurationPriority"

func nameOf(one object) string {
	return one["component"].(object)["name"].(string) + "." + one["variable"].(object)["name"].(string)
}

func (o *obedient) read(payload object) object {
	var out []object
	for _, x := range payload["getVariableData"].([]any) {
		one := x.(object)
		answer := object{"component": one["component"], "variable": one["variable"], "attributeStatus": "UnknownVariable"}
		if nameOf(one) == priorityPath {
			answer["attributeStatus"], answer["attributeValue"] = "Accepted", o.priority
		}
		out = append(out, answer)
	}
	return object{"getVariableResult": out}
}

func (o *obedient) set(payload object) object {
	var out []object
	for _, x := range payload["setVariableData"].([]any) {
		one := x.(object)
		answer := object{"component": one["component"], "variable": one["variable"], "attributeStatus": "UnknownVariable"}
		if nameOf(one) == priorityPath {
			value := one["attributeValue"].(string)
			slot, _, _ := strings.Cut(value, ",")
			p := o.profiles[slot]
			if answer["attributeStatus"] = "Rejected"; p != nil && o.fit(int(p["securityProfile"].(float64))) {
				answer["attributeStatus"], o.priority = "Accepted", value
			}
		}
		out = append(out, answer)
	}
	return object{"setVariableResult": out}
}

// sign asks for a certificate once the platform wants it to.
func (o *obedient) sign() {
	o.t.Helper()
	if o.version == "1.6" {
		o.p.called("ExtendedTriggerMessage")
	} else {
		for o.p.called("TriggerMessage")["requestedMessage"] != "SignChargingStationCertificate" {
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: o.id, Organization: []string{"Forecourt"}}}, private)
	if err != nil {
		o.t.Fatal(err)
	}
	o.private = private
	if got := o.p.say("SignCertificate", object{"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))}); got["status"] != "Accepted" {
		o.t.Fatalf("SignCertificate: %v", got)
	}
}
