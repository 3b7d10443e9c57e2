package bifocal

import (
	"cmp"
	"iter"
	"math"
	"reflect"
	"slices"
)

// Set is the distinct values: cell.Customers.Add(order.CustomerID). Order-free; exact, so its bytes grow
// with the number of distinct values: a length, then the values in their order; shows as that number.
type Set[V Value] struct {
	varied
	values sorted[V, struct{}]
}

// Add adds a value.
func (s *Set[V]) Add(v V) { s.values.entry(v) }

// Has says whether the value was added.
func (s *Set[V]) Has(v V) bool { return s.values.get(v) != nil }

// Len is how many distinct values there are.
func (s *Set[V]) Len() int { return s.values.size }

// All is the values in their order.
func (s *Set[V]) All() iter.Seq[V] {
	return func(yield func(V) bool) {
		s.values.all(func(v V, _ *struct{}) bool { return yield(v) })
	}
}

// List is the values as a JSON list, in their order: what to show instead of their number.
func (s *Set[V]) List() (JSON, error) { return listOf(s.All()) }

func listOf[V Value](values iter.Seq[V]) (JSON, error) {
	b := []byte{'['}
	for v := range values {
		if len(b) > 1 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSONValue(b, v); err != nil {
			return "", err
		}
	}
	return JSON(append(b, ']')), nil
}

func (s *Set[V]) check() error   { return nil }
func (s *Set[V]) traits() traits { return traits{kind: KindInteger, orderFree: true} }
func (s *Set[V]) begin()         {}

func (s *Set[V]) encode(b []byte) []byte {
	b = appendVarint(b, uint64(s.values.size))
	for v := range s.All() {
		b = appendValue(b, v)
	}
	return b
}

func (s *Set[V]) decode(r *reader) {
	for range r.length() {
		v := readValue[V](r)
		if r.err != nil {
			return
		}
		if _, ascends := s.values.push(v); !ascends {
			r.fail(malformed("a set that does not ascend"))
		}
	}
}

func (s *Set[V]) merge(later part) error {
	other := later.(*Set[V])
	if s.values.size == 0 {
		*s = *other
		return nil
	}
	for v := range other.All() {
		s.Add(v)
	}
	return nil
}

func (s *Set[V]) present() (datum, error) { return number(int64(s.values.size)), nil }

// TopK is how often every value was added, and of these the most frequent, as many as the array type N
// is long: Pages TopK[string, [10]int], cell.Pages.Add(view.Page). Order-free; shows as json, a list of
// [value, count], most frequent first, of equal counts the lesser value first.
//
// It is exact: every value is counted and N only cuts what is shown, so bytes grow with the number of
// distinct values. A table of the top alone would be smaller and wrong: a value that is below the cut in
// every part of the log may be above it in the whole.
//
// Counts stay at 2^64 - 1 rather than wrap. Bytes: the number of values; for each, ascending, the value
// and its count less 1 (LEB128).
type TopK[V Value, N any] struct {
	varied
	counts sorted[V, uint64]
}

// Counted is a value and how often it was added.
type Counted[V Value] struct {
	Value V
	Count uint64
}

// Add counts the value once.
func (t *TopK[V, N]) Add(v V) { t.AddTimes(v, 1) }

// AddTimes counts the value so many times.
func (t *TopK[V, N]) AddTimes(v V, times uint64) {
	if times > 0 {
		count, _ := t.counts.entry(v)
		*count = saturate(*count, times)
	}
}

// Count is how often the value was added.
func (t *TopK[V, N]) Count(v V) uint64 {
	if count := t.counts.get(v); count != nil {
		return *count
	}
	return 0
}

// Len is how many distinct values there are.
func (t *TopK[V, N]) Len() int { return t.counts.size }

// Top is the most frequent values, most frequent first.
func (t *TopK[V, N]) Top() []Counted[V] {
	top := make([]Counted[V], 0, t.counts.size)
	t.counts.all(func(v V, count *uint64) bool {
		top = append(top, Counted[V]{v, *count})
		return true
	})
	// Stable, and ascending by value so far.
	slices.SortStableFunc(top, func(a, b Counted[V]) int { return cmp.Compare(b.Count, a.Count) })
	return top[:min(lengthOf[N](), len(top))]
}

func (t *TopK[V, N]) traits() traits { return traits{kind: KindJSON, orderFree: true} }
func (t *TopK[V, N]) check() error   { return checkLength[N](1, math.MaxInt32, "TopK") }
func (t *TopK[V, N]) begin()         {}

