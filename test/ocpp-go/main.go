// A charging station made of ocpp-go, steered by lines of JSON on standard
// input and telling what happens on standard output, in the language of
// test/ocpp-rpc/station.mjs. Framing, types and validation are ocpp-go's.
//
//	in:  {"id":1,"action":"BootNotification","payload":{…}}   a CALL
//	     {"answer":"Reset","payload":{…}}                     how to answer a CALL from now on; null: NotImplemented
//	     {"close":true}
//	out: {"open":"ocpp1.6"}  {"id":1,"result":{…}}  {"id":1,"error":{…}}
//	     {"called":"Reset","payload":{…}}  {"strict":"…"}  {"closed":1000}
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"sync"

	"github.com/lorenzodonini/ocpp-go/ocpp"
	"github.com/lorenzodonini/ocpp-go/ocppj"
	"github.com/lorenzodonini/ocpp-go/ws"
)

type line map[string]any

type order struct {
	ID      int             `json:"id"`
	Action  string          `json:"action"`
	Answer  string          `json:"answer"`
	Payload json.RawMessage `json:"payload"`
	Close   bool            `json:"close"`
}

type station struct {
	client   *ocppj.Client
	profiles []*ocpp.Profile

	mu      sync.Mutex
	answers map[string]json.RawMessage
	asked   chan line // the outcome of the CALL under way
}

var output sync.Mutex

func say(l line) {
	output.Lock()
	defer output.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(l); err != nil {
		os.Exit(1)
	}
}

func main() {
	endpoint := flag.String("endpoint", "", "URL without the identity")
	identity := flag.String("identity", "", "")
	password := flag.String("password", "", "")
	protocol := flag.String("protocol", "ocpp1.6", "")
	ca := flag.String("ca", "", "PEM file of the roots to trust")
	cert := flag.String("cert", "", "PEM file of the client certificate")
	key := flag.String("key", "", "PEM file of its key")
	flag.Parse()

	socket, err := dialer(*ca, *cert, *key)
	if err != nil {
		say(line{"refused": err.Error()})
		return
	}
	socket.SetRequestedSubProtocol(*protocol)
	if *password != "" {
		socket.SetBasicAuth(*identity, *password)
	}
	profiles, dialect := v16Profiles, ocpp.V16
	if *protocol == "ocpp2.0.1" {
		profiles, dialect = v201Profiles, ocpp.V2
	}
	s := &station{profiles: profiles, answers: map[string]json.RawMessage{}, asked: make(chan line, 1)}
	s.client = ocppj.NewClient(*identity, socket, nil, nil, profiles...)
	s.client.SetDialect(dialect)
	s.listen()
	if err := s.client.Start(*endpoint); err != nil {
		say(line{"refused": err.Error()})
		return
	}
	say(line{"open": *protocol})
	s.obey()
}

// dialer makes the websocket client of security profile 1, 2 or 3.
func dialer(ca, cert, key string) (*ws.Client, error) {
	if ca == "" {
		return ws.NewClient(), nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	config := &tls.Config{RootCAs: roots}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return ws.NewTLSClient(config), nil
}

// listen tells what comes in.
func (s *station) listen() {
	s.client.SetRequestHandler(func(request ocpp.Request, id, action string) {
		say(line{"called": action, "payload": request})
		if err := s.reply(id, action); err != nil {
			say(line{"strict": action + ": " + err.Error()})
			s.client.SendError(id, ocppj.NotImplemented, err.Error(), nil)
		}
	})
	s.client.SetResponseHandler(func(response ocpp.Response, _ string) { s.asked <- line{"result": response} })
	s.client.SetErrorHandler(func(err *ocpp.Error, _ any) {
		s.asked <- line{"error": line{"code": string(err.Code), "message": err.Description}}
	})
	s.client.SetInvalidMessageHook(func(err *ocpp.Error, raw string, _ []any) *ocpp.Error {
		say(line{"strict": err.Error() + " in " + raw})
		select {
		case s.asked <- line{"error": line{"code": string(err.Code), "message": err.Description}}:
		default:
		}
		return nil
	})
	s.client.SetOnDisconnectedHandler(func(error) {
		say(line{"closed": 1006})
		os.Exit(0)
	})
}

// reply answers a CALL with what the test has laid down for its action.
func (s *station) reply(id, action string) error {
	s.mu.Lock()
	payload, ok := s.answers[action]
	s.mu.Unlock()
	if !ok {
		return s.client.SendError(id, ocppj.NotImplemented, "the test has no answer for "+action, nil)
	}
	response, err := s.read(action, payload, ocpp.Feature.GetResponseType)
	if err != nil {
		return err
	}
	return s.client.SendResponse(id, response.(ocpp.Response))
}

// read makes ocpp-go's own type of a message.
func (s *station) read(action string, payload json.RawMessage, kind func(ocpp.Feature) reflect.Type) (any, error) {
	for _, p := range s.profiles {
		if f := p.GetFeature(action); f != nil {
			v := reflect.New(kind(f)).Interface()
			return v, json.Unmarshal(payload, v)
		}
	}
	return nil, fmt.Errorf("ocpp-go does not know %s", action)
}

// call makes one CALL and waits for its outcome.
func (s *station) call(o order) {
	request, err := s.read(o.Action, o.Payload, ocpp.Feature.GetRequestType)
	if err == nil {
		err = s.client.SendRequest(request.(ocpp.Request))
	}
	if err != nil {
		say(line{"id": o.ID, "error": line{"code": "local", "message": err.Error()}})
		return
	}
	outcome := <-s.asked
	outcome["id"] = o.ID
	say(outcome)
}

// obey carries out the test's orders until its input ends.
func (s *station) obey() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		switch {
		case o.Close:
			s.client.Stop()
			say(line{"closed": 1000})
			return
		case o.Answer != "":
			s.mu.Lock()
			if s.answers[o.Answer] = o.Payload; string(o.Payload) == "null" {
				delete(s.answers, o.Answer)
			}
			s.mu.Unlock()
			say(line{"id": o.ID, "result": nil})
		default:
			s.call(o)
		}
	}
}
