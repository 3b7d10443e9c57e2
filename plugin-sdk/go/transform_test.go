package bifocal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type visit struct {
	Page    string
	Country Opt[string]
	Seconds int64
	Small   Opt[uint8]
	Time    Timestamp `path:"@time"`
}

type visitKey struct {
	Page    string
	Country Opt[string]
}

type visits struct {
	Count   Count
	Seconds Sum[int64]
	Longest Max[int64]
	Last    LastSeen[int64]
}

type freeVisits struct {
	Count   Count
	Seconds Sum[int64]
	Pages   Set[string]
}

func (v *visits) add(seconds int64) {
	v.Count.Add(1)
	v.Seconds.Add(seconds)
	v.Longest.See(seconds)
	v.Last.See(seconds)
}

func foldVisit(v *visit, out *Cells[visitKey, visits]) error {
	if v.Seconds == -1 {
		return errors.New("before any cell")
	}
	// Now and then a text that is no column's own.
	key := visitKey{v.Page, v.Country}
	if v.Seconds%3 == 0 {
		key.Page = strings.Clone(key.Page)
	}
	out.Cell(key).add(v.Seconds)
	if v.Seconds == -2 {
		return errors.New("after a cell")
	}
	return nil
}

func visitEvents(random *rand.Rand, n int) []string {
	var events []string
	for range n {
		country := []string{`"country":"at",`, `"country":"",`, `"country":null,`, ``}[random.IntN(4)]
		events = append(events, fmt.Sprintf(`{"page":"/%d",%s"seconds":%d,"small":%d}`,
			random.IntN(4), country, random.IntN(60)-2, random.IntN(270)))
	}
	return events
}

// reference is what a straight loop makes of the events: rows by page, country and window.
func reference(b *Bench, window Window) map[string][3]int64 {
	cells := map[string][3]int64{}
	for _, record := range b.records {
		seconds := record.inputs[2].number
		if seconds < 0 || record.inputs[3].number > 255 {
			continue
		}
		for hop := range window.hops() {
			start := int64(record.time)
			for start%window.slideMs != 0 {
				start--
			}
			start -= hop * window.slideMs
			country := string(appendDatum(nil, KindText, record.inputs[1]))
			place := fmt.Sprintf(`{"page":"%s","country":%s,"window":"%s"`, record.inputs[0].text, country, Timestamp(start))
			cell := cells[place]
			cells[place] = [3]int64{cell[0] + 1, cell[1] + seconds, max(cell[2], seconds)}
		}
	}
	return cells
}

func TestRowsAreThoseOfAStraightLoop(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, window := range []Window{Tumbling(10 * time.Millisecond), Hopping(20*time.Millisecond, 5*time.Millisecond)} {
		for _, n := range []int{0, 1, 30, 700} {
			bench := NewBench(t, Export(Transform[visit, visitKey, visits]{Name: "visits", Window: window, Fold: foldVisit}))
			for i, event := range visitEvents(random, n) {
				bench.AppendAt(Timestamp(random.IntN(40)-20+i/20), event)
			}
			cells := reference(bench, window)
			rows := bench.Rows()
			if len(rows) != len(cells) {
				t.Fatalf("%d rows, not %d", len(rows), len(cells))
			}
			for _, row := range rows {
				place, rest, _ := strings.Cut(row, `,"count":`)
				cell := cells[place]
				if want := fmt.Sprintf(`%d,"seconds":%d,"longest":%d,`, cell[0], cell[1], cell[2]); !strings.HasPrefix(rest, want) {
					t.Fatalf("%s, not %s", row, want)
				}
			}
			for _, one := range bench.Rejected() {
				if one.Reason != "before any cell" && one.Reason != "after a cell" && !strings.HasPrefix(one.Reason, "small: ") {
					t.Fatal(one)
				}
			}
			if n <= 30 {
				bench.CheckLaws()
			}
		}
	}
}

func TestOrderFreeWindowsThatOverlapAreMergedFromPanes(t *testing.T) {
	hop := Hopping(20*time.Millisecond, 5*time.Millisecond)
	bench := NewBench(t, Export(Transform[visit, struct{}, freeVisits]{Window: hop, Fold: func(v *visit, out *Cells[struct{}, freeVisits]) error {
		cell := out.Cell(struct{}{})
		cell.Count.Add(1)
		cell.Seconds.Add(v.Seconds)
		cell.Pages.Add(v.Page)
		return nil
	}}))
	bench.AppendAt(-1, `{"page":"/a","seconds":1}`)
	bench.AppendAt(4, `{"page":"/b","seconds":2}`)
	bench.Want(
		`{"window":"1969-12-31T23:59:59.980Z","count":1,"seconds":1,"pages":1}`,
		`{"window":"1969-12-31T23:59:59.985Z","count":2,"seconds":3,"pages":2}`,
		`{"window":"1969-12-31T23:59:59.990Z","count":2,"seconds":3,"pages":2}`,
		`{"window":"1969-12-31T23:59:59.995Z","count":2,"seconds":3,"pages":2}`,
		`{"window":"1970-01-01T00:00:00Z","count":1,"seconds":2,"pages":1}`,
	)
	bench.CheckLaws()
}