func (t *TopK[V, N]) encode(b []byte) []byte {
	b = appendVarint(b, uint64(t.counts.size))
	t.counts.all(func(v V, count *uint64) bool {
		b = appendVarint(appendValue(b, v), *count-1)
		return true
	})
	return b
}

// readCount reads a count less 1.
func readCount(r *reader) uint64 {
	count := r.varint()
	if count == math.MaxUint64 {
		r.fail(malformed("a count of 2^64"))
	}
	return count + 1
}

func (t *TopK[V, N]) decode(r *reader) {
	for range r.length() {
		v := readValue[V](r)
		if r.err != nil {
			return
		}
		count, ascends := t.counts.push(v)
		if !ascends {
			r.fail(malformed("counted values that do not ascend"))
			return
		}
		*count = readCount(r)
	}
}

func (t *TopK[V, N]) merge(later part) error {
	other := later.(*TopK[V, N])
	if t.counts.size == 0 {
		*t = *other
		return nil
	}
	other.counts.all(func(v V, count *uint64) bool {
		t.AddTimes(v, *count)
		return true
	})
	return nil
}

func (t *TopK[V, N]) present() (datum, error) {
	b := []byte{'['}
	for i, one := range t.Top() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSONValue(append(b, '['), one.Value); err != nil {
			return datum{}, err
		}
		count, err := unsigned(one.Count)
		if err != nil {
			return datum{}, err
		}
		b = append(appendDatum(append(b, ','), KindInteger, count), ']')
	}
	return textual(string(append(b, ']'))), nil
}

// LastN is the last values by event time, as many as the array type N is long: Recent LastN[string,
// [10]int], cell.Recent.Push(view.Time, view.Offset, view.Page). Last by (event time, offset), however
// late they arrive, so order-free; bounded, for it keeps no more; shows as json, a list, the last first.
//
// Values of one event are taken in their own order, the greatest last; a value that comes twice is kept
// twice. Bytes: the number of values; for each, first to last, time, offset and value.
type LastN[V Value, N any] struct {
	varied
	values []placed[V]
}

// Push takes a value into account: time is the event's (the input @time), offset its place in the log
// (the input @offset).
func (l *LastN[V, N]) Push(time Timestamp, offset int64, v V) {
	at := len(l.values)
	for at > 0 && l.values[at-1].order(time, offset, v) <= 0 {
		at--
	}
	var one placed[V]
	one.put(time, offset, v)
	if len(l.values) < lengthOf[N]() {
		l.values = slices.Insert(l.values, at, one)
	} else if at > 0 {
		// The first one makes room.
		copy(l.values, l.values[1:at])
		l.values[at-1] = one
	}
}

// Len is how many values are kept.
func (l *LastN[V, N]) Len() int { return len(l.values) }

// All is the values that are kept, the last one first.
func (l *LastN[V, N]) All() iter.Seq[V] {
	return func(yield func(V) bool) {
		for i := len(l.values) - 1; i >= 0 && yield(l.values[i].value); i-- {
		}
	}
}

func (l *LastN[V, N]) traits() traits { return traits{kind: KindJSON, orderFree: true} }
func (l *LastN[V, N]) check() error   { return checkLength[N](1, math.MaxInt32, "LastN") }
func (l *LastN[V, N]) begin()         {}

func (l *LastN[V, N]) encode(b []byte) []byte {
	b = appendVarint(b, uint64(len(l.values)))
	for i := range l.values {
		one := &l.values[i]
		b = appendUint64(appendUint64(b, uint64(one.time)), uint64(one.offset))
		b = appendValue(b, one.value)
	}
	return b
}

func (l *LastN[V, N]) decode(r *reader) {
	length := r.length()
	if length > lengthOf[N]() {
		r.fail(malformed("more values than the last ones that are kept"))
		return
	}
	for i := range length {
		var one placed[V]
		time, offset := Timestamp(r.uint64()), int64(r.uint64())
		one.put(time, offset, readValue[V](r))
		if i > 0 && l.values[i-1].order(one.time, one.offset, one.value) < 0 {
			r.fail(malformed("last values that do not ascend"))
		}
		if r.err != nil {
			return
		}
		l.values = append(l.values, one)
	}
}

func (l *LastN[V, N]) merge(later part) error {
	other := later.(*LastN[V, N])
	if len(l.values) == 0 {
		*l = *other
		return nil
	}
	for _, one := range other.values {
		l.Push(one.time, one.offset, one.value)
	}
	return nil
}

