package bifocal

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// Columns is a transform that is given a chunk of events as columns, for speed: C is a struct of
// [TextColumn], [NumberColumn] and [WideColumn], with names and paths as in an event; the tag
// `optional:"true"` is for inputs that may be absent. Everything else is as in [Transform].
type Columns[C any, K comparable, S any] struct {
	Name, Summary  string
	Window         Window
	Time, TimeUnit string
	// Only, if not nil, is which events are wanted.
	Only *Filter
	// Fold adds a chunk to cells: choose rows, ask for their cells, add to these.
	//
	// [Cells.Reject] rejects a row; the chunk is then folded again without it, so it leaves no trace. An
	// error fails the chunk: the host folds its halves, down to the row that fails alone.
	Fold    func(events *C, out *Cells[K, S]) error
	Present *Presenter[S]
}

// TextColumn is texts by their numbers: row i has Texts[Codes[i]].
type TextColumn struct {
	Codes []uint32
	Texts []string
	source
}

// NumberColumn is numbers or booleans, a value a row; what an absent row has is not to be read.
type NumberColumn[V interface {
	~int64 | ~float64 | ~bool
}] struct {
	Values []V
	source
}

// WideColumn is binary or json, a value a row.
type WideColumn[V Binary | JSON] struct{ source }

// columnInput is a column of any type.
type columnInput interface {
	kindOf() (Kind, bool)
	open(s *source)
}

func (c *TextColumn) kindOf() (Kind, bool) { return KindText, true }
func (c *TextColumn) open(s *source)       { c.source, c.Codes, c.Texts = *s, s.codes, s.texts }

func (c *NumberColumn[V]) kindOf() (Kind, bool) { return kindOf(reflect.TypeFor[V]()) }
func (c *NumberColumn[V]) open(s *source) {
	c.source = *s
	if len(s.words) > 0 {
		c.Values = unsafe.Slice((*V)(unsafe.Pointer(&s.words[0])), len(s.words))
	} else if len(s.bytes) > 0 {
		c.Values = unsafe.Slice((*V)(unsafe.Pointer(&s.bytes[0])), len(s.bytes))
	}
}

func (c *WideColumn[V]) kindOf() (Kind, bool) { return kindOf(reflect.TypeFor[V]()) }
func (c *WideColumn[V]) open(s *source)       { c.source = *s }

// At is the value of a row that is present.
func (c *WideColumn[V]) At(row int) V { return V(c.wide(row)) }

// IsPresent says whether a row has a value; required ones always have.
func (s *source) IsPresent(row int) bool { return s.isPresent(row) }

// At is the text of a row that is present.
func (c *TextColumn) At(row int) string { return c.Texts[c.Codes[row]] }

// Where is the rows that have one of these texts, ascending.
func (c *TextColumn) Where(texts ...string) []int32 {
	rows := uncleared[int32](len(c.Codes) + 1)
	if len(texts) == 1 && len(c.validity) == 0 {
		code := slices.Index(c.Texts, texts[0])
		if code < 0 {
			return nil
		}
		return rows[:whereCode(c.Codes, uint32(code), rows)]
	}
	n := 0
	wanted := make([]bool, len(c.Texts))
	for code, text := range c.Texts {
		wanted[code] = slices.Contains(texts, text)
	}
	for row, code := range c.Codes {
		if c.isPresent(row) && wanted[code] {
			rows[n] = int32(row)
			n++
		}
	}
	return rows[:n]
}

