// Pay of drivers by day, trip by trip: dear kilometres first, cheaper ones later, and never less than a
// minimum. So pay cannot be added up event by event: when the satellites' better distance of a trip comes,
// hours later, it replaces the one that the trip ended with. The state keeps what is known of each trip;
// pay is computed when it is read.
package main

import (
	"fmt"
	"time"

	"bifocal"
)

// lateMsMax is how long after the end of a trip its distance may be corrected.
const lateMsMax = 6 * 3_600_000

type Trip struct {
	bifocal.OneOf `path:"type"`
	Ended         *Ended     `name:"trip.ended"`
	Corrected     *Corrected `name:"trip.corrected"`
}

type Ended struct {
	DriverID string
	TripID   string
	Metres   uint32
	Seconds  uint32
	Time     bifocal.Timestamp `path:"@time"`
	Offset   int64             `path:"@offset"`
}

type Corrected struct {
	DriverID string
	TripID   string
	EndedAt  bifocal.Timestamp
	Metres   uint32
	Time     bifocal.Timestamp `path:"@time"`
	Offset   int64             `path:"@offset"`
}

type Driver struct{ DriverID string }

type Day struct {
	Trips bifocal.Map[string, Known]
}

// Known is what is known of a trip, whichever of its events came first.
type Known struct {
	// Metres: the latest distance wins, and a correction is later than what it corrects.
	Metres bifocal.Last[uint32]
	// Seconds: none until the trip's own event is there; it is not paid before.
	Seconds bifocal.Last[uint32]
}

var transform = bifocal.Export(bifocal.Transform[Trip, Driver, Day]{
	Name:    "earnings",
	Summary: "Pay per driver and day, with the distances of trips as they were corrected up to six hours later.",
	Window:  bifocal.Tumbling(24 * time.Hour),
	Time:    "ts",
	Present: bifocal.Show(show),
	Fold:    fold,
})

func fold(trip *Trip, out *bifocal.Cells[Driver, Day]) error {
	if ended := trip.Ended; ended != nil {
		known := out.Cell(Driver{ended.DriverID}).Trips.Entry(ended.TripID)
		known.Metres.See(ended.Time, ended.Offset, ended.Metres)
		known.Seconds.See(ended.Time, ended.Offset, ended.Seconds)
		return nil
	}
	corrected := trip.Corrected
	if corrected.EndedAt > corrected.Time || uint64(corrected.Time)-uint64(corrected.EndedAt) > lateMsMax {
		return fmt.Errorf("ended_at: %s is not within the 6 hours before the correction at %s", corrected.EndedAt, corrected.Time)
	}
	// The day of the trip, not that of the correction.
	known := out.CellAt(corrected.EndedAt, Driver{corrected.DriverID}).Trips.Entry(corrected.TripID)
	known.Metres.See(corrected.Time, corrected.Offset, corrected.Metres)
	return nil
}

type Shown struct {
	Trips uint64
	Km    bifocal.Decimal3
	Pay   bifocal.Decimal2
}

func show(day *Day) (Shown, error) {
	var shown Shown
	for _, trip := range day.Trips.All() {
		metres, measured := trip.Metres.Get()
		seconds, ended := trip.Seconds.Get()
		if measured && ended {
			shown.Trips++
			shown.Km += bifocal.Decimal3(metres)
			shown.Pay += cents(int64(metres), int64(seconds))
		}
	}
	return shown, nil
}

// cents is the pay of one trip: 2.00, and 1.10 a kilometre for the first five, 0.80 up to twenty, 0.50
// beyond, to the nearest cent, and 0.20 for each minute begun; at least 5.00.
func cents(metres, seconds int64) bifocal.Decimal2 {
	near, far := min(metres, 5_000), max(metres-20_000, 0)
	thousandths := near*110 + (metres-near-far)*80 + far*50
	minutes := (seconds + 59) / 60
	return bifocal.Decimal2(max(200+(thousandths+500)/1_000+minutes*20, 500))
}

func main() {}