func (l *LastN[V, N]) present() (datum, error) {
	list, err := listOf(l.All())
	return textual(string(list)), err
}

// Map is a state for each key: ByStatus Map[string, Count], cell.ByStatus.Entry(order.Status).Add(1). S
// is a part or a struct of parts. Order-free if S is; a length, then keys and states in the order of the
// keys; shows as json: an object for text keys, else a list of [key, state].
//
// With machines in S the map is anchored itself, which a byte in front says: in an anchored map a missing
// key stands for a state at its beginning.
type Map[K Value, S any] struct {
	varied
	entries  sorted[K, S]
	anchored bool
}

// Entry is the state of the key, a fresh one if it is new. The pointer holds until the next Entry.
func (m *Map[K, S]) Entry(key K) *S {
	state, isNew := m.entries.entry(key)
	if isNew && m.anchored {
		place := scratchOf[S]()
		place.begin()
		*state = place.state
	}
	return state
}

// Get is the state of the key, nil if there is none.
func (m *Map[K, S]) Get(key K) *S { return m.entries.get(key) }

// Len is how many keys there are.
func (m *Map[K, S]) Len() int { return m.entries.size }

// All is every key with its state, in the order of the keys.
func (m *Map[K, S]) All() iter.Seq2[K, *S] { return m.entries.all }

// scratches of the states in maps, by their type.
var scratches = map[reflect.Type]any{}

func scratchOf[S any]() *scratch[S] {
	t := reflect.TypeFor[S]()
	if known, ok := scratches[t]; ok {
		return known.(*scratch[S])
	}
	made, err := newScratch[S]()
	if err != nil {
		panic(err.Error()) // refused by check, before anything is folded
	}
	scratches[t] = made
	return made
}

func (m *Map[K, S]) check() error {
	_, err := newScratch[S]()
	return err
}

func (m *Map[K, S]) traits() traits {
	inner := scratchOf[S]().part.traits()
	return traits{kind: KindJSON, orderFree: inner.orderFree, anchored: inner.anchored, hidden: inner.hidden}
}

func (m *Map[K, S]) begin() { m.anchored = scratchOf[S]().part.traits().anchored }

func (m *Map[K, S]) encode(b []byte) []byte {
	place := scratchOf[S]()
	if place.part.traits().anchored {
		b = appendBool(b, m.anchored)
	}
	b = appendVarint(b, uint64(m.entries.size))
	for key, state := range m.All() {
		b = place.encode(state, appendValue(b, key))
	}
	return b
}

func (m *Map[K, S]) decode(r *reader) {
	place := scratchOf[S]()
	if place.part.traits().anchored {
		m.anchored = r.bool("a boolean other than 0 and 1")
	}
	for range r.length() {
		key := readValue[K](r)
		if r.err != nil {
			return
		}
		state, ascends := m.entries.push(key)
		if !ascends {
			r.fail(malformed("keys that do not ascend"))
			return
		}
		place.decode(r)
		*state = place.state
	}
}

func (m *Map[K, S]) merge(later part) error {
	other := later.(*Map[K, S])
	if other.anchored {
		return errAnchored
	}
	if m.entries.size == 0 && !m.anchored {
		m.entries = other.entries
		return nil
	}
	// Merging needs two places; the one of all is enough for the other operations.
	left, right := scratchOf[S](), new(scratch[S])
	right.part, _ = partAt(reflect.ValueOf(&right.state))
	for key, state := range other.All() {
		mine := m.Entry(key)
		left.state, right.state = *mine, *state
		if err := left.part.merge(right.part); err != nil {
			return err
		}
		*mine = left.state
	}
	return nil
}

func (m *Map[K, S]) present() (datum, error) {
	place := scratchOf[S]()
	isObject := kindFor[K]() == KindText
	open, between, close := "[", ",", "]"
	b := []byte{'['}
	if isObject {
		open, between, close, b[0] = "", ":", "", '{'
	}
	for key, state := range m.All() {
		if len(b) > 1 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSONValue(append(b, open...), key); err != nil {
			return datum{}, err
		}
		place.state = *state
		d, err := place.part.present()
		if err != nil {
			return datum{}, err
		}
		b = append(appendDatum(append(b, between...), place.part.traits().kind, d), close...)
	}
	if isObject {
		return textual(string(append(b, '}'))), nil
	}
	return textual(string(append(b, ']'))), nil
}
