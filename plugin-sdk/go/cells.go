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
	cellIndex
	// blocks have the states in the order of their first events; of the last one, unused are left. They never
	// move: a pointer to a state holds until the chunk ends.
	blocks [][]S
	// keys of the cells and byKey, the cells by what they are; only once one was not found by number.
	keys    []K
	byKey   map[place[K]]*S
	sources []*source
	rows    int
	plan    *keyPlan
	// times and rejected rows of a chunk that is folded by columns.
	times    []Timestamp
	rejected map[int]string
}

// cellIndex finds cells by the numbers of their keys. It has addresses of states, which is less work than
// pointers: the blocks keep the states, and Go never moves what it keeps.
type cellIndex struct {
	window  windows
	numbers *numbers
	// touched: the event at hand has asked for a cell.
	touched bool
	// now has the cells of the window that starts at nowAt, others those of other windows.
	now    []uintptr
	nowAt  int64
	others map[int64][]uintptr
	// starts and places of the cells: where their windows start and the numbers of their keys, -1 if none.
	starts []int64
	places []int32
	// free is the first of the states that are left in the last block, each of so many bytes.
	free, size uintptr
	left       int
	// keyed: a cell that has no number yet may be there by its key.
	keyed bool
}

// place is what tells a cell from all others.
type place[K comparable] struct {
	window int64
	key    K
}

// tablesMax is for how many windows cells are found by their number.
const tablesMax = 16

func newCells[K comparable, S any](plan *keyPlan, window Window, sources []*source, rows int) *Cells[K, S] {
	c := &Cells[K, S]{sources: sources, rows: rows, plan: plan}
	var state S
	c.cellIndex = cellIndex{window: newWindows(window), numbers: newNumbers(plan, rows), nowAt: math.MaxInt64, size: unsafe.Sizeof(state)}
	return c
}

// Time is the event's.
func (c *Cells[K, S]) Time() Timestamp { return Timestamp(c.window.time) }

// Cell is the state of the key in the window of the event's time. The cell exists from then on, whether
// or not something is added to it.
func (c *Cells[K, S]) Cell(key K) *S {
	if state := c.known(unsafe.Pointer(&key)); state != nil {
		return (*S)(state)
	}
	return c.cellAt(c.window.time, &key)
}

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
	if c.now[number] == 0 {
		return c.numbered(number)
	}
	return *at[*S](unsafe.Pointer(&c.now[number]))
}

// turn makes ready to find cells of the window by number, as far as there is room.
func (c *Cells[K, S]) turn(key unsafe.Pointer) bool {
	if !c.numbers.settled {
		if c.numbers.settle(key, c.sources, c.rows); !c.numbers.settled {
			return false
		}
	}
	return c.turnTo(c.window.start, min(tablesMax, 1+4*c.rows/c.numbers.places), c.numbers.places)
}

// turnTo turns to the table of a window, if it has one or there is room for it.
func (c *cellIndex) turnTo(start int64, tables, places int) bool {
	table, known := c.others[start]
	if !known {
		if len(c.others) >= tables {
			return false
		}
		if c.others == nil {
			c.others = map[int64][]uintptr{}
		}
		table = uncleared[uintptr](places)
		clear(table)
		c.others[start] = table
	}
	c.now, c.nowAt = table, start
	return true
}

// numbered is the cell of a number that the table at hand does not have yet.
func (c *Cells[K, S]) numbered(number int) *S {
	var state *S
	if c.keyed {
		state = c.find(c.keyOf(number), number)
	} else {
		state = c.add(number)
	}
	c.now[number] = uintptr(unsafe.Pointer(state))
	return state
}

// find looks up a cell by what its key is.
func (c *Cells[K, S]) find(key K, number int) *S {
	if !c.keyed {
		c.keyed, c.byKey = true, make(map[place[K]]*S, len(c.starts))
		for i := range c.starts {
			key := c.keyOf(int(c.places[i]))
			c.keys = append(c.keys, key)
			c.byKey[place[K]{c.starts[i], key}] = c.state(i)
		}
	}
	at := place[K]{c.window.start, key}
	if state, known := c.byKey[at]; known {
		return state
	}
	state := c.add(number)
	c.byKey[at] = state
	c.keys = append(c.keys, key)
	return state
}

// add makes a cell in the window at hand.
func (c *Cells[K, S]) add(number int) *S {
	if c.left == 0 {
		c.makeRoom()
	}
	block := c.blocks[len(c.blocks)-1]
	state := &block[len(block)-c.left]
	c.note(c.window.start, int32(number))
	return state
}

