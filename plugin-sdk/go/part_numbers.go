package bifocal

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Count is a number of things: cell.Orders.Add(1). Order-free; 8 bytes; shows as an integer, 0 at first.
//
// It stays at 2^64 - 1 rather than wrap; already beyond 2^63 - 1 it is out of range of its column, so no
// wrong number is ever shown.
type Count struct{ n uint64 }

// Add counts n more.
func (c *Count) Add(n uint64) {
	c.n = saturate(c.n, n)
}

// Get is how many.
func (c *Count) Get() uint64 { return c.n }

func (c *Count) traits() traits         { return traits{kind: KindInteger, orderFree: true} }
func (c *Count) check() error           { return nil }
func (c *Count) encode(b []byte) []byte { return appendUint64(b, c.n) }
func (c *Count) decode(r *reader)       { c.n = r.uint64() }
func (c *Count) begin()                 {}

func (c *Count) merge(later part) error {
	c.Add(later.(*Count).n)
	return nil
}

func (c *Count) layOut(l *layout, at uintptr) { l.number(at, 8, ruleNone) }

func (c *Count) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	for i := range uintptr(n) {
		count := at[uint64](unsafe.Add(left, i*stride))
		*count = saturate(*count, *at[uint64](unsafe.Add(right, i*stride)))
	}
}

func (c *Count) present() (datum, error) { return unsigned(c.n) }

// Sum is the exact sum of integers or decimals: cell.Amount.Add(order.Amount). Order-free; 16 bytes;
// shows in the kind of what it adds, 0 at first.
//
// It holds 128 bits: each addend is below 2^64, so to overflow it takes 2^63 of them, more than an offset
// can count. A sum that does not fit the 64 bits of its column is out of range when it is shown, never
// when it is added to: what is added later may bring it back.
type Sum[T Integer] struct{ sum int128 }

// Add adds a value.
func (s *Sum[T]) Add(v T) {
	// Without branches, which cost more than what they spare.
	lo, hi := s.sum.lo+uint64(v), s.sum.hi
	if lo < uint64(v) {
		hi++
	}
	if signed := ^T(0) < 0; signed {
		hi += int64(v) >> 63
	}
	s.sum.lo, s.sum.hi = lo, hi
}

// Subtract takes back what was added: the image of a row before it changed.
func (s *Sum[T]) Subtract(v T) { s.sum = s.sum.add(widen(v).negate()) }

// Get is the sum, and whether it fits its type.
func (s *Sum[T]) Get() (T, bool) {
	v := T(s.sum.lo)
	return v, widen(v) == s.sum
}

// Units is the upper and the lower half of the sum, a two's complement number of 128 bits, in units of
// 10^-digits for decimals.
func (s *Sum[T]) Units() (hi int64, lo uint64) { return s.sum.hi, s.sum.lo }

func (s *Sum[T]) traits() traits { return traits{kind: kindFor[T](), orderFree: true} }
func (s *Sum[T]) check() error {
	if kind := kindFor[T](); kind != KindInteger && kind.tag != tagDecimal {
		return fmt.Errorf("a sum is of integers or decimals, not of the kind %s", kind)
	}
	return nil
}
func (s *Sum[T]) encode(b []byte) []byte {
	return appendUint64(appendUint64(b, s.sum.lo), uint64(s.sum.hi))
}
func (s *Sum[T]) decode(r *reader) { s.sum.lo, s.sum.hi = r.uint64(), int64(r.uint64()) }
func (s *Sum[T]) begin()           {}

func (s *Sum[T]) merge(later part) error {
	s.sum = s.sum.add(later.(*Sum[T]).sum)
	return nil
}

func (s *Sum[T]) layOut(l *layout, at uintptr) { l.number(at, 16, ruleNone) }

func (s *Sum[T]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	for i := range uintptr(n) {
		sum := at[int128](unsafe.Add(left, i*stride))
		*sum = sum.add(*at[int128](unsafe.Add(right, i*stride)))
	}
}

func (s *Sum[T]) present() (datum, error) {
	if n, fits := s.sum.int64(); fits {
		return number(n), nil
	}
	kind := kindFor[T]()
	return datum{}, outOfRange(string(appendDecimal(nil, s.sum, kind.digits)), kind)
}

// Mean is the exact mean of integers or decimals: cell.Delay.Add(flight.Delay). Order-free; 24 bytes: a
// [Sum] and a [Count]; shows as a float, null if nothing was added.
//
// It shows the double nearest to the exact quotient, ties to even.
type Mean[T Integer] struct {
	sum   Sum[T]
	count Count
}

// Add adds a value.
func (m *Mean[T]) Add(v T) {
	m.sum.Add(v)
	m.count.n++
}

// Get is the mean; false if nothing was added.
func (m *Mean[T]) Get() (float64, bool) {
	if m.count.n == 0 {
		return 0, false
	}
	// At most 2^64 x 10^18, below 2^124.
	return nearest(m.sum.sum, mul64(m.count.n, powersOf10[kindFor[T]().digits])), true
}

// Sum is the sum of what was added.
func (m *Mean[T]) Sum() Sum[T] { return m.sum }

// Count is how many were added.
func (m *Mean[T]) Count() uint64 { return m.count.n }

func (m *Mean[T]) traits() traits         { return traits{kind: KindFloat, orderFree: true} }
func (m *Mean[T]) check() error           { return m.sum.check() }
func (m *Mean[T]) encode(b []byte) []byte { return m.count.encode(m.sum.encode(b)) }
func (m *Mean[T]) begin()                 {}

func (m *Mean[T]) decode(r *reader) {
	m.sum.decode(r)
	m.count.decode(r)
	if m.count.n == 0 && m.sum.sum != (int128{}) {
		r.fail(malformed("a mean of nothing with a sum"))
	}
}

func (m *Mean[T]) merge(later part) error {
	other := later.(*Mean[T])
	m.sum.sum = m.sum.sum.add(other.sum.sum)
	m.count.Add(other.count.n)
	return nil
}

func (m *Mean[T]) layOut(l *layout, at uintptr) {
	m.sum.layOut(l, at+unsafe.Offsetof(m.sum))
	l.number(at+unsafe.Offsetof(m.count), 8, ruleCountOfMean)
}

func (m *Mean[T]) mergeBytes(left, right unsafe.Pointer, stride uintptr, n int) {
	m.sum.mergeBytes(left, right, stride, n)
	m.count.mergeBytes(unsafe.Add(left, 16), unsafe.Add(right, 16), stride, n)
}

func (m *Mean[T]) present() (datum, error) {
	if mean, ok := m.Get(); ok {
		return float(mean), nil
	}
	return datum{}, nil
}

// lengthOf is the N of a part that has a number as a type: the length of the array type A.
func lengthOf[A any]() int {
	if t := reflect.TypeFor[A](); t.Kind() == reflect.Array {
		return t.Len()
	}
	return -1
}

func checkLength[A any](least, most int, what string) error {
	if n := lengthOf[A](); n < least || n > most {
		return fmt.Errorf("%s: write the number as the length of an array type, from [%d]int to [%d]int, not %s",
			what, least, most, reflect.TypeFor[A]())
	}
	return nil
}
