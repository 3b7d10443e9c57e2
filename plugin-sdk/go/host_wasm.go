//go:build wasip1

package bifocal

import (
	"errors"
	"runtime/debug"
	"unsafe"
)

// The component's side of the boundary: the canonical ABI of the world bifocal:transform/plugin@1.0.0, by
// hand, since no generator of bindings can be had without the network. Offsets are those of the records in
// the contract (wit/transform.wit).
//
// Memory. The host asks for memory with cabi_realloc and writes arguments to it; it reads results until it
// calls the function's cabi_post. A collector must not take either away in between, and Go's never moves
// what it keeps, so it is enough to hold on to it: in lent and lentOut.

// Called once, before any function of the contract. Measured: a call makes little garbage and an instance
// lives for few of them, so the collector waits until memory runs out, which is below the limit of 256 MiB.
func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryMax)
}

// memoryMax leaves a quarter for what the collector needs beside the heap.
const memoryMax = 192 << 20

type pointer = unsafe.Pointer

var (
	// lent is the memory of arguments.
	lent []pointer
	// lentOut is the memory of results.
	lentOut []pointer
	// result is the record that a function returns; the largest is that of describe.
	result [15]uint64
)

//go:wasmimport bifocal:transform/host@1.0.0 settings
func importSettings(result pointer)

//go:wasmimport bifocal:transform/host@1.0.0 log
func importLog(level uint32, message pointer, length uint32)

func hostSettings() string {
	var text [2]uint32
	importSettings(pointer(&text))
	return bytesString(unsafe.Slice((*byte)(pointer(uintptr(text[0]))), text[1]))
}

func hostLog(level level, message string) {
	importLog(uint32(level), pointer(unsafe.StringData(message)), uint32(len(message)))
}

//go:wasmexport cabi_realloc
func cabiRealloc(old pointer, oldSize, alignment, size uint32) pointer {
	if size == 0 {
		return pointer(uintptr(alignment))
	}
	// Always aligned to 8, so that columns are read in place; without pointers in it, as Go sees it.
	memory := pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	copy(unsafe.Slice((*byte)(memory), size), unsafe.Slice((*byte)(old), oldSize))
	lent = append(lent, memory)
	return memory
}

// lift is a list of bytes that the host wrote.
func lift(first pointer, length uint32) []byte {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(first), length)
}

func liftAt(p pointer, offset uintptr) []byte {
	list := (*[2]uint32)(unsafe.Add(p, offset))
	return lift(pointer(uintptr(list[0])), list[1])
}

// A column is four lists: fixed, the heap's ends and bytes, validity.
const columnSize = 32

func liftColumns(first pointer, length uint32) []Column {
	columns := make([]Column, length)
	for i := range columns {
		p := unsafe.Add(first, i*columnSize)
		columns[i] = Column{liftAt(p, 0), Blobs{liftAt(p, 8), liftAt(p, 16)}, liftAt(p, 24)}
	}
	return columns
}

// lower writes a list: its address and its length.
func lower(p pointer, offset uintptr, first pointer, length int) {
	list := (*[2]uint32)(unsafe.Add(p, offset))
	if length == 0 {
		list[0], list[1] = 8, 0
		return
	}
	lentOut = append(lentOut, first)
	list[0], list[1] = uint32(uintptr(first)), uint32(length)
}

func lowerBytes(p pointer, offset uintptr, b []byte) {
	lower(p, offset, pointer(unsafe.SliceData(b)), len(b))
}

func lowerText(p pointer, offset uintptr, s string) {
	lower(p, offset, pointer(unsafe.StringData(s)), len(s))
}

func lowerBlobs(p pointer, offset uintptr, b *Blobs) {
	lowerBytes(p, offset, b.Ends)
	lowerBytes(p, offset+8, b.Bytes)
}

// lowerList writes a list of records, each of so many bytes.
func lowerList[T any](p pointer, offset uintptr, size int, records []T, one func(pointer, *T)) {
	first := pointer(unsafe.SliceData(make([]uint64, (size*len(records)+7)/8)))
	for i := range records {
		one(unsafe.Add(first, i*size), &records[i])
	}
	lower(p, offset, first, len(records))
}

func lowerColumns(p pointer, offset uintptr, columns []Column) {
	lowerList(p, offset, columnSize, columns, func(p pointer, c *Column) {
		lowerBytes(p, 0, c.Fixed)
		lowerBlobs(p, 8, &c.Heap)
		lowerBytes(p, 24, c.Validity)
	})
}

func lowerFields(p pointer, offset uintptr, fields []Field) {
	lowerList(p, offset, 32, fields, func(p pointer, f *Field) {
		lowerText(p, 0, f.Name)
		lowerText(p, 8, f.Path)
		*at[kindTag](unsafe.Add(p, 16)) = f.Kind.tag
		*at[uint8](unsafe.Add(p, 20)) = f.Kind.digits
		*at[bool](unsafe.Add(p, 28)) = f.Required
	})
}

