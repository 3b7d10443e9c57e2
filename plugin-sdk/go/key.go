package bifocal

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Keys are structs of values other than floats and JSON, one key column a field; a field that is an Opt
// may be absent, which is a value of its own. struct{} is one cell a window. Text that comes from the
// event is recognised by the number that it has in its column; text that is computed is compared.

type keyPlan struct {
	fields []Field
	parts  []keyPart
	// numbered: all parts are text or booleans, whose values have small numbers.
	numbered bool
}

type keyPart struct {
	offset, okAt uintptr
	isOpt        bool
	kind         reflect.Kind
}

func newKeyPlan(t reflect.Type) (*keyPlan, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no key: a key is a struct", t)
	}
	plan := &keyPlan{numbered: true}
	for i := range t.NumField() {
		field := t.Field(i)
		value, okAt, isOpt := unwrap(field.Type)
		kind, ok := kindOf(value)
		if !ok || kind == KindFloat || kind == KindJSON || !field.IsExported() {
			return nil, fmt.Errorf("%s.%s: %s is no exported part of a key", t, field.Name, field.Type)
		}
		plan.fields = append(plan.fields, Field{Name: columnName(field), Kind: kind})
		plan.parts = append(plan.parts, keyPart{field.Offset, okAt, isOpt, value.Kind()})
		plan.numbered = plan.numbered && (kind == KindText || kind == KindBoolean)
	}
	return plan, nil
}

// datum is a part of the key that p points to.
func (k *keyPart) datum(p unsafe.Pointer) datum {
	p = unsafe.Add(p, k.offset)
	switch {
	case k.isOpt && !*at[bool](unsafe.Add(p, k.okAt)):
		return datum{}
	case k.kind == reflect.String:
		return textual(*at[string](p))
	}
	return number(integerAt(k.kind, p))
}

// numbers makes one number of a key whose parts are text of the chunk's own columns, or booleans: cells
// are then found by arithmetic, with no hash and no comparison of text. It only speeds up: a key that it
// does not know has none, and is looked up elsewhere.
type numbers struct {
	parts []numberPart
	// settled once the dictionaries of all parts are known; off where it would not pay.
	settled, off bool
	// plain: all parts are text that is never absent.
	plain bool
	// places is how many keys there are.
	places int
	tries  int
}

type numberPart struct {
	keyPart
	// radix is how many values the part has, with one more for absent; 0 as long as it is not known.
	radix int
	// source is the column that the text is of, which lies from base on for size bytes.
	source     *source
	base, size uintptr
	// starts has the text that starts at each byte of it: its length in the upper half, its code in the
	// lower one.
	starts []uint64
	// empty is the code of the text without bytes, which may start where another does; -1 if there is none.
	empty int
}

const nothingStarts = 1<<64 - 1

// triesMax is for how many keys the dictionaries are searched that their texts are of.
const triesMax = 64

func newNumbers(plan *keyPlan, rows int) *numbers {
	n := &numbers{off: !plan.numbered || rows < 16, plain: true}
	for _, part := range plan.parts {
		one := numberPart{keyPart: part}
		if part.kind != reflect.String {
			one.radix = 2
			if part.isOpt {
				one.radix++
			}
		}
		n.plain = n.plain && part.kind == reflect.String && !part.isOpt
		n.parts = append(n.parts, one)
	}
	return n
}

// place is the number of the key that p points to, below places; below 0 if it has none.
func (n *numbers) place(p unsafe.Pointer) int {
	if !n.plain {
		return n.anyPlace(p)
	}
	place := 0
	for i := range n.parts {
		part := &n.parts[i]
		text := at[string](unsafe.Add(p, part.offset))
		from := uintptr(unsafe.Pointer(unsafe.StringData(*text))) - part.base
		if from >= uintptr(len(part.starts)) {
			return n.anyPlace(p)
		}
		start := part.starts[from]
		if start>>32 != uint64(len(*text)) {
			return n.anyPlace(p)
		}
		place = place*part.radix + int(uint32(start))
	}
	return place
}

func (n *numbers) anyPlace(p unsafe.Pointer) int {
	place := 0
	for i := range n.parts {
		part := &n.parts[i]
		digit := part.digit(unsafe.Add(p, part.offset))
		if digit < 0 {
			return -1
		}
		place = place*part.radix + digit
	}
	return place
}

