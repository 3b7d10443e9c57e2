package main

import (
	"testing"

	"bifocal"
)

func TestVisitsOfAPageAreCountedByTheHour(t *testing.T) {
	bench := bifocal.NewBench(t, transform)
	bench.Append(
		`{"at": "2026-01-01T10:05:00Z", "page": "/", "seconds": 12}`,
		`{"at": "2026-01-01T10:50:00Z", "page": "/", "seconds": 30}`,
	)
	bench.Want(`{"page": "/", "window": "2026-01-01T10:00:00Z", "visits": 2, "seconds": 42, "longest": 30}`)
	bench.CheckLaws()
}

func TestFixturesHold(t *testing.T) {
	bifocal.CheckFixtures(t, transform, "fixtures")
}
