package bifocal

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// Cells is where a transform puts what it has seen: one state S for each key K and window.
//
// With windows that overlap an event counts in size / slide of them. Code is the same: a function is run
// once for each of them, or, if the state is order-free, once on panes as wide as the slide, which are
// merged into windows when the chunk ends.
type Cells[K comparable, S any] struct {
	window windows
	// names has one a cell, in the order of their first events.
	names []name[K, S]
	// byKey has the cells by what their keys are; nil as long as all were found by number.
	byKey map[place[K]]*S
	// states are made in blocks that never move: a pointer to one holds until the chunk ends.
	free []S
	// now has the cells of the window by the number of their key, others those of other windows.
	now     []*S
	nowAt   int64
	others  map[int64][]*S
	numbers *numbers
	sources []*source
	rows    int
	keys    *keyPlan
	touched bool
	// times and rejected rows of a chunk that is folded by columns.
	times    []Timestamp
	rejected map[int]string
}

type name[K comparable, S any] struct {
	place[K]
	state *S
	// number of the key, below 0 if it has none.
	number int
}

// place is what tells a cell from all others.
type place[K comparable] struct {
	window int64
	key    K
}

// tablesMax is for how many windows cells are found by their number.
const tablesMax = 16

func newCells[K comparable, S any](keys *keyPlan, window Window, sources []*source, rows int) *Cells[K, S] {
	return &Cells[K, S]{
		window: newWindows(window), nowAt: math.MaxInt64,
		numbers: newNumbers(keys, rows), sources: sources, rows: rows, keys: keys,
	}
}

// Time is the event's.
func (c *Cells[K, S]) Time() Timestamp { return Timestamp(c.window.time) }

// Cell is the state of the key in the window of the event's time. The cell exists from then on, whether
// or not something is added to it.
func (c *Cells[K, S]) Cell(key K) *S { return c.cellAt(c.window.time, &key) }

// CellAt is the state of the key in the window that holds a time, for events that concern another time
// than their own: a correction, a refund of yesterday's order.
func (c *Cells[K, S]) CellAt(time Timestamp, key K) *S { return c.cellAt(int64(time), &key) }

func (c *Cells[K, S]) cellAt(time int64, key *K) *S {
	if uint64(time-c.window.latest) >= c.window.reach {
		c.window.turn(time)
	}
	c.touched = true
	if c.window.start != c.nowAt {
		if c.numbers.off || !c.turn(unsafe.Pointer(key)) {
			return c.find(*key, -1)
		}
	}
	number := c.numbers.place(unsafe.Pointer(key))
	if number < 0 {
		return c.find(*key, -1)
	}
	state := c.now[number]
	if state == nil {
		state = c.find(*key, number)
		c.now[number] = state
	}
	return state
}

// turn makes ready to find cells of the window by number, as far as there is room.
func (c *Cells[K, S]) turn(key unsafe.Pointer) bool {
	if !c.numbers.settled {
		if c.numbers.settle(key, c.sources, c.rows); !c.numbers.settled {
			return false
		}
		c.others = map[int64][]*S{}
	}
	return c.turnTo()
}

// turnTo turns to the table of the window, if it has one or there is room for it.
func (c *Cells[K, S]) turnTo() bool {
	table, known := c.others[c.window.start]
	if !known {
		if len(c.others) >= min(tablesMax, 1+4*c.rows/c.numbers.places) {
			return false
		}
		table = make([]*S, c.numbers.places)
		c.others[c.window.start] = table
	}
	c.now, c.nowAt = table, c.window.start
	return true
}

// find looks up a cell that was not found by its number.
func (c *Cells[K, S]) find(key K, number int) *S {
	if number < 0 && c.byKey == nil {
		c.byKey = make(map[place[K]]*S, len(c.names))
		for i := range c.names {
			c.byKey[c.names[i].place] = c.names[i].state
		}
	}
	at := place[K]{c.window.start, key}
	if state, known := c.byKey[at]; known {
		return state
	}
	if len(c.free) == 0 {
		c.free = make([]S, min(max(len(c.names), 16), 1024))
	}
	state := &c.free[0]
	c.free = c.free[1:]
	if c.byKey != nil {
		c.byKey[at] = state
	}
	c.names = append(c.names, name[K, S]{at, state, number})
	return state
}