func (k *numberPart) digit(p unsafe.Pointer) int {
	if k.isOpt && !*at[bool](unsafe.Add(p, k.okAt)) {
		return k.radix - 1
	}
	if k.kind != reflect.String {
		return int(*at[uint8](p))
	}
	text := *at[string](p)
	if text == "" {
		return k.empty
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(text))) - k.base
	if from < uintptr(len(k.starts)) && k.starts[from]>>32 == uint64(len(text)) {
		return int(uint32(k.starts[from]))
	}
	return -1
}

// settle looks for the dictionaries that the texts of the key are of.
func (n *numbers) settle(p unsafe.Pointer, sources []*source, rows int) {
	if n.tries++; n.tries > triesMax {
		n.off = true
		return
	}
	product := 1
	for i := range n.parts {
		part := &n.parts[i]
		if part.radix == 0 {
			part.find(*at[string](unsafe.Add(p, part.offset)), sources)
		}
		if part.radix == 0 {
			return
		}
		if product > rows/part.radix {
			n.off = true // the tables would cost more than they spare
			return
		}
		product *= part.radix
	}
	for i := range n.parts {
		n.parts[i].list()
	}
	n.places, n.settled = product, true
}

func (k *numberPart) find(text string, sources []*source) {
	if text == "" {
		return
	}
	address := uintptr(unsafe.Pointer(unsafe.StringData(text)))
	for _, s := range sources {
		if base, size := s.span(); address-base < size {
			k.source, k.base, k.size, k.radix = s, base, size, len(s.texts)
			if k.isOpt {
				k.radix++
			}
			return
		}
	}
}

// list notes where each text of the dictionary starts.
func (k *numberPart) list() {
	if k.source == nil {
		return
	}
	k.empty = -1
	k.starts = make([]uint64, k.size)
	for i := range k.starts {
		k.starts[i] = nothingStarts
	}
	for code, text := range k.source.texts {
		if text == "" {
			k.empty = code
			continue
		}
		from := uintptr(unsafe.Pointer(unsafe.StringData(text))) - k.base
		k.starts[from] = uint64(len(text))<<32 | uint64(code)
	}
}

// fill writes the key of a number to zeroed memory.
func (n *numbers) fill(p unsafe.Pointer, number int) {
	for i := len(n.parts) - 1; i >= 0; i-- {
		part := &n.parts[i]
		digit := number % part.radix
		number /= part.radix
		if part.isOpt {
			if digit == part.radix-1 {
				continue
			}
			*at[bool](unsafe.Add(p, part.offset+part.okAt)) = true
		}
		if part.source != nil {
			*at[string](unsafe.Add(p, part.offset)) = part.source.texts[digit]
		} else {
			*at[bool](unsafe.Add(p, part.offset)) = digit == 1
		}
	}
}

// columns are the key columns of keys by their numbers, with the dictionaries of the chunk. They take the
// numbers apart.
func (n *numbers) columns(fields []Field, numbers []int32) []Column {
	columns := make([]Column, len(fields))
	for i := len(fields) - 1; i >= 0; i-- {
		part := &n.parts[i]
		b := newBuilder(fields[i].Kind)
		digits, radix := uncleared[uint32](len(numbers)), uint32(part.radix)
		for row := range digits {
			next := uint32(numbers[row]) / radix
			digits[row] = uint32(numbers[row]) - next*radix
			numbers[row] = int32(next)
		}
		if part.isOpt {
			for row, digit := range digits {
				isPresent := digit != radix-1
				if b.endRow(isPresent); !isPresent {
					digits[row] = 0
				}
			}
		}
		if part.source != nil {
			b.column.Fixed, b.column.Heap = bytesOf(digits), part.source.dictionary
		} else {
			for _, digit := range digits {
				b.column.Fixed = append(b.column.Fixed, byte(digit))
			}
		}
		columns[i] = b.column
	}
	return columns
}

// span is where the texts of a column lie.
func (s *source) span() (base, size uintptr) {
	return uintptr(unsafe.Pointer(unsafe.SliceData(s.dictionary.Bytes))), uintptr(len(s.dictionary.Bytes))
}
