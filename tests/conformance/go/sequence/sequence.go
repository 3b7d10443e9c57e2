// Flights of an origin one after the other, by day: a machine that must see them in the order of the log,
// beside parts that go by event time or need no order.
package main

import (
	"time"

	"bifocal"
)

// lateMinutes is above how many a flight is late.
const lateMinutes = 15

type Flight struct {
	Origin string
	Delay  bifocal.Opt[int64]
	Time   bifocal.Timestamp `path:"@time"`
	Offset int64             `path:"@offset"`
}

type Origin struct{ Origin string }

// Streaks is a machine: its input is whether the next flight is late.
type Streaks struct {
	// Begun: any flight came before.
	Begun     bool
	Now       uint64
	Longest   uint64
	Crossings uint64
}

func (s *Streaks) Step(late bool) {
	switch {
	case !late:
		s.Now = 0
	default:
		if s.Begun && s.Now == 0 {
			s.Crossings++
		}
		s.Now++
	}
	s.Begun = true
	s.Longest = max(s.Longest, s.Now)
}

type Sequence struct {
	First     bifocal.First[int64]
	Last      bifocal.Last[int64]
	FirstSeen bifocal.FirstSeen[int64]
	LastSeen  bifocal.LastSeen[int64]
	Streaks   bifocal.Ordered[Streaks, bool]
}

type Shown struct {
	First     bifocal.Opt[int64]
	Last      bifocal.Opt[int64]
	FirstSeen bifocal.Opt[int64]
	LastSeen  bifocal.Opt[int64]
	Streak    uint64
	Crossings uint64
}

func show(cell *Sequence) (Shown, error) {
	streaks := cell.Streaks.Machine()
	return Shown{
		First:     bifocal.OptOf(cell.First.Get()),
		Last:      bifocal.OptOf(cell.Last.Get()),
		FirstSeen: bifocal.OptOf(cell.FirstSeen.Get()),
		LastSeen:  bifocal.OptOf(cell.LastSeen.Get()),
		Streak:    streaks.Longest,
		Crossings: streaks.Crossings,
	}, nil
}

var transform = bifocal.Export(bifocal.Transform[Flight, Origin, Sequence]{
	Name:    "sequence",
	Window:  bifocal.Tumbling(24 * time.Hour),
	Time:    "date",
	Present: bifocal.Show(show),
	Fold:    fold,
})

func fold(flight *Flight, out *bifocal.Cells[Origin, Sequence]) error {
	delay, departed := flight.Delay.Get()
	if !departed {
		return nil
	}
	cell := out.Cell(Origin{flight.Origin})
	cell.First.See(flight.Time, flight.Offset, delay)
	cell.Last.See(flight.Time, flight.Offset, delay)
	cell.FirstSeen.See(delay)
	cell.LastSeen.See(delay)
	cell.Streaks.Push(delay > lateMinutes)
	return nil
}

func main() {}