// finish is the cells as columns.
func (c *Cells[K, S]) finish(scratch *scratch[S]) (CellColumns, error) {
	names := c.names
	if c.window.hops > 1 && scratch.part.traits().orderFree {
		var err error
		if names, err = c.widen(scratch); err != nil {
			return CellColumns{}, err
		}
	}
	cells := CellColumns{Keys: c.keyColumns(names)}
	cells.States.Ends = make([]byte, 0, 4*len(names))
	if !c.window.global {
		cells.Windows = make([]byte, 0, 8*len(names))
	}
	for i := range names {
		if i == 1 { // states are often all of one length
			cells.States.Bytes = slices.Grow(cells.States.Bytes, len(cells.States.Bytes)*(len(names)-1))
		}
		if !c.window.global {
			cells.Windows = appendUint64(cells.Windows, uint64(names[i].window))
		}
		cells.States.Bytes = scratch.encode(names[i].state, cells.States.Bytes)
		cells.States.end()
	}
	return cells, nil
}

func (c *Cells[K, S]) keyColumns(names []name[K, S]) []Column {
	if c.byKey == nil && c.numbers.settled {
		numbers := make([]int, len(names))
		for i := range names {
			numbers[i] = names[i].number
		}
		return c.numbers.columns(c.keys.fields, numbers)
	}
	keys := newBuilders(c.keys.fields)
	for i := range names {
		for j := range keys {
			keys[j].push(c.keys.parts[j].datum(unsafe.Pointer(&names[i].key)))
		}
	}
	return finishAll(keys)
}

// widen makes windows out of panes: each is merged into all windows that hold it. For order-free states
// only: then merging panes, in any order, is folding events.
func (c *Cells[K, S]) widen(pane *scratch[S]) ([]name[K, S], error) {
	var wide []name[K, S]
	byKey := map[place[K]]*S{}
	window, err := newScratch[S]()
	if err != nil {
		return nil, err
	}
	for _, one := range c.names {
		encoded := pane.encode(one.state, nil)
		for hop := range c.window.hops {
			// A copy of its own for each window: merging may take it apart.
			if err := pane.decodeAll(encoded); err != nil {
				return nil, err
			}
			at := place[K]{one.window - hop*c.window.slide, one.key}
			state, known := byKey[at]
			if !known {
				state = new(S)
				*state = pane.state
				byKey[at] = state
				wide = append(wide, name[K, S]{at, state, one.number})
				continue
			}
			window.state = *state
			if err := window.part.merge(pane.part); err != nil {
				return nil, err
			}
			*state = window.state
		}
	}
	return wide, nil
}

// windows goes from a time to the start of its window. Events come nearly in order, so the last window is
// usually the next one too and the division is left out.
type windows struct {
	// time of the event at hand.
	time int64
	// start of the wanted window: back before the latest one.
	start, back int64
	// latest start at or before the time that was last asked for, and how far it reaches.
	latest int64
	reach  uint64
	slide  int64
	hops   int64
	global bool
}

func newWindows(window Window) windows {
	if window.isGlobal() {
		// It holds all times; where it starts is never seen.
		return windows{start: math.MinInt64, latest: math.MinInt64, reach: math.MaxUint64, hops: 1, global: true}
	}
	return windows{reach: uint64(window.slideMs), slide: window.slideMs, hops: window.hops()}
}

// hop turns to the one of the windows that hold a time, the latest being 0.
func (w *windows) hop(hop int64) {
	w.back = hop * w.slide
	w.start = w.latest - w.back
}

// turn turns to the latest window that holds a time.
func (w *windows) turn(time int64) {
	if w.global {
		return
	}
	past := time % w.slide
	if past < 0 {
		past += w.slide
	}
	if latest := time - past; latest <= time && latest-(w.hops-1)*w.slide <= latest {
		w.latest = latest
		w.start = latest - w.back
		return
	}
	panic(fmt.Sprintf("time %d ms is too early to have a window", time))
}