type visitColumns struct {
	Page    TextColumn
	Country TextColumn `optional:"true"`
	Seconds NumberColumn[int64]
}

func TestColumnsGiveTheRowsThatEventsGive(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	window := Tumbling(20 * time.Millisecond)
	byRow := Export(Transform[visit, visitKey, visits]{Window: window, Fold: foldVisit})
	byColumn := Export(Columns[visitColumns, visitKey, visits]{Window: window, Fold: func(in *visitColumns, out *Cells[visitKey, visits]) error {
		rows := out.All()
		for i, cell := range out.CellsOf(rows, &in.Page, &in.Country) {
			cell.add(in.Seconds.Values[rows[i]])
		}
		for row, seconds := range in.Seconds.Values {
			switch seconds {
			case -1:
				out.Reject(row, "before any cell")
			case -2:
				out.Reject(row, "after a cell")
			}
		}
		return nil
	}})
	for _, n := range []int{0, 1, 40, 600} {
		rows, columns := NewBench(t, byRow), NewBench(t, byColumn)
		for i, event := range visitEvents(random, n) {
			event = strings.ReplaceAll(event, `"small"`, `"unread"`)
			if n == 600 { // no country at all: keys are then found by number
				event = strings.ReplaceAll(strings.ReplaceAll(event, `"country":null,`, ""), `,"seconds"`, `,"country":"de","seconds"`)
			}
			at := Timestamp(random.IntN(40) - 20 + i/20)
			rows.AppendAt(at, event)
			columns.AppendAt(at, event)
		}
		columns.Want(rows.Rows()...)
		if got, want := fmt.Sprint(columns.Rejected()), fmt.Sprint(rows.Rejected()); got != want {
			t.Fatalf("%s, not %s", got, want)
		}
		if n == 40 {
			columns.CheckLaws()
		}
	}
}

func TestColumnsFindCellsByNumber(t *testing.T) {
	type key struct{ A, B, C string }
	type columns struct{ A, B, C, Kind TextColumn }
	plugin := Export(Columns[columns, key, Count]{
		Present: Show(func(c *Count) (struct{ Count uint64 }, error) { return struct{ Count uint64 }{c.Get()}, nil }),
		Fold: func(in *columns, out *Cells[key, Count]) error {
			for _, cell := range out.CellsOf(in.Kind.Where("x", "y"), &in.A, &in.B, &in.C) {
				cell.Add(1)
			}
			return nil
		},
	})
	bench := NewBench(t, plugin)
	counts := map[string]int{}
	for i := range 200 {
		a, b, c, kind := i%2, i%3, i%5, []string{"x", "y", "z"}[i%7%3]
		bench.Append(fmt.Sprintf(`{"a":"%d","b":"%d","c":"%d","kind":"%s"}`, a, b, c, kind))
		if kind != "z" {
			counts[fmt.Sprintf(`{"a":"%d","b":"%d","c":"%d","count":`, a, b, c)]++
		}
	}
	for _, row := range bench.Rows() {
		at := strings.LastIndexByte(row, ':') + 1
		if want := fmt.Sprintf("%d}", counts[row[:at]]); row[at:] != want {
			t.Errorf("%s, not %s", row, want)
		}
	}
}

func TestNarrowIntegersAndMissingFieldsRejectTheirEvents(t *testing.T) {
	type a struct {
		N     uint8
		Extra Opt[string]
	}
	type b struct{ N, M int16 }
	type event struct {
		OneOf `path:"type"`
		A     *a
		B     *b `name:"bee"`
	}
	plugin := Export(Transform[event, struct{}, visits]{Fold: func(e *event, out *Cells[struct{}, visits]) error {
		cell := out.Cell(struct{}{})
		if e.A != nil {
			cell.add(int64(e.A.N))
		} else {
			cell.add(int64(e.B.N) + int64(e.B.M))
		}
		return nil
	}})
	bench := NewBench(t, plugin)
	bench.Append(`{"type":"a","n":255}`, `{"type":"a","n":256}`, `{"type":"bee","n":256,"m":-1}`, `{"type":"bee","n":40000}`,
		`{"type":"bee","n":1,"m":40000}`, `{"type":"c","n":1}`, `{"n":1}`, `{"type":"bee","m":1}`, `{"type":"bee","n":7}`)
	bench.Want(`{"count":2,"seconds":510,"longest":255,"last":255}`)
	want := "[{1 n: 256 is not within 0 and 255} {3 n: 40000 is not within -32768 and 32767} " +
		"{4 m: 40000 is not within -32768 and 32767} {7 n: is missing} {8 m: is missing}]"
	if got := fmt.Sprint(bench.Rejected()); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	bench.CheckLaws()
}

