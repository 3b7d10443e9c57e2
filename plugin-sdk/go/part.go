package bifocal

import (
	"fmt"
	"reflect"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// A state is a struct of parts, each of which accumulates lawfully: with x, y, z states of consecutive
// chunks of the log, merge is associative, (x y) z = x (y z); the zero value is its neutral element;
// and folding a ++ b into one state gives the same bytes as merging the states of a and b.
//
//	part                   keeps                                             order-free   shows
//	Count                  how many                                          yes          integer
//	Sum                    the exact sum of integers or decimals             yes          their kind
//	ExactSum               the exact sum of floats                           yes          float
//	Mean                   the exact mean of integers or decimals            yes          float
//	Min, Max               the least, the greatest value                     yes          its kind
//	AllOf, AnyOf           the same of booleans                              yes          boolean
//	First, Last            the first, the last value by event time           yes          its kind
//	FirstSeen, LastSeen    the first, the last value in the log              no           its kind
//	Quantiles              a histogram for quantiles with a stated error     yes          json
//	Set                    distinct values, exactly                          yes          their number
//	Distinct               an estimate of how many distinct values, bounded  yes          integer
//	TopK                   exact counts of values, to show the top k         yes          json
//	LastN                  the last n values by event time                   yes          json
//	Map                    a state for each key                              as its part  json
//	Ordered                a machine run in the order of the log             no           as the machine
//
// A struct in a struct of parts is a part too and shows as a JSON object.
type part interface {
	traits() traits
	// check says what is wrong with the types that the part is made of.
	check() error
	// encode appends the part's canonical bytes.
	encode(b []byte) []byte
	// decode makes a zero part the one that was encoded; what is wrong with its bytes is the reader's.
	decode(r *reader)
	// merge appends what happened later in the log: a part of the same type, which it may take apart.
	merge(later part) error
	// begin makes a zero part the one of a cell before its first event.
	begin()
	present() (datum, error)
	// layOut says where the numbers of the part lie, which lies at an offset of its state, if they are of fixed
	// width; mergeBytes merges n such parts as they are encoded, stride bytes apart, with later ones.
	layOut(l *layout, at uintptr)
	mergeBytes(left, right unsafe.Pointer, stride uintptr, n int)
}

// varied is in parts whose width in bytes varies: they are merged one by one.
type varied struct{}

func (varied) layOut(l *layout, _ uintptr) { l.variable = true }

func (varied) mergeBytes(_, _ unsafe.Pointer, _ uintptr, _ int) {}

type traits struct {
	kind      Kind
	orderFree bool
	// anchored parts distinguish having run from the beginning of their cell.
	anchored bool
	// hidden parts show nothing by themselves: a transform that has one needs a Present.
	hidden bool
}

var errAnchored = fmt.Errorf("the later state is anchored: it has run from the beginning of its cell; " +
	"merge floating states onto it")

// partAt is the part that p points to: of this package, or a struct of parts.
func partAt(p reflect.Value) (part, error) {
	if own, is := p.Interface().(part); is {
		return own, own.check()
	}
	t := p.Type().Elem()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no part of a state: see Count, Sum, Min and others", t)
	}
	whole := &structPart{traitsOf: traits{kind: KindJSON, orderFree: true}}
	for i := range t.NumField() {
		field := t.Field(i)
		if !field.IsExported() {
			return nil, fmt.Errorf("%s.%s is not exported", t, field.Name)
		}
		one, err := partAt(p.Elem().Field(i).Addr())
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		had := one.traits()
		whole.traitsOf.orderFree = whole.traitsOf.orderFree && had.orderFree
		whole.traitsOf.anchored = whole.traitsOf.anchored || had.anchored
		whole.traitsOf.hidden = whole.traitsOf.hidden || had.hidden
		whole.parts, whole.names = append(whole.parts, one), append(whole.names, columnName(field))
		whole.offsets = append(whole.offsets, field.Offset)
	}
	return whole, nil
}

// columnName is the tag `name`, else the field's name in small letters: MerchantID is merchant_id.
func columnName(field reflect.StructField) string {
	if name, ok := field.Tag.Lookup("name"); ok {
		return name
	}
	name := make([]byte, 0, len(field.Name)+4)
	inCapitals := false
	for i, r := range field.Name {
		next, _ := utf8.DecodeRuneInString(field.Name[i+utf8.RuneLen(r):])
		isCapital := unicode.IsUpper(r)
		// The last capital of several begins a word if a small letter follows it: JSONText.
		if isCapital && i > 0 && (!inCapitals || unicode.IsLower(next)) {
			name = append(name, '_')
		}
		name = utf8.AppendRune(name, unicode.ToLower(r))
		inCapitals = isCapital
	}
	return string(name)
}

// structPart is the parts of a struct, one after the other.
type structPart struct {
	traitsOf traits
	names    []string
	parts    []part
	// offsets of the parts in the struct.
	offsets []uintptr
}

func (s *structPart) traits() traits { return s.traitsOf }

func (s *structPart) encode(b []byte) []byte {
	for _, one := range s.parts {
		b = one.encode(b)
	}
	return b
}

func (s *structPart) decode(r *reader) {
	for _, one := range s.parts {
		one.decode(r)
	}
}

func (s *structPart) merge(later part) error {
	others := later.(*structPart).parts
	for i, one := range s.parts {
		if err := one.merge(others[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *structPart) check() error { return nil } // its parts were

func (s *structPart) layOut(l *layout, at uintptr) {
	for i, one := range s.parts {
		l.add(one, at+s.offsets[i])
	}
}

// mergeBytes is done by each of its parts.
func (s *structPart) mergeBytes(_, _ unsafe.Pointer, _ uintptr, _ int) {}

func (s *structPart) begin() {
	for _, one := range s.parts {
		one.begin()
	}
}

func (s *structPart) present() (datum, error) {
	b := []byte{'{'}
	for i, one := range s.parts {
		d, err := one.present()
		if err != nil {
			return d, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, s.names[i]), ':')
		b = appendDatum(b, one.traits().kind, d)
	}
	return textual(string(append(b, '}'))), nil
}

// scratch is a place for states of one type, with its parts found once: to work on a state, copy it
// there. A part is a value that may point to memory of its own, so a copy is good for reading, and for
// changing if the original is replaced by it.
type scratch[S any] struct {
	state  S
	part   part
	reader reader
}

func newScratch[S any]() (*scratch[S], error) {
	s := new(scratch[S])
	var err error
	s.part, err = partAt(reflect.ValueOf(&s.state))
	return s, err
}

func (s *scratch[S]) encode(state *S, b []byte) []byte {
	s.state = *state
	return s.part.encode(b)
}

func (s *scratch[S]) clear() {
	var zero S
	s.state = zero
}

func (s *scratch[S]) decode(r *reader) {
	s.clear()
	s.part.decode(r)
}

func (s *scratch[S]) decodeAll(b []byte) error {
	s.reader = reader{rest: b}
	s.decode(&s.reader)
	return s.reader.end()
}

func (s *scratch[S]) begin() {
	s.clear()
	s.part.begin()
}