// makeRoom makes a block of states: as many as there are, but neither very few nor very many bytes.
func (c *Cells[K, S]) makeRoom() {
	size := int(max(c.size, 1))
	n := max(min(len(c.starts), 64<<10/size), 2<<10/size, 4)
	block := make([]S, n)
	c.blocks = append(c.blocks, block)
	c.free, c.left = uintptr(unsafe.Pointer(&block[0])), n
	c.starts, c.places = slices.Grow(c.starts, n), slices.Grow(c.places, n)
}

// note takes the next free state for a cell; there is room for it.
func (c *cellIndex) note(start int64, number int32) {
	c.free += c.size
	c.left--
	n := len(c.starts)
	c.starts, c.places = c.starts[:n+1], c.places[:n+1]
	c.starts[n], c.places[n] = start, number
}

// inBlock is how many states of a block are those of cells.
func (c *Cells[K, S]) inBlock(i int) []S {
	if i == len(c.blocks)-1 {
		return c.blocks[i][:len(c.blocks[i])-c.left]
	}
	return c.blocks[i]
}

// state is that of a cell.
func (c *Cells[K, S]) state(i int) *S {
	for _, block := range c.blocks {
		if i < len(block) {
			return &block[i]
		}
		i -= len(block)
	}
	panic("there is no such cell")
}

// keyOf is the key of a number.
func (c *Cells[K, S]) keyOf(number int) (key K) {
	c.numbers.fill(unsafe.Pointer(&key), number)
	return key
}

// finish is the cells as columns.
func (c *Cells[K, S]) finish(e *engine[K, S]) (CellColumns, error) {
	if c.window.hops > 1 && e.description.OrderFree {
		wide, err := c.widen(e)
		if err != nil {
			return CellColumns{}, err
		}
		c = wide
	}
	cells := CellColumns{Keys: c.keyColumns()}
	if !c.window.global {
		cells.Windows = bytesOf(c.starts)
	}
	var sample []byte // states are often all of one length
	if e.layout == nil && len(c.blocks) > 0 {
		sample = e.left.encode(&c.blocks[0][0], nil)
	}
	width := len(sample)
	if e.layout != nil {
		width = int(e.layout.width)
	}
	cells.States = newBlobs(len(c.starts), width*len(c.starts))
	for i := range c.blocks {
		e.encode(c.inBlock(i), &cells.States)
	}
	return cells, nil
}

// encode appends states, as many at once as are whole.
func (e *engine[K, S]) encode(states []S, to *Blobs) {
	var state S
	for i, n := 0, 0; i < len(states); i += n {
		if n = 0; e.layout != nil {
			n = e.layout.whole(unsafe.Pointer(&states[i]), unsafe.Sizeof(state), len(states)-i)
		}
		if n == 0 {
			n = 1
			to.Bytes = e.left.encode(&states[i], to.Bytes)
			to.endOne()
			continue
		}
		start, width := len(to.Bytes), int(e.layout.width)
		to.Bytes = slices.Grow(to.Bytes, n*width)[:start+n*width]
		e.layout.encode(to.Bytes[start:], unsafe.Pointer(&states[i]), unsafe.Sizeof(state), n)
		to.endEach(start, width, n)
	}
}

func (c *Cells[K, S]) keyColumns() []Column {
	if !c.keyed && c.numbers.settled {
		return c.numbers.columns(c.plan.fields, c.places)
	}
	keys := newBuilders(c.plan.fields)
	for i := range c.keys {
		for j := range keys {
			keys[j].push(c.plan.parts[j].datum(unsafe.Pointer(&c.keys[i])))
		}
	}
	return finishAll(keys)
}

// widen makes windows out of panes: each is merged into all windows that hold it. For order-free states
// only: then merging panes, in any order, is folding events.
func (c *Cells[K, S]) widen(e *engine[K, S]) (*Cells[K, S], error) {
	wide := &Cells[K, S]{plan: c.plan, cellIndex: cellIndex{window: c.window, numbers: c.numbers, size: c.size}}
	pane, window := e.left, e.right()
	for i, start := range c.starts {
		state := c.state(i)
		var encoded []byte
		if e.layout == nil {
			encoded = pane.encode(state, nil)
		}
		var key K
		if c.keyed {
			key = c.keys[i]
		} else {
			key = c.keyOf(int(c.places[i]))
		}
		for hop := range c.window.hops {
			if e.layout != nil {
				pane.state = *state
			} else if err := pane.decodeAll(encoded); err != nil { // a copy of its own for each window: merging may take it apart
				return nil, err
			}
			wide.window.start = start - hop*c.window.slide
			cells := len(wide.starts)
			into := wide.find(key, -1)
			if len(wide.starts) > cells {
				*into = pane.state
				continue
			}
			window.state = *into
			if err := window.part.merge(pane.part); err != nil {
				return nil, err
			}
			*into = window.state
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
