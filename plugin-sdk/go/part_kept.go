package bifocal

import "unsafe"

// kept is a value or none: a byte 0, or a byte 1 and the value.
type kept[V Value] struct {
	value V
	seen  bool
}

// Get is the value; false if nothing was seen.
func (k *kept[V]) Get() (V, bool) { return k.value, k.seen }

func (k *kept[V]) keep(v V) { k.value, k.seen = v, true }

func (k *kept[V]) check() error { return nil }

func (k *kept[V]) begin() {}

func (k *kept[V]) encode(b []byte) []byte {
	if !k.seen {
		return append(b, 0)
	}
	return appendValue(append(b, 1), k.value)
}

func (k *kept[V]) decode(r *reader) {
	if r.option() {
		k.keep(readValue[V](r))
	}
}

func (k *kept[V]) layOut(l *layout, at uintptr) {
	l.number(at+unsafe.Offsetof(k.seen), 1, ruleOption)
	layOutValue[V](l, at+unsafe.Offsetof(k.value))
}

func (k *kept[V]) present() (datum, error) {
	if !k.seen {
		return datum{}, nil
	}
	return datumOf(k.value)
}

// Min is the least value seen: cell.Smallest.See(order.Amount). Order-free; a byte and the value; shows
// as its kind, null if nothing was seen.
//
// Text goes by bytes; of floats -0 is below 0 and NaN above all, so a NaN is kept only if there is
// nothing else.
type Min[V Orderable] struct{ kept[V] }

// See takes a value into account.
func (m *Min[V]) See(v V) {
	kept := least(v, m.value)
	if !m.seen {
		kept = v
	}
	m.value, m.seen = kept, true
}

// least is the lesser value; of floats a NaN only if both are.
func least[V Orderable](a, b V) V {
	lesser := min(a, b)
	if a != a {
		lesser = b
	}
	if b != b {
		lesser = a
	}
	return lesser
}

func (m *Min[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	left, right = unsafe.Add(left, 1), unsafe.Add(right, 1) // behind the option
	for i := range uintptr(n) {
		value := at[V](unsafe.Add(left, i*stride))
		*value = least(*value, *at[V](unsafe.Add(right, i*stride)))
	}
}

func (m *Min[V]) traits() traits { return traits{kind: kindFor[V](), orderFree: true} }

func (m *Min[V]) merge(later part) error {
	if other := later.(*Min[V]); other.seen {
		m.See(other.value)
	}
	return nil
}

// Max is the greatest value seen: cell.Largest.See(order.Amount). Order-free; a byte and the value;
// shows as its kind, null if nothing was seen.
//
// Text goes by bytes; of floats 0 is above -0 and NaN above all, so one NaN is kept for good.
type Max[V Orderable] struct{ kept[V] }

// See takes a value into account.
func (m *Max[V]) See(v V) {
	kept := greatest(v, m.value)
	if !m.seen {
		kept = v
	}
	m.value, m.seen = kept, true
}

// greatest is the greater value; of floats a NaN if one of them is: that one, since machines make others.
func greatest[V Orderable](a, b V) V {
	greater := max(a, b)
	if a != a {
		greater = a
	}
	if b != b {
		greater = b
	}
	return greater
}

func (m *Max[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	left, right = unsafe.Add(left, 1), unsafe.Add(right, 1) // behind the option
	for i := range uintptr(n) {
		value := at[V](unsafe.Add(left, i*stride))
		*value = greatest(*value, *at[V](unsafe.Add(right, i*stride)))
	}
}

func (m *Max[V]) traits() traits { return traits{kind: kindFor[V](), orderFree: true} }

func (m *Max[V]) merge(later part) error {
	if other := later.(*Max[V]); other.seen {
		m.See(other.value)
	}
	return nil
}

// AllOf is whether all that was seen was true: the least boolean. Order-free; bytes of a [Min].
type AllOf struct{ kept[bool] }

// See takes a value into account.
func (a *AllOf) See(v bool) { a.keep(v && (!a.seen || a.value)) }

func (a *AllOf) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	for i := range uintptr(n) {
		*at[byte](unsafe.Add(left, i*stride+1)) &= *at[byte](unsafe.Add(right, i*stride+1))
	}
}

func (a *AllOf) traits() traits { return traits{kind: KindBoolean, orderFree: true} }

func (a *AllOf) merge(later part) error {
	if other := later.(*AllOf); other.seen {
		a.See(other.value)
	}
	return nil
}

// AnyOf is whether any that was seen was true: the greatest boolean. Order-free; bytes of a [Max].
type AnyOf struct{ kept[bool] }

// See takes a value into account.
func (a *AnyOf) See(v bool) { a.keep(v || a.value) }

func (a *AnyOf) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	for i := range uintptr(n) {
		*at[byte](unsafe.Add(left, i*stride+1)) |= *at[byte](unsafe.Add(right, i*stride+1))
	}
}

func (a *AnyOf) traits() traits { return traits{kind: KindBoolean, orderFree: true} }

func (a *AnyOf) merge(later part) error {
	if other := later.(*AnyOf); other.seen {
		a.See(other.value)
	}
	return nil
}

// FirstSeen is the value that came first in the log, whatever its time: cell.Status.See(order.Status).
// By log order, so not order-free; a byte and the value; shows as its kind, null if nothing was seen.
type FirstSeen[V Value] struct{ kept[V] }

// See takes a value into account.
func (f *FirstSeen[V]) See(v V) {
	if !f.seen {
		f.keep(v)
	}
}

