package bifocal

import (
	"fmt"
	"time"
)

// Kind is the type of a column, as the contract names it.
type Kind struct {
	tag    kindTag
	digits uint8
}

type kindTag uint8

// In the order of the contract's cases.
const (
	tagBoolean kindTag = iota
	tagInteger
	tagFloat
	tagText
	tagBinary
	tagTimestamp
	tagDecimal
	tagJSON
)

// The kinds of columns. A decimal has its digits after the point: see [DecimalKind].
var (
	KindBoolean   = Kind{tag: tagBoolean}
	KindInteger   = Kind{tag: tagInteger}
	KindFloat     = Kind{tag: tagFloat}
	KindText      = Kind{tag: tagText}
	KindBinary    = Kind{tag: tagBinary}
	KindTimestamp = Kind{tag: tagTimestamp}
	KindJSON      = Kind{tag: tagJSON}
)

// DecimalKind is the kind of exact decimals with so many digits after the point, 0 to 18.
func DecimalKind(digits uint8) Kind { return Kind{tagDecimal, digits} }

// String is the kind's name in the contract, with a decimal's digits.
func (k Kind) String() string {
	if k.tag == tagDecimal {
		return fmt.Sprintf("decimal(%d)", k.digits)
	}
	return [...]string{"boolean", "integer", "float", "text", "binary", "timestamp", "decimal", "json"}[k.tag]
}

// Digits is how many digits a decimal has after the point; 0 for other kinds.
func (k Kind) Digits() uint8 { return k.digits }

// Field is a column that a transform reads, is keyed by, or presents.
type Field struct {
	Name string
	// Path is where an input is found in an event; empty for keys and outputs.
	Path string
	Kind Kind
	// Required inputs are there in every event that the transform sees.
	Required bool
}

// Filter wants only events whose text at Path is one of OneOf.
type Filter struct {
	Path  string
	OneOf []string
}

// Window says how time is cut. The zero value is no window: one cell a key for all time.
type Window struct{ sizeMs, slideMs int64 }

// Tumbling windows follow each other: each time is in one of them.
func Tumbling(size time.Duration) Window { return Hopping(size, size) }

// Hopping windows overlap: they start at multiples of slide, which divides size, so each time is in
// size / slide of them.
func Hopping(size, slide time.Duration) Window {
	return Window{size.Milliseconds(), slide.Milliseconds()}
}

// Milliseconds of size and slide; 0 for no window.
func (w Window) Milliseconds() (size, slide int64) { return w.sizeMs, w.slideMs }

func (w Window) isGlobal() bool { return w == Window{} }

// hops is how many windows hold a time.
func (w Window) hops() int64 {
	if w.isGlobal() {
		return 1
	}
	return w.sizeMs / w.slideMs
}

func (w Window) check() error {
	if w.isGlobal() || w.slideMs > 0 && w.slideMs <= w.sizeMs && w.sizeMs%w.slideMs == 0 {
		return nil
	}
	return fmt.Errorf("a window of %d ms every %d ms: the slide must be above 0 and divide the size", w.sizeMs, w.slideMs)
}

// Annotation is a name and a value by which a description grows.
type Annotation struct{ Name, Value string }

// Description is all that a host knows of a transform before it runs it.
type Description struct {
	Name, Summary string
	// Inputs, Keys and Outputs are the columns of events, of cells, and of what is presented.
	Inputs, Keys, Outputs []Field
	// Only is nil if every event is wanted.
	Only   *Filter
	Window Window
	// OrderFree states may be merged in any order; else the log's order counts.
	OrderFree bool
	// Initial is the state of a cell before its first event, nil without machines.
	Initial     []byte
	Annotations []Annotation
}
