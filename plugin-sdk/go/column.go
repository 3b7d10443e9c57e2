package bifocal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"
)

// Blobs is variable-width values, one after the other.
type Blobs struct {
	// Ends has one u32 a value, little-endian: value i is Bytes[end i-1 : end i], value 0 starts at 0.
	Ends []byte
	// Bytes is the values.
	Bytes []byte
}

// Len is the number of values.
func (b *Blobs) Len() int { return len(b.Ends) / 4 }

// At is value i, not copied.
func (b *Blobs) At(i int) []byte {
	from := 0
	if i > 0 {
		from = b.end(i - 1)
	}
	return b.Bytes[from:b.end(i)]
}

// Append adds a value.
func (b *Blobs) Append(value []byte) {
	b.Bytes = append(b.Bytes, value...)
	b.endOne()
}

// newBlobs is no values, with room for n of so many bytes together.
func newBlobs(n, bytes int) Blobs {
	return Blobs{uncleared[byte](4 * n)[:0], uncleared[byte](bytes)[:0]}
}

// end of value i.
func (b *Blobs) end(i int) int { return int(binary.LittleEndian.Uint32(b.Ends[4*i:])) }

// endOne ends the value that was appended to Bytes.
func (b *Blobs) endOne() { b.Ends = binary.LittleEndian.AppendUint32(b.Ends, uint32(len(b.Bytes))) }

// endEach ends n values of one width that were appended to Bytes from a place on.
func (b *Blobs) endEach(from, width, n int) {
	b.Ends = slices.Grow(b.Ends, 4*n)
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.Ends)), len(b.Ends))
	b.Ends = b.Ends[:len(b.Ends)+4*n]
	for i := range n {
		*at[uint32](unsafe.Add(p, 4*i)) = uint32(from + (i+1)*width)
	}
}

// Column is one column of rows, laid out as the contract says.
type Column struct {
	// Fixed has the values of fixed width; for text one u32 a row, an index into Heap.
	Fixed []byte
	// Heap has each distinct text once; for binary and json one value a row.
	Heap Blobs
	// Validity has bit i%8 of byte i/8 set if row i is present; empty: every row is.
	Validity []byte
}

// IsPresent says whether a row has a value.
func (c *Column) IsPresent(row int) bool { return len(c.Validity) == 0 || bit(c.Validity, row) }

func bit(bits []byte, i int) bool { return bits[i/8]>>(i%8)&1 == 1 }

// cast is the bytes as values, in place if they are aligned as a Go value must be. Machines that Go runs
// this on are little-endian, as the buffers are.
func cast[T any](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	first := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(first)%unsafe.Alignof(zero) != 0 {
		aligned := make([]T, n)
		copy(bytesOf(aligned), b)
		return aligned
	}
	return unsafe.Slice((*T)(first), n)
}

// bytesOf is the values' own memory.
func bytesOf[T any](values []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))
}

// pick is the rows at these places, in this order.
func (c *Column) pick(kind Kind, rows []int) Column {
	var picked Column
	b := newBuilder(kind)
	width := kind.width()
	for _, row := range rows {
		switch {
		case width > 0:
			picked.Fixed = append(picked.Fixed, c.Fixed[row*width:(row+1)*width]...)
		default:
			picked.Heap.Append(c.Heap.At(row))
		}
		b.endRow(c.IsPresent(row))
	}
	if kind == KindText {
		picked.Heap = c.Heap
	}
	picked.Validity = b.column.Validity
	return picked
}

// width of a value in Fixed, in bytes.
func (k Kind) width() int {
	switch k.tag {
	case tagBoolean:
		return 1
	case tagText:
		return 4
	case tagBinary, tagJSON:
		return 0
	}
	return 8
}

// datum is the value of a row.
func (c *Column) datum(kind Kind, row int) datum {
	if !c.IsPresent(row) {
		return datum{}
	}
	switch kind.tag {
	case tagBoolean:
		return number(int64(c.Fixed[row]))
	case tagText:
		return textual(string(c.Heap.At(int(binary.LittleEndian.Uint32(c.Fixed[4*row:])))))
	case tagBinary, tagJSON:
		return textual(string(c.Heap.At(row)))
	}
	return number(int64(binary.LittleEndian.Uint64(c.Fixed[8*row:])))
}

