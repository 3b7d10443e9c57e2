package bifocal

import (
	"math"
	"reflect"
	"unsafe"
)

// States whose parts are numbers alone have one width in bytes, once every part has seen something: then
// many of them are encoded and merged at once, part by part, in short loops over packed memory. A state of
// which a part has seen nothing is shorter; it, and every state that is not of such parts, is taken by
// itself, part after part, to the same bytes.

// layout is where the numbers of a state lie in memory and in its bytes.
type layout struct {
	// width of the bytes of a state that has all that it may have.
	width   uintptr
	numbers []fixedNumber
	parts   []laidPart
	// variable: some part is not of fixed width.
	variable bool
}

type fixedNumber struct {
	// from is the offset in memory, to that in the bytes.
	from, to, width uintptr
	rule            numberRule
}

type laidPart struct {
	part
	// to is the offset in the bytes.
	to uintptr
}

// numberRule is which bytes of a number some state encodes to.
type numberRule uint8

const (
	ruleNone numberRule = iota
	// ruleOption: the byte 1 says that what follows is there.
	ruleOption
	ruleBoolean
	// ruleFloat: of all NaNs there is one.
	ruleFloat
	// ruleCountOfMean: behind the sum, which is 0 if the count is.
	ruleCountOfMean
)

// layoutOf is the layout of states made of parts; nil if they have none.
func layoutOf(whole part) *layout {
	l := &layout{}
	if l.add(whole, 0); l.variable {
		return nil
	}
	return l
}

func (l *layout) add(one part, at uintptr) {
	l.parts = append(l.parts, laidPart{one, l.width})
	one.layOut(l, at)
}

func (l *layout) number(from, width uintptr, rule numberRule) {
	l.numbers = append(l.numbers, fixedNumber{from, l.width, width, rule})
	l.width += width
}

// layOutValue adds a value of a type, which may be of no fixed width.
func layOutValue[V Value](l *layout, at uintptr) {
	rule := ruleNone
	switch representation[V]() {
	case reflect.String:
		l.variable = true
	case reflect.Float64:
		rule = ruleFloat
	case reflect.Bool:
		rule = ruleBoolean
	}
	var v V
	l.number(at, unsafe.Sizeof(v), rule)
}

// whole is how many of n states in memory, size bytes apart, have all that they may have, up to the first
// that has not.
func (l *layout) whole(states unsafe.Pointer, size uintptr, n int) int {
	for i := range l.numbers {
		if l.numbers[i].rule != ruleOption {
			continue
		}
		p := unsafe.Add(states, l.numbers[i].from)
		for one := range uintptr(n) {
			if *at[byte](unsafe.Add(p, one*size)) == 0 {
				n = int(one)
				break
			}
		}
	}
	return n
}

// encode writes n whole states, which lie size bytes apart.
func (l *layout) encode(to []byte, states unsafe.Pointer, size uintptr, n int) {
	to = to[:l.width*uintptr(n)]
	for i := range l.numbers {
		one, stride := &l.numbers[i], l.width
		p, q := unsafe.Add(unsafe.Pointer(unsafe.SliceData(to)), one.to), unsafe.Add(states, one.from)
		switch one.width {
		case 16:
			copyEach[int128](p, q, stride, size, n)
		case 8:
			if one.rule == ruleFloat {
				floatEach(p, q, stride, size, n)
			} else {
				copyEach[uint64](p, q, stride, size, n)
			}
		case 4:
			copyEach[uint32](p, q, stride, size, n)
		case 2:
			copyEach[uint16](p, q, stride, size, n)
		default:
			copyEach[uint8](p, q, stride, size, n)
		}
	}
}

// copyEach copies n numbers, which lie so far apart at either side, aligned or not.
func copyEach[T any](to, from unsafe.Pointer, toStride, fromStride uintptr, n int) {
	for i := range uintptr(n) {
		*at[T](unsafe.Add(to, i*toStride)) = *at[T](unsafe.Add(from, i*fromStride))
	}
}

func floatEach(to, from unsafe.Pointer, toStride, fromStride uintptr, n int) {
	for i := range uintptr(n) {
		*at[uint64](unsafe.Add(to, i*toStride)) = math.Float64bits(oneNaN(*at[float64](unsafe.Add(from, i*fromStride))))
	}
}

// merge merges n whole encoded states, one after the other, with later ones. False: one of them is not what
// such a state encodes to, and nothing is merged.
func (l *layout) merge(left, right []byte, n int) bool {
	size := l.width * uintptr(n)
	p, q := unsafe.Pointer(unsafe.SliceData(left[:size])), unsafe.Pointer(unsafe.SliceData(right[:size]))
	if !l.isSound(p, n) || !l.isSound(q, n) {
		return false
	}
	for i := range l.parts {
		one := &l.parts[i]
		one.mergeBytes(unsafe.Add(p, one.to), unsafe.Add(q, one.to), l.width, n)
	}
	return true
}

// isSound says whether n encoded states are what whole states encode to.
func (l *layout) isSound(states unsafe.Pointer, n int) bool {
	for i := range l.numbers {
		one := &l.numbers[i]
		wrong := false
		p := unsafe.Add(states, one.to)
		switch one.rule {
		case ruleOption:
			others := byte(0)
			for j := range uintptr(n) {
				others |= *at[byte](unsafe.Add(p, j*l.width)) ^ 1
			}
			wrong = others != 0
		case ruleBoolean:
			others := byte(0)
			for j := range uintptr(n) {
				others |= *at[byte](unsafe.Add(p, j*l.width))
			}
			wrong = others > 1
		case ruleFloat:
			for j := range uintptr(n) {
				bits := *at[uint64](unsafe.Add(p, j*l.width))
				wrong = wrong || bits&^(1<<63) > math.MaxUint64>>1&^(1<<52-1) && bits != nanBits
			}
		case ruleCountOfMean:
			for j := range uintptr(n) {
				count := unsafe.Add(p, j*l.width)
				wrong = wrong || *at[uint64](count) == 0 && *at[int128](unsafe.Add(count, -16)) != int128{}
			}
		}
		if wrong {
			return false
		}
	}
	return true
}

// run is how many states, from one on, have the width of whole ones at both sides.
func (l *layout) run(left, right []uint32, from int) int {
	width, before, other := uint32(l.width), uint32(0), uint32(0)
	if from > 0 {
		before, other = left[from-1], right[from-1]
	}
	n := from
	for ; n < len(left) && left[n]-before == width && right[n]-other == width; n++ {
		before, other = left[n], right[n]
	}
	return n - from
}
