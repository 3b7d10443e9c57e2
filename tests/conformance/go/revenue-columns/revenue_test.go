package main

import (
	"testing"

	"bifocal"
)

func TestFixturesHold(t *testing.T) {
	bifocal.CheckFixtures(t, transform, "../../../../plugins/revenue/fixtures")
}
