package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/forecourt-ev/forecourt/foundation/db"
	"github.com/forecourt-ev/forecourt/foundation/fault"
	"github.com/forecourt-ev/forecourt/foundation/job"
	"github.com/forecourt-ev/forecourt/foundation/unit"
	"github.com/forecourt-ev/forecourt/ocpp"
	"github.com/forecourt-ev/forecourt/tariff"
)

// Display is what a station can show of prices. It says so itself, and is
// sent nothing that it did not ask for.
type Display struct {
	Cost   bool // running and final costs that we compute
	Tariff bool // 2.1: it computes costs by a tariff that we send
}

// Jobs that tell a station about prices. Each tells what holds when it runs.
const (
	jobCost    = "session.cost"    // the cost so far, or the final one
	jobShow    = "session.price"   // 1.6: the price before the charge
	jobTariff  = "session.tariff"  // 2.1: the default tariffs of a station
	jobTariffs = "session.tariffs" // 2.1: those of all stations, where they changed
)

// A cost that nobody could be told in this time is old news.
const costTries = 3

func (s *Service) costJobs(r *job.Runner) {
	r.Handle(jobCost, s.sendCost, job.Options{MaxAttempts: costTries, Timeout: time.Minute})
	r.Handle(jobShow, s.sendPrice, job.Options{MaxAttempts: costTries, Timeout: time.Minute})
	r.Handle(jobTariff, s.sendTariff, job.Options{MaxAttempts: costTries, Timeout: time.Minute})
	r.Handle(jobTariffs, s.sweepTariffs, job.Options{MaxAttempts: costTries, Timeout: 10 * time.Minute})
	r.Every(jobTariffs, tariffSweep, func(ctx context.Context) error { return s.sweepTariffs(ctx, job.Job{}) })
}

func (s *Service) display(tx *db.Tx, station string) (Display, error) {
	if s.d.Display == nil {
		return Display{}, nil
	}
	return s.d.Display(tx, station)
}

// showCost has the station told, after the commit, when the price of a
// session changed. A 2.x station learns the final cost with the answer to its
// last event.
func (s *Service) showCost(tx *db.Tx, w *work, settle bool) error {
	if s.d.Display == nil || w.Tariff == "" || w.State.Phase == Vacant {
		return nil
	}
	ended := w.State.Phase == Stopped
	same := w.Incl == w.before.Incl && w.State.Charging == w.before.State.Charging
	if ended && (w.Protocol != string(ocpp.V16) || !settle) || !ended && same && !w.fresh {
		return nil
	}
	d, err := s.display(tx, w.Station)
	if err != nil || !d.Cost {
		return err
	}
	if w.fresh && w.Protocol == string(ocpp.V16) {
		if err := job.Enqueue(tx, job.Job{Kind: jobShow, Key: string(w.ID), Org: w.Org, Payload: wish{Session: w.ID}}); err != nil {
			return err
		}
	}
	return job.Enqueue(tx, job.Job{Kind: jobCost, Key: string(w.ID), Org: w.Org, Payload: wish{Session: w.ID}})
}

// runningCost is what the answer to a 2.x event tells (I02.FR.01): the cost so
// far and, at the start, the price in words.
func (s *Service) runningCost(tx *db.Tx, w *work, m *message, r *ocpp.TransactionEventResponse) error {
	if s.d.Display == nil || w.Tariff == "" || m.peer.Version == ocpp.V16 || m.event.Kind == Ended {
		return nil
	}
	d, err := s.display(tx, w.Station)
	if err != nil || !d.Cost {
		return err
	}
	r.TotalCost = w.totalCost() // I02.FR.01
	if !w.fresh {
		return nil
	}
	q, err := storedQuote(tx, w.ID)
	if err != nil || q == nil {
		return err
	}
	text := q.Shown[tariff.English]
	if n := []rune(text); len(n) > maxPersonalMessage {
		text = string(n[:maxPersonalMessage-1]) + "…"
	}
	r.UpdatedPersonalMessage = &ocpp.MessageContent{Format: ocpp.MessageFormatEnumUTF8, Language: string(tariff.English), Content: text}
	return nil
}

// maxPersonalMessage is what OCPP 2.0.1 allows.
const maxPersonalMessage = 512

func (s *Service) wished(ctx context.Context, j job.Job) (r Session, v *tariff.Version, q *Quote, err error) {
	var w wish
	if err = j.Decode(&w); err != nil {
		return r, nil, nil, err
	}
	err = s.d.DB.View(ctx, func(tx *db.Tx) (err error) {
		if r, err = visible(tx, w.Session, everything); err != nil {
			return job.Stop(err)
		}
		if v, err = s.version(tx, &r); err == nil {
			q, err = storedQuote(tx, r.ID)
		}
		return err
	})
	return r, v, q, err
}

// sendCost tells a station the cost of a session: CostUpdated (I02), or for
// 1.6 the messages of the California pricing note.
func (s *Service) sendCost(ctx context.Context, j job.Job) error {
	r, v, q, err := s.wished(ctx, j)
	if err != nil || v == nil {
		return err
	}
	cost := r.totalCost()
	var req ocpp.Request
	switch {
	case r.Protocol == string(ocpp.V16) && r.State.Phase == Stopped:
		req, err = costMessage("FinalCost", finalCost(&r, v, *cost))
	case r.State.Phase == Stopped:
		return nil
	case r.Protocol == string(ocpp.V16):
		req, err = costMessage("RunningCost", runningCost16(&r, v, q, *cost, s.d.DB.Now()))
	default:
		req = &ocpp.CostUpdatedRequest{TotalCost: *cost, TransactionID: r.Transaction} // I02.FR.01
	}
	if err != nil {
		return err
	}
	return s.tellStation(ctx, r.Station, req)
}

// sendPrice tells a 1.6 station what the driver will pay.
func (s *Service) sendPrice(ctx context.Context, j job.Job) error {
	r, v, q, err := s.wished(ctx, j)
	if err != nil || v == nil || q == nil || r.State.Token.Value == "" {
		return err
	}
	req, err := costMessage("SetUserPrice", userPrice(r.State.Token.Value, q))
	if err != nil {
		return err
	}
	return s.tellStation(ctx, r.Station, req)
}

// tellStation sends what is good to know. A station that cannot show it, or
// is away, still charges: only a time-out is worth another try.
func (s *Service) tellStation(ctx context.Context, station string, req ocpp.Request) error {
	_, err := s.d.Commander.Send(ctx, station, req)
	if err == nil || timedOut(err) {
		return err
	}
	s.d.Log.Debug("a station was not told a price", "station", station, "message", req.Action(), "err", err)
	return nil
}

// costVendor names the messages of the OCA note on California pricing.
const costVendor = "org.openchargealliance.costmsg"

// costMessage wraps a message of the note: its data is JSON in a string.
func costMessage(id string, data any) (ocpp.Request, error) {
	text, err := json.Marshal(data)
	if err == nil {
		text, err = json.Marshal(string(text))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "session.cost", "a %s message cannot be written", id)
	}
	return &ocpp.DataTransferRequest{VendorID: costVendor, MessageID: id, Data: text}, nil
}

// number is an exact decimal in a message of the note.
type number = unit.Decimal