// All is every row of the chunk.
func (c *Cells[K, S]) All() []int32 {
	rows := uncleared[int32](c.rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// Rows is how many events the chunk has.
func (c *Cells[K, S]) Rows() int { return c.rows }

// Times are those of the chunk's events, for a Fold of [Columns].
func (c *Cells[K, S]) Times() []Timestamp { return c.times }

// Reject rejects a row of a chunk, in a Fold of [Columns]; of several reasons the first counts.
func (c *Cells[K, S]) Reject(row int, reason string) {
	if _, known := c.rejected[row]; !known {
		c.rejected[row] = reason
	}
}

// CellAtRow is the state of the key in the window of a row's time, in a Fold of [Columns].
func (c *Cells[K, S]) CellAtRow(row int, key K) *S { return c.cellAt(int64(c.times[row]), &key) }

// CellsOf is the cells of rows, in their order, keyed by texts: one column for each field of the key,
// which are texts all. In a Fold of [Columns].
func (c *Cells[K, S]) CellsOf(rows []int32, keys ...*TextColumn) []*S {
	if len(keys) != len(c.numbers.parts) {
		panic(fmt.Sprintf("%d columns for a key of %d parts", len(keys), len(c.numbers.parts)))
	}
	if len(rows) == 0 || !c.isPlain(keys) || !c.numbers.settleOn(keys, c.rows) {
		states := make([]*S, len(rows))
		var key K
		for i, row := range rows {
			c.fill(&key, int(row), keys)
			states[i] = c.CellAtRow(int(row), key)
		}
		return states
	}
	// The codes of all columns but the last make the first part of a number.
	by := codePairs{times: cast[int64](bytesOf(c.times)), first: keys[0].Codes, last: keys[len(keys)-1].Codes}
	for i, key := range keys[1:] {
		if by.radix = uintptr(len(key.Texts)); i+2 < len(keys) {
			by.first = combine(by.first, key.Codes, uint32(by.radix))
		}
	}
	found := uncleared[uintptr](len(rows))
	states := unsafe.Slice((**S)(unsafe.Pointer(unsafe.SliceData(found))), len(found))
	tables := min(tablesMax, 1+4*c.rows/c.numbers.places)
	for i := 0; i < len(rows); i++ {
		if c.window.start == c.nowAt {
			if c.left == 0 {
				c.makeRoom()
			}
			if i += c.lookUp(&by, rows[i:], c.window.latest, c.window.reach, found[i:]); i == len(rows) {
				break
			}
		}
		row := int(rows[i])
		if time := by.times[row]; uint64(time-c.window.latest) >= c.window.reach {
			c.window.turn(time)
		}
		if c.window.start != c.nowAt && !c.turnTo(c.window.start, tables, c.numbers.places) {
			var key K
			c.fill(&key, row, keys)
			states[i] = c.find(key, -1)
			continue
		}
		number := int(uintptr(by.first[row])*by.radix + uintptr(by.last[row]))
		if c.now[number] == 0 {
			states[i] = c.numbered(number)
		} else {
			found[i] = c.now[number]
		}
	}
	return states
}

// isPlain says whether all texts are there.
func (c *Cells[K, S]) isPlain(keys []*TextColumn) bool {
	for i, key := range keys {
		if len(key.validity) > 0 || c.numbers.parts[i].isOpt {
			return false
		}
	}
	return true
}

// fill makes the key of a row.
func (c *Cells[K, S]) fill(key *K, row int, columns []*TextColumn) {
	for i, column := range columns {
		part := &c.numbers.parts[i]
		p := unsafe.Add(unsafe.Pointer(key), part.offset)
		*at[string](p) = ""
		present := column.isPresent(row)
		if present {
			*at[string](p) = column.At(row)
		}
		if part.isOpt {
			*at[bool](unsafe.Add(p, part.okAt)) = present
		}
	}
}

// settleOn makes numbers of these columns' codes; false if it would not pay.
func (n *numbers) settleOn(keys []*TextColumn, rows int) bool {
	product := 1
	for i, key := range keys {
		part := &n.parts[i]
		if part.kind != reflect.String {
			panic("a key by columns has texts alone")
		}
		if n.settled {
			if part.source.identity() != key.source.identity() {
				return false
			}
			continue
		}
		if len(key.Texts) == 0 || product > 4*rows/len(key.Texts) {
			return false
		}
		product *= len(key.Texts)
	}
	if n.settled {
		return true
	}
	for i, key := range keys {
		part := &n.parts[i]
		part.source, part.radix = &key.source, len(key.Texts)
		part.base, part.size = key.source.span()
		part.list()
	}
	n.places, n.settled, n.off = product, true, false
	return true
}

// identity tells columns apart.
func (s *source) identity() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s.codes)) }