func TestAPanicIsAnErrorThatSaysWhereItWas(t *testing.T) {
	silent, _ := os.Open(os.DevNull)
	defer func(kept *os.File) { os.Stderr = kept }(os.Stderr)
	os.Stderr = silent
	plugin := Export(Transform[visit, struct{}, visits]{Fold: func(v *visit, out *Cells[struct{}, visits]) error {
		panic(&v) // an address, which must not be in the text
	}})
	bench := NewBench(t, plugin)
	bench.Append(`{"page":"/","seconds":1}`)
	_, err := plugin.Fold("{}", bench.chunk(0, 1))
	if err == nil || !strings.HasPrefix(err.Error(), "panic: a **bifocal.visit\n  at bifocal.TestAPanicIsAnErrorThatSaysWhereItWas.func") ||
		!strings.Contains(err.Error(), "(transform_test.go:") || strings.Contains(err.Error(), "0x") {
		t.Error(err)
	}
}

func TestWhatIsNoTransformIsRefusedByName(t *testing.T) {
	type noPart struct{ N int64 }
	type noKey struct{ F float64 }
	type noEvent struct{ M map[string]int }
	for want, transform := range map[string]Exportable{
		"noPart.N: int64 is no part":         Transform[visit, struct{}, noPart]{},
		"noKey.F: float64 is no exported":    Transform[visit, noKey, visits]{},
		"noEvent.M: map":                     Transform[noEvent, struct{}, visits]{},
		"the slide must be above 0":          Transform[visit, struct{}, visits]{Window: Hopping(10, 3*time.Millisecond)},
		"needs a Present":                    Transform[visit, struct{}, Count]{},
		"is no machine: it needs a method":   Transform[visit, struct{}, struct{ M Ordered[visit, bool] }]{},
		"from [4]int to [16]int":             Transform[visit, struct{}, struct{ D DistinctN[string, [3]int] }]{},
		"is of integers or decimals, not of": Transform[visit, struct{}, struct{ S Sum[Timestamp] }]{},
		"visit.Page: string is no exported":  Columns[visit, struct{}, visits]{},
		"need an order-free state":           Columns[visitColumns, struct{}, visits]{Window: Hopping(2*time.Millisecond, time.Millisecond)},
	} {
		if _, err := Export(transform).Describe("{}"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

func TestSettingsAreReadStrictly(t *testing.T) {
	type settings struct{ Minutes int }
	plugin := ExportWith(func(s settings) (Exportable, error) {
		if s.Minutes <= 0 {
			return nil, errors.New("minutes must be above 0")
		}
		return Transform[visit, visitKey, visits]{Window: Tumbling(time.Duration(s.Minutes) * time.Minute), Fold: foldVisit}, nil
	})
	d, err := plugin.Describe(`{"minutes":5}`)
	if size, _ := d.Window.Milliseconds(); err != nil || size != 300_000 {
		t.Error(size, err)
	}
	for _, wrong := range []string{`{}`, `{"minutes":"5"}`, `{"minutes":5,"hours":1}`} {
		if _, err := plugin.Describe(wrong); err == nil {
			t.Errorf("%s is let in", wrong)
		}
	}
	if _, err := Export(Transform[visit, visitKey, visits]{}).Describe(`{"a":1}`); err == nil {
		t.Error("settings of none are let in")
	}
}

// The guide's code is that of the example that is tested.
func TestTheGuideShowsTheExample(t *testing.T) {
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	// Absent where the SDK was copied out of the repository.
	source, err := os.ReadFile(filepath.Join("..", "..", "tests", "conformance", "go", "revenue", "revenue.go"))
	if err != nil {
		t.Skip("the example is not beside the SDK")
	}
	_, body, _ := strings.Cut(string(source), "package main\n")
	if !strings.Contains(string(guide), body) {
		t.Error("copy tests/conformance/go/revenue/revenue.go to the guide")
	}
}
