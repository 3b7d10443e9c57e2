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
	// places is how many keys there are.
	places int
	tries  int
}

type numberPart struct {
	keyPart
	// radix is how many values the part has, with one more for absent; 0 as long as it is not known.
	radix int
	// base is where the heap of the dictionary begins, starts has the text that starts at each byte of it.
	base   uintptr
	starts []start
	// empty is the code of the text without bytes, which may start where another does; -1 if there is none.
	empty int
}

// start is the code and the length of a text.
type start struct{ code, length uint32 }

const nothingStarts = 1<<32 - 1

// triesMax is for how many keys the dictionaries are searched that their texts are of.
const triesMax = 64

func newNumbers(plan *keyPlan, rows int) *numbers {
	n := &numbers{off: !plan.numbered || rows < 16}
	for _, part := range plan.parts {
		one := numberPart{keyPart: part}
		if part.kind != reflect.String {
			one.radix = 2
			if part.isOpt {
				one.radix++
			}
		}
		n.parts = append(n.parts, one)
	}
	return n
}

// place is the number of the key that p points to, below places; false if it has none.
func (n *numbers) place(p unsafe.Pointer) (int, bool) {
	place := 0
	for i := range n.parts {
		part := &n.parts[i]
		one, digit := unsafe.Add(p, part.offset), 0
		switch {
		case part.isOpt && !*at[bool](unsafe.Add(one, part.okAt)):
			digit = part.radix - 1
		case part.kind == reflect.String:
			text := *at[string](one)
			from := uintptr(unsafe.Pointer(unsafe.StringData(text))) - part.base
			if from < uintptr(len(part.starts)) && part.starts[from].length == uint32(len(text)) {
				digit = int(part.starts[from].code)
			} else if digit = part.empty; len(text) > 0 || digit < 0 {
				return 0, false
			}
		default:
			digit = int(*at[uint8](one))
		}
		place = place*part.radix + digit
	}
	return place, true
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
		if product > rows/part.radix+1 {
			n.off = true // the tables would cost more than they spare
			return
		}
		product *= part.radix
	}
	for i := range n.parts {
		n.parts[i].list(sources)
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
			k.base, k.radix = base, len(s.texts)
			if k.isOpt {
				k.radix++
			}
			return
		}
	}
}

// span is where the texts of a column lie.
func (s *source) span() (base, size uintptr) {
	if len(s.texts) == 0 {
		return 0, 0
	}
	base = uintptr(unsafe.Pointer(unsafe.StringData(s.texts[0])))
	last := s.texts[len(s.texts)-1]
	return base, uintptr(unsafe.Pointer(unsafe.StringData(last))) - base + uintptr(len(last))
}

// list notes where each text of the dictionary starts.
func (k *numberPart) list(sources []*source) {
	k.empty = -1
	for _, s := range sources {
		base, size := s.span()
		if k.kind != reflect.String || base != k.base || size == 0 {
			continue
		}
		k.starts = make([]start, size)
		for i := range k.starts {
			k.starts[i].length = nothingStarts
		}
		for code, text := range s.texts {
			if text == "" {
				k.empty = code
				continue
			}
			k.starts[uintptr(unsafe.Pointer(unsafe.StringData(text)))-base] = start{uint32(code), uint32(len(text))}
		}
		return
	}
}
