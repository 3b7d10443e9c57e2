package bifocal

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// Events is a chunk: consecutive events of the log, without those that the host rejected or ignored.
type Events struct {
	// Times has one s64 a row, little-endian, milliseconds UTC.
	Times []byte
	// Columns are as [Description.Inputs] says.
	Columns []Column
}

// CellColumns is states by (key, window), each pair at most once.
type CellColumns struct {
	// Keys are as [Description.Keys] says.
	Keys []Column
	// Windows has one s64 a cell, empty if the window is global.
	Windows []byte
	States  Blobs
}

// Rejection is an event that the transform cannot fold.
type Rejection struct {
	// Row in the chunk.
	Row    int
	Reason string
}

// Folded is what one fold returns.
type Folded struct {
	Cells CellColumns
	// Rejected is ascending by row, each at most once.
	Rejected []Rejection
}

// Plugin is a transform as its host calls it: the four functions of the contract. A component exports the
// one that [Export] was given; natively a test calls it as it is. Each function is one of its arguments
// alone; a panic becomes its error.
type Plugin interface {
	// Describe fails if the settings, a JSON object, are not those that the transform needs.
	Describe(settings string) (Description, error)
	// Fold makes cells of events. An error throws the chunk away: the host folds its halves.
	Fold(settings string, events Events) (Folded, error)
	// Merge merges state i of left, earlier in the log, with state i of right.
	Merge(left, right Blobs) (Blobs, error)
	// Present makes one row of outputs of each state.
	Present(keys []Column, windows []byte, states Blobs) ([]Column, error)
}

// Exportable is a [Transform] or [Columns].
type Exportable interface{ plugin() (Plugin, error) }

var (
	exported Plugin
	// needsSettings: the exported transform depends on them.
	needsSettings bool
)

// Export says which transform the component is, and returns it for tests. Call it once, from a variable of
// the package or an init function: a component's main is never run.
func Export(transform Exportable) Plugin {
	exported = &configured[struct{}]{
		read:  noSettings,
		build: func(struct{}) (Exportable, error) { return transform, nil },
	}
	return exported
}

// ExportWith exports a transform that depends on settings: a struct with a field for each setting, by the
// rules of encoding/json. Settings that are not in the struct are refused.
func ExportWith[T any](build func(settings T) (Exportable, error)) Plugin {
	exported, needsSettings = &configured[T]{read: readSettings, build: build}, true
	return exported
}

// configured is a transform once its settings are known. Merging and presenting do not ask for them:
// they are those of the description.
type configured[T any] struct {
	read  func(settings string, into any) error
	build func(T) (Exportable, error)
	// made is the transform of the settings last asked for.
	made     Plugin
	settings string
}

func (c *configured[T]) make(settings string) (Plugin, error) {
	if c.made != nil && c.settings == settings {
		return c.made, nil
	}
	var read T
	if err := c.read(settings, &read); err != nil {
		return nil, err
	}
	transform, err := c.build(read)
	if err != nil {
		return nil, err
	}
	made, err := transform.plugin()
	if err != nil {
		return nil, err
	}
	c.made, c.settings = made, settings
	return made, nil
}

func (c *configured[T]) Describe(settings string) (_ Description, err error) {
	defer guard(&err)
	made, err := c.make(settings)
	if err != nil {
		return Description{}, err
	}
	return made.Describe(settings)
}

func (c *configured[T]) Fold(settings string, events Events) (_ Folded, err error) {
	defer guard(&err)
	made, err := c.make(settings)
	if err != nil {
		return Folded{}, err
	}
	return made.Fold(settings, events)
}

func (c *configured[T]) Merge(left, right Blobs) (_ Blobs, err error) {
	defer guard(&err)
	made, err := c.make(c.current())
	if err != nil {
		return Blobs{}, err
	}
	return made.Merge(left, right)
}

func (c *configured[T]) Present(keys []Column, windows []byte, states Blobs) (_ []Column, err error) {
	defer guard(&err)
	made, err := c.make(c.current())
	if err != nil {
		return nil, err
	}
	return made.Present(keys, windows, states)
}

// current settings: natively those of the last Describe or Fold.
func (c *configured[T]) current() string {
	if c.made != nil {
		return c.settings
	}
	return hostSettings()
}

