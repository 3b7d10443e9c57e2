// Cards that are tried until they work: three declines in a row, then an approval, all within ten minutes.
// That needs a card's payments one after the other, so it is a machine in Ordered, by the order of the
// log; what it has found stays in its state.
package main

import (
	"errors"

	"bifocal"
)

const (
	// declines that are suspicious when an approval follows, and within what time.
	declines = 3
	withinMs = 10 * 60_000
)

// Payment has one of two statuses; payments of others are ignored.
type Payment struct {
	bifocal.OneOf `path:"status"`
	Declined      *Declined
	Approved      *Approved
}

type Declined struct {
	CardID string
	Time   bifocal.Timestamp `path:"@time"`
}

type Approved struct {
	CardID string
	Amount bifocal.Decimal2
	Time   bifocal.Timestamp `path:"@time"`
}

type Card struct{ CardID string }

type Watched struct {
	Watch bifocal.Ordered[Watch, Step]
}

// Watch is the machine.
type Watch struct {
	// Declines has the times of the last ones since an approval, at most so many as make an alert.
	Declines  []bifocal.Timestamp
	Alerts    uint64
	LastAlert bifocal.Opt[bifocal.Timestamp]
	// Amount of the approvals that raised an alert.
	Amount bifocal.Sum[bifocal.Decimal2]
}

// Step is its input.
type Step struct {
	bifocal.OneOf
	Declined *struct{ Time bifocal.Timestamp }
	Approved *Approval
}

type Approval struct {
	Time   bifocal.Timestamp
	Amount bifocal.Decimal2
}

func (w *Watch) Step(step Step) {
	if step.Declined != nil {
		w.Declines = append(w.Declines, step.Declined.Time)
		w.Declines = w.Declines[max(len(w.Declines)-declines, 0):]
		return
	}
	if len(w.Declines) == declines && w.spreadMs(step.Approved.Time) <= withinMs {
		w.Alerts++
		w.LastAlert = bifocal.Some(step.Approved.Time)
		w.Amount.Add(step.Approved.Amount)
	}
	w.Declines = nil
}

// spreadMs is how far the declines and an approval lie apart; late events may stand in any order.
func (w *Watch) spreadMs(approved bifocal.Timestamp) uint64 {
	first, last := approved, approved
	for _, time := range w.Declines {
		first, last = min(first, time), max(last, time)
	}
	return uint64(last) - uint64(first)
}

type Shown struct {
	Alerts    uint64
	LastAlert bifocal.Opt[bifocal.Timestamp]
	Amount    bifocal.Decimal2
}

func show(card *Watched) (Shown, error) {
	watch := card.Watch.Machine()
	amount, fits := watch.Amount.Get()
	if !fits {
		return Shown{}, errors.New("out of range: the amount does not fit a decimal(2)")
	}
	return Shown{watch.Alerts, watch.LastAlert, amount}, nil
}

var transform = bifocal.Export(bifocal.Transform[Payment, Card, Watched]{
	Name:    "fraud",
	Summary: "Alerts per card: three declines, then an approval, within ten minutes.",
	Time:    "ts",
	Present: bifocal.Show(show),
	Fold:    fold,
})

func fold(payment *Payment, out *bifocal.Cells[Card, Watched]) error {
	if declined := payment.Declined; declined != nil {
		step := Step{Declined: &struct{ Time bifocal.Timestamp }{declined.Time}}
		out.Cell(Card{declined.CardID}).Watch.Push(step)
	} else {
		approved := payment.Approved
		step := Step{Approved: &Approval{approved.Time, approved.Amount}}
		out.Cell(Card{approved.CardID}).Watch.Push(step)
	}
	return nil
}

func main() {}
