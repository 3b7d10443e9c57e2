package bifocal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Integer is any integer of up to 64 bits; [Decimal] and [Timestamp] are integers too.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Orderable is any [Value] but a bool.
type Orderable interface{ Integer | ~float64 | ~string }

// Value is what columns, keys and states hold.
//
//	Go                         kind         order
//	bool                       boolean      false, true
//	int, int8 … uint64         integer      by number
//	float64                    float        IEEE 754 totalOrder; every NaN is one, the greatest
//	string                     text         by bytes
//	[Binary]                   binary       by bytes
//	[Timestamp]                timestamp    by time
//	[Decimal2] and others      decimal(2)   by number
//	[JSON]                     json         by bytes
//
// Equal values have equal bytes in a state, and only those.
type Value interface{ ~bool | Orderable }

// Binary is bytes that do not change. Convert with []byte(b) and Binary(bytes).
type Binary string

// Timestamp is milliseconds since 1970-01-01T00:00Z, without leap seconds.
type Timestamp int64

// Opt is a value that may be absent; the zero Opt is. In an event it is a field that is not required,
// in a key a part that may be absent, in an output null.
type Opt[V Value] struct {
	value V
	ok    bool
}

// Some is a value that is there.
func Some[V Value](v V) Opt[V] { return Opt[V]{v, true} }

// OptOf makes an Opt of what a Get returns.
func OptOf[V Value](v V, ok bool) Opt[V] {
	if !ok {
		return Opt[V]{}
	}
	return Opt[V]{v, true}
}

// Get is the value and whether it is there.
func (o Opt[V]) Get() (V, bool) { return o.value, o.ok }

// Or is the value, or what stands in for it.
func (o Opt[V]) Or(other V) V {
	if o.ok {
		return o.value
	}
	return other
}

func (Opt[V]) optional() {}

// unwrap is the type of what is in an Opt, with the offset of the byte that says whether it is there.
func unwrap(t reflect.Type) (value reflect.Type, okAt uintptr, isOpt bool) {
	// What is no such struct is not asked, which costs as much as a small call.
	if t.Kind() != reflect.Struct || t.NumField() != 2 {
		return t, 0, false
	}
	if _, is := reflect.Zero(t).Interface().(interface{ optional() }); !is {
		return t, 0, false
	}
	return t.Field(0).Type, t.Field(1).Offset, true
}

var (
	typeTimestamp = reflect.TypeFor[Timestamp]()
	typeBinary    = reflect.TypeFor[Binary]()
	typeJSON      = reflect.TypeFor[JSON]()
)

// kindOf is the column kind of a type of values.
func kindOf(t reflect.Type) (Kind, bool) {
	switch t {
	case typeTimestamp:
		return KindTimestamp, true
	case typeBinary:
		return KindBinary, true
	case typeJSON:
		return KindJSON, true
	}
	if t.Kind() == reflect.Int64 && t.NumMethod() > 0 {
		if d, is := reflect.Zero(t).Interface().(interface{ digits() uint8 }); is {
			return DecimalKind(d.digits()), true
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return KindBoolean, true
	case reflect.Float64:
		return KindFloat, true
	case reflect.String:
		return KindText, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return KindInteger, true
	}
	return Kind{}, false
}

func kindFor[V Value]() Kind {
	kind, _ := kindOf(reflect.TypeFor[V]())
	return kind
}

// nanBits is the one NaN that states hold: quiet, positive, no payload. Others become it on the way
// in, so that neither bytes nor order depend on the machine that computed it.
const nanBits = 0x7ff8_0000_0000_0000

func oneNaN(v float64) float64 {
	if v != v {
		return math.Float64frombits(nanBits)
	}
	return v
}

// The functions below work on any Value through its representation. A generic function has no other
// cheap way from a named type (Decimal, Timestamp) to the one that it is made of.

func representation[V Value]() reflect.Kind { return reflect.TypeFor[V]().Kind() }

func compare[V Value](a, b V) int {
	return compareAt(representation[V](), unsafe.Pointer(&a), unsafe.Pointer(&b))
}

func appendValue[V Value](b []byte, v V) []byte {
	if unsafe.Sizeof(v) == 8 && v == v { // any number of 8 bytes but a NaN, without asking which
		return binary.LittleEndian.AppendUint64(b, *at[uint64](unsafe.Pointer(&v)))
	}
	return appendAt(representation[V](), unsafe.Pointer(&v), b)
}

// readValue reads a value; its text is the reader's own memory.
func readValue[V Value](r *reader) (v V) {
	if unsafe.Sizeof(v) == 8 {
		*at[uint64](unsafe.Pointer(&v)) = r.uint64()
		if v != v && *at[uint64](unsafe.Pointer(&v)) != nanBits {
			r.fail(malformed("a NaN other than the canonical one"))
		}
		return v
	}
	readAt(reflect.TypeFor[V](), unsafe.Pointer(&v), r)
	return v
}

func datumOf[V Value](v V) (datum, error) {
	return datumAt(representation[V](), unsafe.Pointer(&v))
}

// appendJSONValue appends the value as JSON, by the rules of the host's own output.
func appendJSONValue[V Value](b []byte, v V) ([]byte, error) {
	d, err := datumOf(v)
	return appendDatum(b, kindFor[V](), d), err
}

// hashValue is XXH64 of the value's bytes, of text and binary without their length.
func hashValue[V Value](v V) uint64 {
	kind := representation[V]()
	if kind == reflect.String {
		return xxh64(stringBytes(*(*string)(unsafe.Pointer(&v))))
	}
	var buffer [8]byte
	return xxh64(appendAt(kind, unsafe.Pointer(&v), buffer[:0]))
}

// stringBytes is the text's own memory: not to be written to.
func stringBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// bytesString is the bytes' own memory: they must not change any more.
func bytesString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func at[T any](p unsafe.Pointer) *T { return (*T)(p) }

func compareAt(kind reflect.Kind, a, b unsafe.Pointer) int {
	switch kind {
	case reflect.Int64, reflect.Int:
		return cmp.Compare(*at[int64](a), *at[int64](b))
	case reflect.String:
		return strings.Compare(*at[string](a), *at[string](b))
	case reflect.Float64:
		return cmp.Compare(totalOrder(*at[float64](a)), totalOrder(*at[float64](b)))
	case reflect.Bool, reflect.Uint8:
		return cmp.Compare(*at[uint8](a), *at[uint8](b))
	case reflect.Uint16:
		return cmp.Compare(*at[uint16](a), *at[uint16](b))
	case reflect.Uint32:
		return cmp.Compare(*at[uint32](a), *at[uint32](b))
	case reflect.Uint64:
		return cmp.Compare(*at[uint64](a), *at[uint64](b))
	case reflect.Int8:
		return cmp.Compare(*at[int8](a), *at[int8](b))
	case reflect.Int16:
		return cmp.Compare(*at[int16](a), *at[int16](b))
	case reflect.Int32:
		return cmp.Compare(*at[int32](a), *at[int32](b))
	}
	panic("no value: " + kind.String())
}

// totalOrder maps doubles to integers of the same order.
func totalOrder(v float64) int64 {
	b := int64(math.Float64bits(oneNaN(v)))
	return b ^ int64(uint64(b>>63)>>1)
}

func appendAt(kind reflect.Kind, p unsafe.Pointer, b []byte) []byte {
	switch kind {
	case reflect.Int64, reflect.Int, reflect.Uint64:
		return binary.LittleEndian.AppendUint64(b, *at[uint64](p))
	case reflect.String:
		s := *at[string](p)
		return append(appendVarint(b, uint64(len(s))), s...)
	case reflect.Float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(oneNaN(*at[float64](p))))
	case reflect.Bool, reflect.Uint8, reflect.Int8:
		return append(b, *at[byte](p))
	case reflect.Uint16, reflect.Int16:
		return binary.LittleEndian.AppendUint16(b, *at[uint16](p))
	case reflect.Uint32, reflect.Int32:
		return binary.LittleEndian.AppendUint32(b, *at[uint32](p))
	}
	panic("no value: " + kind.String())
}