func (f *FirstSeen[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {}

func (f *FirstSeen[V]) traits() traits { return traits{kind: kindFor[V]()} }

func (f *FirstSeen[V]) merge(later part) error {
	if !f.seen {
		f.kept = later.(*FirstSeen[V]).kept
	}
	return nil
}

// LastSeen is the value that came last in the log, whatever its time: cell.Status.See(order.Status). By
// log order, so not order-free; a byte and the value; shows as its kind, null if nothing was seen.
type LastSeen[V Value] struct{ kept[V] }

// See takes a value into account.
func (l *LastSeen[V]) See(v V) { l.keep(v) }

func (l *LastSeen[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	copyEach[V](unsafe.Add(left, 1), unsafe.Add(right, 1), stride, stride, n)
}

func (l *LastSeen[V]) traits() traits { return traits{kind: kindFor[V]()} }

func (l *LastSeen[V]) merge(later part) error {
	if other := later.(*LastSeen[V]); other.seen {
		l.kept = other.kept
	}
	return nil
}

// placed is a value with its place among all others of its cell, or none.
type placed[V Value] struct {
	time   Timestamp
	offset int64
	kept[V]
}

// Time is the event time of the value that is kept; false if nothing was seen.
func (p *placed[V]) Time() (Timestamp, bool) { return p.time, p.seen }

// Offset is the offset of the event that is kept; false if nothing was seen.
func (p *placed[V]) Offset() (int64, bool) { return p.offset, p.seen }

func (p *placed[V]) put(time Timestamp, offset int64, v V) {
	p.time, p.offset = time, offset
	p.keep(v)
}

// order of a place and a value against what is kept, of which there is some: below 0 is before it.
func (p *placed[V]) order(time Timestamp, offset int64, v V) int {
	switch {
	case time != p.time:
		return int(sign(time < p.time))
	case offset != p.offset:
		return int(sign(offset < p.offset))
	}
	return compare(v, p.value)
}

func sign(less bool) int8 {
	if less {
		return -1
	}
	return 1
}

func (p *placed[V]) encode(b []byte) []byte {
	if !p.seen {
		return append(b, 0)
	}
	b = appendUint64(appendUint64(append(b, 1), uint64(p.time)), uint64(p.offset))
	return appendValue(b, p.value)
}

func (p *placed[V]) decode(r *reader) {
	if r.option() {
		time, offset := Timestamp(r.uint64()), int64(r.uint64())
		p.put(time, offset, readValue[V](r))
	}
}

func (p *placed[V]) layOut(l *layout, at uintptr) {
	l.number(at+unsafe.Offsetof(p.seen), 1, ruleOption)
	l.number(at+unsafe.Offsetof(p.time), 8, ruleNone)
	l.number(at+unsafe.Offsetof(p.offset), 8, ruleNone)
	layOutValue[V](l, at+unsafe.Offsetof(p.value))
}

// placedAt is a value with its place as they are encoded, behind the option.
func placedAt[V Value](p unsafe.Pointer) placed[V] {
	return placed[V]{*at[Timestamp](p), *at[int64](unsafe.Add(p, 8)), kept[V]{value: *at[V](unsafe.Add(p, 16))}}
}

// copyPlaced copies a value with its place from where it is encoded to another.
func copyPlaced[V Value](to, from unsafe.Pointer) {
	*at[int128](to) = *at[int128](from)
	*at[V](unsafe.Add(to, 16)) = *at[V](unsafe.Add(from, 16))
}

// First is the value of the event with the least (event time, offset): cell.Status.See(order.Time,
// order.Offset, order.Status). Order-free; a byte, and 16 bytes and the value; shows as its kind, null if
// nothing was seen. Of two values of one event the lesser is kept.
type First[V Value] struct{ placed[V] }

// See takes a value into account: time is the event's (the input @time), offset its place in the log
// (the input @offset).
func (f *First[V]) See(time Timestamp, offset int64, v V) {
	if !f.seen || f.order(time, offset, v) < 0 {
		f.put(time, offset, v)
	}
}

func (f *First[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	left, right = unsafe.Add(left, 1), unsafe.Add(right, 1)
	for i := range uintptr(n) {
		p, q := unsafe.Add(left, i*stride), unsafe.Add(right, i*stride)
		one, other := placedAt[V](p), placedAt[V](q)
		if one.order(other.time, other.offset, other.value) < 0 {
			copyPlaced[V](p, q)
		}
	}
}

func (f *First[V]) traits() traits { return traits{kind: kindFor[V](), orderFree: true} }

func (f *First[V]) merge(later part) error {
	if other := later.(*First[V]); other.seen {
		f.See(other.time, other.offset, other.value)
	}
	return nil
}

// Last is the value of the event with the greatest (event time, offset): cell.Status.See(order.Time,
// order.Offset, order.Status). Order-free; a byte, and 16 bytes and the value; shows as its kind, null if
// nothing was seen. Of two values of one event the greater is kept.
type Last[V Value] struct{ placed[V] }

// See takes a value into account: time is the event's (the input @time), offset its place in the log
// (the input @offset).
func (l *Last[V]) See(time Timestamp, offset int64, v V) {
	if !l.seen || l.order(time, offset, v) > 0 {
		l.put(time, offset, v)
	}
}

func (l *Last[V]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	left, right = unsafe.Add(left, 1), unsafe.Add(right, 1)
	for i := range uintptr(n) {
		p, q := unsafe.Add(left, i*stride), unsafe.Add(right, i*stride)
		one, other := placedAt[V](p), placedAt[V](q)
		if one.order(other.time, other.offset, other.value) > 0 {
			copyPlaced[V](p, q)
		}
	}
}

func (l *Last[V]) traits() traits { return traits{kind: kindFor[V](), orderFree: true} }

func (l *Last[V]) merge(later part) error {
	if other := later.(*Last[V]); other.seen {
		l.See(other.time, other.offset, other.value)
	}
	return nil
}