// guard makes an error of a panic, with where it came from, and a line in the host's log. Addresses and
// numbers of goroutines, which differ from run to run, are not in it.
func guard(err *error) {
	reason := recover()
	if reason == nil {
		return
	}
	text := "panic: " + shownPanic(reason) + trace()
	logLine(levelError, text)
	*err = fmt.Errorf("%s", text)
}

func shownPanic(reason any) string {
	switch reason := reason.(type) {
	case error:
		return reason.Error()
	case string:
		return reason
	case fmt.Stringer:
		return reason.String()
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(reason)
	}
	return fmt.Sprintf("a %T", reason) // what %v writes of it may hold addresses
}

// trace is the calls that led to a panic, the innermost first, without those that lead to the author's.
func trace() string {
	var calls []string
	own := 0
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if frame.Function == "" || strings.HasPrefix(frame.Function, "runtime.") {
			continue
		}
		file := frame.File[strings.LastIndexByte(frame.File, '/')+1:]
		calls = append(calls, fmt.Sprintf("\n  at %s (%s:%d)", frame.Function, file, frame.Line))
		if !strings.HasPrefix(frame.Function, "bifocal") {
			own = len(calls)
		}
	}
	if own > 0 {
		calls = calls[:own]
	}
	return strings.Join(calls, "")
}

// Transform is a transform of events E, one call each, into states S by keys K.
type Transform[E any, K comparable, S any] struct {
	// Name of the transform, and what it answers, in a sentence.
	Name, Summary string
	// Window by which time is cut: [Tumbling], [Hopping], or none.
	Window Window
	// Time is the path of the event's time, TimeUnit (s, ms, us, ns) that of its epoch numbers: what a
	// stream takes that is not told otherwise.
	Time, TimeUnit string
	// Fold adds an event to cells. An error rejects it, with its text as the reason, and it leaves no
	// trace in any cell, also if it had been added to some. The verdict must be a function of the event
	// alone. A pointer to the event holds until Fold returns.
	Fold func(event *E, out *Cells[K, S]) error
	// Present is what is shown of a state, if not what its parts show themselves: see [Show].
	Present *Presenter[S]
}

func (t Transform[E, K, S]) plugin() (Plugin, error) {
	read, err := newReadPlan(reflect.TypeFor[E]())
	if err != nil {
		return nil, err
	}
	e, err := newEngine[K, S](t.Name, t.Summary, t.Window, t.Time, t.TimeUnit, t.Present)
	if err != nil {
		return nil, err
	}
	e.description.Inputs, e.description.Only = read.inputs, read.only
	e.fold = func(events Events) (Folded, error) { return foldRows(e, read, t.Fold, events) }
	return e, nil
}

// Presenter makes rows of outputs of states; [Show] makes one.
type Presenter[S any] struct {
	fields []Field
	err    error
	push   func(*S, []*builder) error
}

// Show presents states by a function of the author's: O is a struct of values and Opts, an output a field.
// An error makes the cell broken: it is not served, and all others are.
func Show[S, O any](show func(*S) (O, error)) *Presenter[S] {
	t := reflect.TypeFor[O]()
	p := &Presenter[S]{}
	var parts []keyPart
	if t.Kind() != reflect.Struct {
		p.err = fmt.Errorf("%s is no row of outputs: a struct is", t)
		return p
	}
	for i := range t.NumField() {
		field := t.Field(i)
		value, okAt, isOpt := unwrap(field.Type)
		kind, ok := kindOf(value)
		if !ok || !field.IsExported() {
			p.err = fmt.Errorf("%s.%s: %s is no exported output", t, field.Name, field.Type)
			return p
		}
		p.fields = append(p.fields, Field{Name: columnName(field), Kind: kind})
		parts = append(parts, keyPart{field.Offset, okAt, isOpt, value.Kind()})
	}
	p.push = func(state *S, columns []*builder) error {
		row, err := show(state)
		if err != nil {
			return err
		}
		for i, part := range parts {
			one, d := unsafe.Add(unsafe.Pointer(&row), part.offset), datum{}
			if !part.isOpt || *at[bool](unsafe.Add(one, part.okAt)) {
				if d, err = datumAt(part.kind, one); err != nil {
					return err
				}
			}
			columns[i].push(d)
		}
		return nil
	}
	return p
}