func (t Columns[C, K, S]) plugin() (Plugin, error) {
	shape := reflect.TypeFor[C]()
	if shape.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no struct of columns", shape)
	}
	e, err := newEngine[K, S](t.Name, t.Summary, t.Window, t.Time, t.TimeUnit, t.Present)
	if err != nil {
		return nil, err
	}
	if t.Window.hops() > 1 && !e.description.OrderFree {
		return nil, errors.New("columns in windows that overlap need an order-free state: use a Transform of rows")
	}
	for i := range shape.NumField() {
		field := shape.Field(i)
		column, is := reflect.New(field.Type).Interface().(columnInput)
		if !is || !field.IsExported() {
			return nil, fmt.Errorf("%s.%s: %s is no exported column", shape, field.Name, field.Type)
		}
		kind, _ := column.kindOf()
		path, said := field.Tag.Lookup("path")
		if !said {
			path = columnName(field)
		}
		e.description.Inputs = append(e.description.Inputs, Field{
			Name: columnName(field), Path: path, Kind: kind, Required: field.Tag.Get("optional") != "true",
		})
	}
	e.description.Only = t.Only
	e.fold = func(events Events) (Folded, error) { return foldColumns(e, t.Fold, events) }
	return e, nil
}

func foldColumns[C any, K comparable, S any](e *engine[K, S], fold func(*C, *Cells[K, S]) error, events Events) (Folded, error) {
	cells, err := columnsPass(e, fold, events)
	if err != nil {
		return Folded{}, err
	}
	var rejected []Rejection
	if len(cells.rejected) > 0 {
		for row, reason := range cells.rejected {
			rejected = append(rejected, Rejection{row, reason})
		}
		slices.SortFunc(rejected, func(a, b Rejection) int { return a.Row - b.Row })
		var kept []int
		for row := range cells.rows {
			if _, is := cells.rejected[row]; !is {
				kept = append(kept, row)
			}
		}
		if cells, err = columnsPass(e, fold, events.pick(e.description.Inputs, kept)); err != nil {
			return Folded{}, err
		}
		if len(cells.rejected) > 0 {
			return Folded{}, errors.New("the transform rejects rows because of others")
		}
	}
	columns, err := cells.finish(e)
	return Folded{Cells: columns, Rejected: rejected}, err
}

func columnsPass[C any, K comparable, S any](e *engine[K, S], fold func(*C, *Cells[K, S]) error, events Events) (*Cells[K, S], error) {
	rows := len(events.Times) / 8
	sources, err := openSources(e.description.Inputs, events.Columns, rows)
	if err != nil {
		return nil, err
	}
	var columns C
	for i, s := range sources {
		reflect.ValueOf(&columns).Elem().Field(i).Addr().Interface().(columnInput).open(s)
	}
	cells := newCells[K, S](e.keys, e.description.Window, sources, rows)
	cells.times, cells.rejected = cast[Timestamp](events.Times), map[int]string{}
	// Windows that overlap are merged from panes.
	if err := fold(&columns, cells); err != nil {
		return nil, err
	}
	return cells, nil
}

// pick is the rows at these places.
func (e Events) pick(inputs []Field, rows []int) Events {
	var picked Events
	for _, row := range rows {
		picked.Times = append(picked.Times, e.Times[8*row:8*row+8]...)
	}
	for i, field := range inputs {
		picked.Columns = append(picked.Columns, e.Columns[i].pick(field.Kind, rows))
	}
	return picked
}
