// What this transform answers, in a sentence.
//
// `bifocal test .` runs the fixtures, `bifocal check` proves the laws, `go test` runs the tests.
package main

import (
	"errors"
	"time"

	"bifocal"
)

// Visit is one event: the fields that are read. bifocal.Opt if a field may be absent.
type Visit struct {
	Page    string
	Seconds int64
}

// Page is what rows are keyed by, beside the window.
type Page struct{ Page string }

// Visits is what is kept for each key and window: parts that merge lawfully.
type Visits struct {
	Visits  bifocal.Count
	Seconds bifocal.Sum[int64]
	Longest bifocal.Max[int64]
}

var transform = bifocal.Export(bifocal.Transform[Visit, Page, Visits]{
	Name:   "{{name}}",
	Window: bifocal.Tumbling(time.Hour),
	Time:   "at",
	Fold:   fold,
})

func fold(visit *Visit, out *bifocal.Cells[Page, Visits]) error {
	if visit.Seconds < 0 {
		return errors.New("a visit cannot be shorter than nothing")
	}
	cell := out.Cell(Page{visit.Page})
	cell.Visits.Add(1)
	cell.Seconds.Add(visit.Seconds)
	cell.Longest.See(visit.Seconds)
	return nil
}

// A component has no main: its host calls the transform.
func main() {}