// ok is the memory of a result that is no error, with its payload at an offset.
func ok(payload uintptr) (result_, payload_ pointer) {
	clear(result[:])
	return pointer(&result), unsafe.Add(pointer(&result), payload)
}

// fail is a result that is an error.
func fail(payload uintptr, err error) pointer {
	p, text := ok(payload)
	*at[bool](p) = true
	lowerText(text, 0, err.Error())
	return p
}

var errNothing = errors.New("the plugin exports no transform: call bifocal.Export")

//go:wasmexport bifocal:transform/transform@1.0.0#describe
func wasmDescribe() pointer {
	if exported == nil {
		return fail(8, errNothing)
	}
	d, err := exported.Describe(hostSettings())
	clearLent()
	if err != nil {
		return fail(8, err)
	}
	r, p := ok(8)
	lowerText(p, 0, d.Name)
	lowerText(p, 8, d.Summary)
	lowerFields(p, 16, d.Inputs)
	lowerFields(p, 24, d.Keys)
	lowerFields(p, 32, d.Outputs)
	if d.Only != nil {
		*at[bool](unsafe.Add(p, 40)) = true
		lowerText(p, 44, d.Only.Path)
		lowerList(p, 52, 8, d.Only.OneOf, func(p pointer, text *string) { lowerText(p, 0, *text) })
	}
	if !d.Window.isGlobal() {
		*at[bool](unsafe.Add(p, 64)) = true
		*at[int64](unsafe.Add(p, 72)), *at[int64](unsafe.Add(p, 80)) = d.Window.sizeMs, d.Window.slideMs
	}
	*at[bool](unsafe.Add(p, 88)) = !d.OrderFree
	if d.Initial != nil {
		*at[bool](unsafe.Add(p, 92)) = true
		lowerBytes(p, 96, d.Initial)
	}
	lowerList(p, 104, 16, d.Annotations, func(p pointer, a *Annotation) {
		lowerText(p, 0, a.Name)
		lowerText(p, 8, a.Value)
	})
	return r
}

//go:wasmexport bifocal:transform/transform@1.0.0#fold
func wasmFold(times pointer, timesLength uint32, columns pointer, columnsLength uint32) pointer {
	if exported == nil {
		return fail(4, errNothing)
	}
	settings := "{}"
	if needsSettings {
		settings = hostSettings()
	}
	folded, err := exported.Fold(settings, Events{lift(times, timesLength), liftColumns(columns, columnsLength)})
	clearLent()
	if err != nil {
		return fail(4, err)
	}
	r, p := ok(4)
	lowerColumns(p, 0, folded.Cells.Keys)
	lowerBytes(p, 8, folded.Cells.Windows)
	lowerBlobs(p, 16, &folded.Cells.States)
	lowerList(p, 32, 12, folded.Rejected, func(p pointer, one *Rejection) {
		*at[uint32](p) = uint32(one.Row)
		lowerText(p, 4, one.Reason)
	})
	return r
}

//go:wasmexport bifocal:transform/transform@1.0.0#merge
func wasmMerge(
	leftEnds pointer, leftEndsLength uint32, left pointer, leftLength uint32,
	rightEnds pointer, rightEndsLength uint32, right pointer, rightLength uint32,
) pointer {
	if exported == nil {
		return fail(4, errNothing)
	}
	merged, err := exported.Merge(
		Blobs{lift(leftEnds, leftEndsLength), lift(left, leftLength)},
		Blobs{lift(rightEnds, rightEndsLength), lift(right, rightLength)},
	)
	clearLent()
	if err != nil {
		return fail(4, err)
	}
	r, p := ok(4)
	lowerBlobs(p, 0, &merged)
	return r
}

//go:wasmexport bifocal:transform/transform@1.0.0#present
func wasmPresent(
	keys pointer, keysLength uint32, windows pointer, windowsLength uint32,
	ends pointer, endsLength uint32, states pointer, statesLength uint32,
) pointer {
	if exported == nil {
		return fail(4, errNothing)
	}
	columns, err := exported.Present(
		liftColumns(keys, keysLength), lift(windows, windowsLength),
		Blobs{lift(ends, endsLength), lift(states, statesLength)},
	)
	clearLent()
	if err != nil {
		return fail(4, err)
	}
	r, p := ok(4)
	lowerColumns(p, 0, columns)
	return r
}

func clearLent() {
	clear(lent)
	lent = lent[:0]
}

// done gives up what was held for the host.
func done() {
	clear(lentOut)
	lentOut = lentOut[:0]
}

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#describe
func postDescribe(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#fold
func postFold(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#merge
func postMerge(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#present
func postPresent(pointer) { done() }