func readAt(t reflect.Type, p unsafe.Pointer, r *reader) {
	switch kind := t.Kind(); kind {
	case reflect.Int64, reflect.Int, reflect.Uint64:
		*at[uint64](p) = r.uint64()
	case reflect.String:
		text := bytesString(r.bytes())
		if t != typeBinary && !utf8.ValidString(text) {
			r.fail(malformed("text that is not UTF-8"))
		}
		*at[string](p) = text
	case reflect.Float64:
		v := r.uint64()
		f := math.Float64frombits(v)
		if f != f && v != nanBits {
			r.fail(malformed("a NaN other than the canonical one"))
		}
		*at[float64](p) = f
	case reflect.Bool:
		*at[bool](p) = r.bool("a boolean other than 0 and 1")
	case reflect.Uint8, reflect.Int8:
		*at[byte](p) = r.byte()
	case reflect.Uint16, reflect.Int16:
		if b := r.take(2); b != nil {
			*at[uint16](p) = binary.LittleEndian.Uint16(b)
		}
	case reflect.Uint32, reflect.Int32:
		if b := r.take(4); b != nil {
			*at[uint32](p) = binary.LittleEndian.Uint32(b)
		}
	default:
		panic("no value: " + kind.String())
	}
}

// datum is one presented value: its column's kind says how it is meant.
type datum struct {
	present bool
	// number is a boolean, an integer, a timestamp, a decimal's units, or the bits of a float.
	number int64
	text   string
}

func number(n int64) datum   { return datum{present: true, number: n} }
func textual(s string) datum { return datum{present: true, text: s} }
func float(f float64) datum {
	return datum{present: true, number: int64(math.Float64bits(oneNaN(f)))}
}

// outOfRange is a value that its column cannot hold: the host reports the cell as broken.
func outOfRange(value any, kind Kind) error {
	name := kind.String()
	if kind == KindInteger {
		name = "64-bit integer"
	}
	return fmt.Errorf("out of range: %v does not fit a %s", value, name)
}

// unsigned is a count as an integer of 64 bits.
func unsigned(n uint64) (datum, error) {
	if n > math.MaxInt64 {
		return datum{}, outOfRange(n, KindInteger)
	}
	return number(int64(n)), nil
}

func datumAt(kind reflect.Kind, p unsafe.Pointer) (datum, error) {
	switch kind {
	case reflect.String:
		return textual(*at[string](p)), nil
	case reflect.Float64:
		return float(*at[float64](p)), nil
	case reflect.Uint64:
		return unsigned(*at[uint64](p))
	}
	return number(integerAt(kind, p)), nil
}

// integerAt is a number other than a float or an unsigned one of 64 bits, or a boolean, as 64 bits.
func integerAt(kind reflect.Kind, p unsafe.Pointer) int64 {
	switch kind {
	case reflect.Int64, reflect.Int, reflect.Uint64:
		return *at[int64](p)
	case reflect.Bool, reflect.Uint8:
		return int64(*at[uint8](p))
	case reflect.Uint16:
		return int64(*at[uint16](p))
	case reflect.Uint32:
		return int64(*at[uint32](p))
	case reflect.Int8:
		return int64(*at[int8](p))
	case reflect.Int16:
		return int64(*at[int16](p))
	case reflect.Int32:
		return int64(*at[int32](p))
	}
	panic("no integer: " + kind.String())
}
