// Departures and delays of flights per airport and hour.
package main

import (
	"time"

	"bifocal"
)

type Flight struct {
	Origin string
	// Delay in minutes, below 0 if early; a cancelled flight has none.
	Delay bifocal.Opt[int64]
}

type Airport struct{ Origin string }

type Hour struct {
	Cancelled bifocal.Count
	Mean      bifocal.Mean[int64]
	Delays    bifocal.Quantiles[int64]
}

// Shown is what a person reads of an hour; no mean and no quantile if nothing departed.
type Shown struct {
	Departures uint64
	Cancelled  uint64
	MeanDelay  bifocal.Opt[float64]
	P95Delay   bifocal.Opt[int64]
}

func show(hour *Hour) (Shown, error) {
	return Shown{
		Departures: hour.Mean.Count(),
		Cancelled:  hour.Cancelled.Get(),
		MeanDelay:  bifocal.OptOf(hour.Mean.Get()),
		P95Delay:   bifocal.OptOf(hour.Delays.Quantile(0.95)),
	}, nil
}

var transform = bifocal.Export(bifocal.Transform[Flight, Airport, Hour]{
	Name:    "flights",
	Summary: "Departures, cancellations and delays per airport and hour.",
	Window:  bifocal.Tumbling(time.Hour),
	Time:    "date",
	Present: bifocal.Show(show),
	Fold:    fold,
})

func fold(flight *Flight, out *bifocal.Cells[Airport, Hour]) error {
	hour := out.Cell(Airport{flight.Origin})
	if minutes, departed := flight.Delay.Get(); departed {
		hour.Mean.Add(minutes)
		hour.Delays.Add(minutes)
	} else {
		hour.Cancelled.Add(1)
	}
	return nil
}

func main() {}