// builder makes a column row by row.
type builder struct {
	kind   Kind
	rows   int
	column Column
	// codes of the texts in the heap.
	codes map[string]uint32
}

func newBuilder(kind Kind) *builder { return &builder{kind: kind} }

func newBuilders(fields []Field) []*builder {
	builders := make([]*builder, len(fields))
	for i, field := range fields {
		builders[i] = newBuilder(field.Kind)
	}
	return builders
}

func (b *builder) push(d datum) {
	switch b.kind.tag {
	case tagBoolean:
		b.column.Fixed = append(b.column.Fixed, byte(d.number))
	case tagText:
		code := uint32(0)
		if d.present {
			code = b.code(d.text)
		}
		b.column.Fixed = binary.LittleEndian.AppendUint32(b.column.Fixed, code)
	case tagBinary, tagJSON:
		b.column.Heap.Append(stringBytes(d.text))
	default:
		b.column.Fixed = appendUint64(b.column.Fixed, uint64(d.number))
	}
	b.endRow(d.present)
}

func (b *builder) code(text string) uint32 {
	code, ok := b.codes[text]
	if !ok {
		if b.codes == nil {
			b.codes = map[string]uint32{}
		}
		code = uint32(b.column.Heap.Len())
		b.codes[text] = code
		b.column.Heap.Append(stringBytes(text))
	}
	return code
}

// endRow keeps no validity at all until a row is absent.
func (b *builder) endRow(present bool) {
	v := &b.column.Validity
	if !present && len(*v) == 0 {
		for i := range b.rows {
			if i%8 == 0 {
				*v = append(*v, 0)
			}
			(*v)[i/8] |= 1 << (i % 8)
		}
	}
	if !present || len(*v) > 0 {
		if b.rows%8 == 0 {
			*v = append(*v, 0)
		}
		if present {
			(*v)[b.rows/8] |= 1 << (b.rows % 8)
		}
	}
	b.rows++
}

func finishAll(builders []*builder) []Column {
	columns := make([]Column, len(builders))
	for i, b := range builders {
		columns[i] = b.column
	}
	return columns
}

// source is a column of a chunk, ready to be read by row.
type source struct {
	kind     Kind
	validity []byte
	// words of 8 bytes, bytes of one, codes with their texts, or ends into heap: by the kind.
	words []int64
	bytes []byte
	codes []uint32
	texts []string
	// dictionary is the texts as they came.
	dictionary Blobs
	ends       []uint32
	heap       string
}

func openSource(field Field, column *Column, rows int) (*source, error) {
	s := &source{kind: field.Kind, validity: column.Validity}
	var got int
	switch field.Kind.tag {
	case tagBoolean:
		s.bytes, got = column.Fixed, len(column.Fixed)
	case tagText:
		s.codes = cast[uint32](column.Fixed)
		s.texts, s.dictionary, got = cut(&column.Heap), column.Heap, len(s.codes)
	case tagBinary, tagJSON:
		s.ends, s.heap = cast[uint32](column.Heap.Ends), bytesString(column.Heap.Bytes)
		got = len(s.ends)
	default:
		s.words = cast[int64](column.Fixed)
		got = len(s.words)
	}
	if got != rows || len(s.validity) > 0 && len(s.validity) < (rows+7)/8 {
		return nil, fmt.Errorf("input '%s': %d values for %d rows", field.Name, got, rows)
	}
	return s, nil
}

// cut is the values of a dictionary, each in its place in the heap.
func cut(heap *Blobs) []string {
	texts, text, from := make([]string, heap.Len()), bytesString(heap.Bytes), uint32(0)
	for i, end := range cast[uint32](heap.Ends) {
		texts[i] = text[from:end]
		from = end
	}
	return texts
}

func (s *source) isPresent(row int) bool { return len(s.validity) == 0 || bit(s.validity, row) }

func (s *source) wide(row int) string {
	from := uint32(0)
	if row > 0 {
		from = s.ends[row-1]
	}
	return s.heap[from:s.ends[row]]
}
