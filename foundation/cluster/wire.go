package cluster

import (
	"encoding/json"

	"github.com/forecourt-ev/forecourt/foundation/fault"
)

// wireFault is an error as it travels between nodes: what people may see of
// it. The cause stays in the log of the node that answered.
type wireFault struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Fields  []fault.Field `json:"fields,omitempty"`
}

func writeFault(err error) []byte {
	w := wireFault{Code: "internal", Message: "the node failed to answer"}
	if e := fault.Of(err); e != nil {
		w = wireFault{Code: e.Code, Message: e.Message, Fields: e.Fields}
	}
	b, err := json.Marshal(w)
	if err != nil { // a field's value that JSON cannot hold
		w.Fields = nil
		b, _ = json.Marshal(w)
	}
	return b
}

func readFault(kind string, data []byte) error {
	var w wireFault
	if err := json.Unmarshal(data, &w); err != nil {
		return fault.Wrap(fault.Internal, err, "cluster.answer", "the node's answer cannot be read")
	}
	e := &fault.Error{Kind: fault.Internal, Code: w.Code, Message: w.Message, Fields: w.Fields}
	for k := fault.Internal; k <= fault.Unsupported; k++ {
		if k.String() == kind {
			e.Kind = k
		}
	}
	return e
}