// engine runs the four functions over keys K and states S; how events are folded is a function of its own.
type engine[K comparable, S any] struct {
	description Description
	keys        *keyPlan
	left        *scratch[S]
	// other is asked for by right.
	other *scratch[S]
	// layout of the states, nil if their width varies.
	layout  *layout
	present *Presenter[S]
	fold    func(Events) (Folded, error)
}

func newEngine[K comparable, S any](name, summary string, window Window, time, unit string, present *Presenter[S]) (*engine[K, S], error) {
	if err := window.check(); err != nil {
		return nil, err
	}
	e := &engine[K, S]{present: present}
	var err error
	if e.left, err = newScratch[S](); err != nil {
		return nil, err
	}
	if e.keys, err = newKeyPlan(reflect.TypeFor[K]()); err != nil {
		return nil, err
	}
	e.layout = layoutOf(e.left.part)
	had := e.left.part.traits()
	if e.present == nil {
		if e.present, err = presentParts(e.left); err != nil {
			return nil, err
		}
	}
	if e.present.err != nil {
		return nil, e.present.err
	}
	e.description = Description{
		Name: name, Summary: summary, Keys: e.keys.fields, Outputs: e.present.fields, Window: window, OrderFree: had.orderFree,
	}
	if had.anchored {
		e.left.begin()
		e.description.Initial = e.left.part.encode(nil)
	}
	for _, one := range [...]Annotation{{"time", time}, {"time-unit", unit}} {
		if one.Value != "" {
			e.description.Annotations = append(e.description.Annotations, one)
		}
	}
	return e, nil
}

// presentParts shows each part of a state as an output of its name.
func presentParts[S any](s *scratch[S]) (*Presenter[S], error) {
	whole, is := s.part.(*structPart)
	if !is || s.part.traits().hidden {
		return nil, fmt.Errorf("%s shows nothing by itself: the transform needs a Present", reflect.TypeFor[S]())
	}
	p := &Presenter[S]{}
	for i, one := range whole.parts {
		p.fields = append(p.fields, Field{Name: whole.names[i], Kind: one.traits().kind})
	}
	p.push = func(state *S, columns []*builder) error {
		s.state = *state
		for i, one := range whole.parts {
			d, err := one.present()
			if err != nil {
				return err
			}
			columns[i].push(d)
		}
		return nil
	}
	return p, nil
}

func (e *engine[K, S]) Describe(string) (Description, error) { return e.description, nil }

func (e *engine[K, S]) Fold(_ string, events Events) (Folded, error) { return e.fold(events) }

func (e *engine[K, S]) Merge(left, right Blobs) (Blobs, error) {
	if left.Len() != right.Len() {
		return Blobs{}, fmt.Errorf("%d states at the left, %d at the right", left.Len(), right.Len())
	}
	out := newBlobs(left.Len(), max(len(left.Bytes), len(right.Bytes)))
	leftEnds, rightEnds := cast[uint32](left.Ends), cast[uint32](right.Ends)
	for i := 0; i < len(leftEnds); {
		if e.layout != nil {
			if n := e.layout.run(leftEnds, rightEnds, i); n > 0 && e.mergeRun(&left, &right, i, n, &out) {
				i += n
				continue
			}
		}
		if err := e.mergeOne(left.At(i), right.At(i), &out); err != nil {
			return Blobs{}, fmt.Errorf("state %d: %w", i, err)
		}
		i++
	}
	return out, nil
}

// mergeRun merges n states from one on, all of which are whole; false, and nothing was done, if one of them
// is malformed.
func (e *engine[K, S]) mergeRun(left, right *Blobs, from, n int, out *Blobs) bool {
	to := from + n - 1
	size, start := n*int(e.layout.width), len(out.Bytes)
	merged := append(out.Bytes, left.Bytes[left.end(to)-size:left.end(to)]...)
	if !e.layout.merge(merged[start:], right.Bytes[right.end(to)-size:right.end(to)], n) {
		return false
	}
	out.Bytes = merged
	out.endEach(start, int(e.layout.width), n)
	return true
}

