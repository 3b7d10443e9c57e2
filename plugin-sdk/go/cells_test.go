package bifocal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A chunk of sales by up to three texts, some of which may be absent.
type sale struct {
	A, B   string
	C      Opt[string]
	Amount int64
}

type saleColumns struct {
	A, B   TextColumn
	C      TextColumn `optional:"true"`
	Amount NumberColumn[int64]
}

type saleKey struct {
	A, B string
	C    Opt[string]
}

type pairKey struct{ A, B string }

type oneKey struct{ A string }

type sales struct {
	Count Count
	Sum   Sum[int64]
	Least Min[int64]
}

func (s *sales) add(amount int64) {
	s.Count.Add(1)
	s.Sum.Add(amount)
	s.Least.See(amount)
}

// someSales is a chunk: times of both signs, amounts at the limits of 64 bits, dictionaries that hold more
// than is used.
func someSales(random *rand.Rand, rows int, absent bool) Events {
	inputs := []*builder{newBuilder(KindText), newBuilder(KindText), newBuilder(KindText), newBuilder(KindInteger)}
	inputs[0].code("unused")
	var times []byte
	spread, texts := 1+random.Int64N(400), 1+random.IntN(30)
	for range rows {
		times = appendUint64(times, uint64(random.Int64N(spread)-spread/2))
		inputs[0].push(textual(fmt.Sprint("a", random.IntN(texts))))
		inputs[1].push(textual([]string{"", "b", "é"}[random.IntN(3)]))
		c := textual(fmt.Sprint("c", random.IntN(2)))
		if absent && random.IntN(3) == 0 {
			c = datum{}
		}
		inputs[2].push(c)
		amounts := []int64{math.MaxInt64, math.MinInt64, 0, -1, random.Int64() >> random.IntN(64)}
		inputs[3].push(number(amounts[random.IntN(len(amounts))]))
	}
	return Events{times, finishAll(inputs)}
}

// shownCells is cells as a list of texts, in an order of their own.
func shownCells(t *testing.T, plugin Plugin, events Events) []string {
	t.Helper()
	folded, err := plugin.Fold("{}", events)
	if err != nil {
		t.Fatal(err)
	}
	description, _ := plugin.Describe("{}")
	var shown []string
	for row := range folded.Cells.States.Len() {
		var text []byte
		for i, field := range description.Keys {
			text = append(appendDatum(text, field.Kind, folded.Cells.Keys[i].datum(field.Kind, row)), ' ')
		}
		if len(folded.Cells.Windows) > 0 {
			text = fmt.Append(text, cast[int64](folded.Cells.Windows)[row])
		}
		shown = append(shown, fmt.Sprintf("%s %x", text, folded.Cells.States.At(row)))
	}
	slices.Sort(shown)
	if len(slices.Compact(slices.Clone(shown))) != len(shown) {
		t.Fatal("a cell is there twice")
	}
	return shown
}

// plainCells is what a loop with a map makes of the events, by texts of keys.
func plainCells(events Events, window Window, key func(a, b, c datum) []datum) []string {
	states := map[string]*sales{}
	for row := range len(events.Times) / 8 {
		at := func(i int, kind Kind) datum { return events.Columns[i].datum(kind, row) }
		var text []byte
		for _, d := range key(at(0, KindText), at(1, KindText), at(2, KindText)) {
			text = append(appendDatum(text, KindText, d), ' ')
		}
		for hop := range window.hops() {
			cell := text
			if !window.isGlobal() {
				time := cast[int64](events.Times)[row]
				start := time - (time%window.slideMs+window.slideMs)%window.slideMs - hop*window.slideMs
				cell = fmt.Append(slices.Clone(text), start)
			}
			state := states[string(cell)]
			if state == nil {
				state = &sales{}
				states[string(cell)] = state
			}
			state.add(at(3, KindInteger).number)
		}
	}
	var shown []string
	for cell, state := range states {
		bytes := state.Least.encode(state.Sum.encode(state.Count.encode(nil)))
		shown = append(shown, fmt.Sprintf("%s %x", cell, bytes))
	}
	slices.Sort(shown)
	return shown
}

// salesBy folds sales by a key, event by event and by columns.
func salesBy[K comparable](window Window, key func(*sale) K, columns func(*saleColumns) []*TextColumn) (rows, byColumns Plugin) {
	rows = Export(Transform[sale, K, sales]{Window: window, Fold: func(one *sale, out *Cells[K, sales]) error {
		out.Cell(key(one)).add(one.Amount)
		return nil
	}})
	byColumns = Export(Columns[saleColumns, K, sales]{Window: window, Fold: func(in *saleColumns, out *Cells[K, sales]) error {
		all := out.All()
		for _, half := range [][]int32{all[:len(all)/2], all[len(all)/2:]} {
			for i, cell := range out.CellsOf(half, columns(in)...) {
				cell.add(in.Amount.Values[half[i]])
			}
		}
		return nil
	}})
	return rows, byColumns
}

