package main

import (
	"testing"

	"bifocal"
)

func TestVectorsHold(t *testing.T) {
	bifocal.CheckVectors(t, transform, "at", "../../vectors/kinds")
}