// right is a second place for a state, which few calls need.
func (e *engine[K, S]) right() *scratch[S] {
	if e.other == nil {
		e.other, _ = newScratch[S]() // there is one for the left
	}
	return e.other
}

func (e *engine[K, S]) mergeOne(left, right []byte, out *Blobs) error {
	later := e.right()
	err := e.left.decodeAll(left)
	if err == nil {
		err = later.decodeAll(right)
	}
	if err == nil {
		err = e.left.part.merge(later.part)
	}
	if err == nil {
		out.Bytes = e.left.part.encode(out.Bytes)
		out.endOne()
	}
	return err
}

func (e *engine[K, S]) Present(_ []Column, _ []byte, states Blobs) ([]Column, error) {
	columns := newBuilders(e.present.fields)
	for i := range states.Len() {
		if err := e.left.decodeAll(states.At(i)); err != nil {
			return nil, fmt.Errorf("state %d: %w", i, err)
		}
		if err := e.present.push(&e.left.state, columns); err != nil {
			return nil, err
		}
	}
	return finishAll(columns), nil
}

// foldRows runs a function on each row, straight into the cells. Nothing is kept for undoing: if a row is
// rejected after it has asked for a cell, the chunk is folded again without the rows rejected so far,
// which leaves no trace of them by construction and costs nothing where none is.
func foldRows[E any, K comparable, S any](e *engine[K, S], plan *readPlan, fold func(*E, *Cells[K, S]) error, events Events) (Folded, error) {
	times := cast[int64](events.Times)
	reader, err := openEvents[E](plan, events.Columns, len(times))
	if err != nil {
		return Folded{}, err
	}
	var rejected []Rejection
	for {
		cells := newCells[K, S](e.keys, e.description.Window, reader.sources, len(times))
		if !foldPass(reader, cells, fold, times, e.description.OrderFree, &rejected) {
			continue
		}
		columns, err := cells.finish(e)
		return Folded{Cells: columns, Rejected: rejected}, err
	}
}

// foldPass runs all rows but those rejected, to which it adds. False: a row was rejected that had asked
// for a cell, so the cells are not clean.
func foldPass[E any, K comparable, S any](
	reader *eventReader[E], cells *Cells[K, S], fold func(*E, *Cells[K, S]) error, times []int64, orderFree bool, rejected *[]Rejection,
) bool {
	clean := true
	known := *rejected
	var added []Rejection
	hops := cells.window.hops
	if orderFree {
		hops = 1 // on panes
	}
	for from, n := 0, 0; from < len(times); from += n {
		n = reader.read(from)
		first := 0
		if reader.unfit == nil && len(known) == 0 && hops == 1 {
			// Nothing but events: as long as none is rejected.
			var err error
			if first, err = foldEvents(reader.events[:n], times[from:], cells, fold); err != nil {
				clean = clean && !cells.touched
				added = append(added, Rejection{from + first, err.Error()})
				first++
			}
		}
		for i := first; i < n; i++ {
			row := from + i
			if len(known) > 0 && known[0].Row == row {
				known = known[1:]
				continue
			}
			if reader.unfit != nil {
				if why, is := reader.unfit[row]; is {
					added = append(added, Rejection{row, why})
					continue
				}
			}
			cells.window.time, cells.touched = times[row], false
			err := fold(&reader.events[i], cells)
			for hop := int64(1); hop < hops && err == nil; hop++ {
				cells.window.hop(hop)
				err = fold(&reader.events[i], cells)
			}
			if hops > 1 {
				cells.window.hop(0)
			}
			if err != nil {
				clean = clean && !cells.touched
				added = append(added, Rejection{row, err.Error()})
			}
		}
	}
	*rejected = append(*rejected, added...)
	slices.SortFunc(*rejected, func(a, b Rejection) int { return a.Row - b.Row })
	return clean
}

// foldEvents runs a function on events up to one that it rejects, and returns of how many it took.
func foldEvents[E any, K comparable, S any](events []E, times []int64, cells *Cells[K, S], fold func(*E, *Cells[K, S]) error) (int, error) {
	times = times[:len(events)]
	for i := range events {
		cells.window.time, cells.touched = times[i], false
		if err := fold(&events[i], cells); err != nil {
			return i, err
		}
	}
	return len(events), nil
}