func TestCellsAreThoseOfAPlainLoop(t *testing.T) {
	windows := []Window{{}, Tumbling(7 * time.Millisecond), Tumbling(100 * time.Millisecond), Hopping(30*time.Millisecond, 10*time.Millisecond)}
	for i, window := range windows {
		one, oneByColumns := salesBy(window, func(s *sale) oneKey { return oneKey{s.A} },
			func(in *saleColumns) []*TextColumn { return []*TextColumn{&in.A} })
		pair, pairByColumns := salesBy(window, func(s *sale) pairKey { return pairKey{s.A, s.B} },
			func(in *saleColumns) []*TextColumn { return []*TextColumn{&in.A, &in.B} })
		computed, _ := salesBy(window, func(s *sale) pairKey { // now and then a text that is no column's own
			if s.Amount%2 == 0 {
				return pairKey{strings.Clone(s.A), s.B}
			}
			return pairKey{s.A, s.B}
		}, nil)
		three, threeByColumns := salesBy(window, func(s *sale) saleKey { return saleKey{s.A, s.B, s.C} },
			func(in *saleColumns) []*TextColumn { return []*TextColumn{&in.A, &in.B, &in.C} })
		random := rand.New(rand.NewPCG(31, uint64(i)))
		for round := range 60 {
			events := someSales(random, []int{0, 1, 5, 40, 900}[round%5], round%2 == 0)
			for name, folds := range map[string]struct {
				plugins []Plugin
				key     func(a, b, c datum) []datum
			}{
				"one":   {[]Plugin{one, oneByColumns}, func(a, _, _ datum) []datum { return []datum{a} }},
				"pair":  {[]Plugin{pair, pairByColumns, computed}, func(a, b, _ datum) []datum { return []datum{a, b} }},
				"three": {[]Plugin{three, threeByColumns}, func(a, b, c datum) []datum { return []datum{a, b, c} }},
			} {
				want := plainCells(events, window, folds.key)
				for j, plugin := range folds.plugins {
					if got := shownCells(t, plugin, events); !slices.Equal(got, want) {
						t.Fatalf("window %v, key %s, way %d, %d rows:\n%s\nnot\n%s", window, name, j, len(events.Times)/8,
							strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			}
		}
	}
}

func TestPlainKeysByThreeColumnsAreCombined(t *testing.T) {
	type key struct{ A, B, C string }
	type three struct {
		A, B, C TextColumn
		Amount  NumberColumn[int64]
	}
	plugin := Export(Columns[three, key, sales]{Window: Tumbling(50 * time.Millisecond), Fold: func(in *three, out *Cells[key, sales]) error {
		rows := out.All()
		for i, cell := range out.CellsOf(rows, &in.A, &in.B, &in.C) {
			cell.add(in.Amount.Values[rows[i]])
		}
		return nil
	}})
	random := rand.New(rand.NewPCG(32, 1))
	for range 20 {
		events := someSales(random, 500, false)
		want := plainCells(events, Tumbling(50*time.Millisecond), func(a, b, c datum) []datum { return []datum{a, b, c} })
		if got := shownCells(t, plugin, events); !slices.Equal(got, want) {
			t.Fatalf("%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestRowsThatHaveACodeAreFound(t *testing.T) {
	random := rand.New(rand.NewPCG(33, 1))
	for range 500 {
		codes := make([]uint32, random.IntN(40))
		var want []int32
		for i := range codes {
			if codes[i] = uint32(random.IntN(3)); codes[i] == 1 {
				want = append(want, int32(i))
			}
		}
		rows := make([]int32, len(codes)+1)
		if got := rows[:whereCode(codes, 1, rows)]; !slices.Equal(got, want) {
			t.Fatalf("%v of %v", got, codes)
		}
	}
}

func TestARowThatThereIsNotIsAnError(t *testing.T) {
	events := someSales(rand.New(rand.NewPCG(34, 1)), 100, false)
	for _, row := range []int32{100, -1, math.MaxInt32, math.MinInt32} {
		plugin := Columns[saleColumns, pairKey, sales]{Fold: func(in *saleColumns, out *Cells[pairKey, sales]) error {
			defer func() {
				if recover() == nil {
					t.Errorf("row %d has a cell", row)
				}
			}()
			out.CellsOf([]int32{1, 2, row, 3}, &in.A, &in.B)
			return nil
		}}
		if _, err := Export(plugin).Fold("{}", events); err != nil {
			t.Error(err)
		}
	}
}

// A rejected event leaves no trace, whether its key is of texts alone or not.
func TestRejectedEventsLeaveNoTraceInAnyCell(t *testing.T) {
	leavesNoTrace(t, func(s *sale) pairKey { return pairKey{s.A, s.B} })
	leavesNoTrace(t, func(s *sale) saleKey { return saleKey{s.A, s.B, s.C} })
}

func leavesNoTrace[K comparable](t *testing.T, key func(*sale) K) {
	t.Helper()
	random := rand.New(rand.NewPCG(35, 1))
	refused := func(amount int64) bool { return amount%5 == 0 }
	fold := Export(Transform[sale, K, sales]{Window: Tumbling(90 * time.Millisecond), Fold: func(one *sale, out *Cells[K, sales]) error {
		if early := refused(one.Amount) && one.Amount%2 == 0; !early {
			out.Cell(key(one)).add(one.Amount)
		}
		if refused(one.Amount) {
			return fmt.Errorf("refused: %d", one.Amount)
		}
		return nil
	}})
	description, _ := fold.Describe("{}")
	for round := range 40 {
		events := someSales(random, 700, true)
		if amounts := cast[int64](events.Columns[3].Fixed); round%2 == 0 { // the last one alone, which asked for a cell
			for row, amount := range amounts {
				if refused(amount) {
					amounts[row] = 6
				}
			}
			amounts[len(amounts)-1] = 5
		}
		var kept []int
		var want []Rejection
		for row, amount := range cast[int64](events.Columns[3].Fixed) {
			if refused(amount) {
				want = append(want, Rejection{row, fmt.Sprintf("refused: %d", amount)})
			} else {
				kept = append(kept, row)
			}
		}
		folded, err := fold.Fold("{}", events)
		if err != nil || !slices.Equal(folded.Rejected, want) {
			t.Fatal(err, folded.Rejected, want)
		}
		rest := events.pick(description.Inputs, kept)
		if got, want := shownCells(t, fold, events), shownCells(t, fold, rest); !slices.Equal(got, want) {
			t.Fatalf("%v, not %v", got, want)
		}
	}
}
