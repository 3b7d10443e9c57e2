//go:build wasip1

package bifocal

import (
	"errors"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// The component's side of the boundary: the canonical ABI of the world bifocal:transform/plugin@1.0.0, by
// hand, since no generator of bindings can be had without the network. Offsets are those of the records in
// the contract (wit/transform.wit).
//
// Memory. The host asks for memory with cabi_realloc and writes arguments to it; it reads results until it
// calls the function's cabi_post. All of that, and what a call computes with on the way, has no pointers in
// it and is taken from one arena that starts anew with the next call: nothing is cleared, collected or, in
// an instance that is used again, asked for twice. Results that Go itself allocated are held in lentOut: its
// collector never moves what it keeps.

// Called once, before any function of the contract. An instance that lives for one call makes no more
// garbage than fits, so the collector runs between calls alone (see collect), and within one only where
// memory runs out, which is below the limit of 256 MiB.
func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryMax)
}

const (
	// memoryMax leaves a quarter for what the collector needs beside the heap.
	memoryMax = 192 << 20
	// garbageMax is how much may lie about between calls.
	garbageMax = 8 << 20
	// lentMax is after how many bytes of arguments the garbage is looked at, which costs as much as a small call.
	lentMax = 1 << 20
)

type pointer = unsafe.Pointer

var (
	memory arena
	// lentOut is the memory of results.
	lentOut []pointer
	// result is the record that a function returns; the largest is that of describe.
	result [15]uint64
	// lent is how many bytes of arguments came since the garbage was looked at; kept what the collector left.
	lent, held uint64
)

// uncleared is values without pointers, with anything in them, until the call ends.
func uncleared[T any](n int) []T {
	var zero T
	return unsafe.Slice((*T)(memory.take(n*int(unsafe.Sizeof(zero)))), n)
}

// collect takes garbage away before a call, if an instance has been used for so long that there is much.
func collect() {
	if lent < lentMax {
		return
	}
	lent = 0
	var now runtime.MemStats
	if runtime.ReadMemStats(&now); now.HeapAlloc > held+garbageMax {
		runtime.GC()
		runtime.ReadMemStats(&now)
		held = now.HeapAlloc
	}
}

//go:wasmimport bifocal:transform/host@1.0.0 settings
func importSettings(result pointer)

//go:wasmimport bifocal:transform/host@1.0.0 log
func importLog(level uint32, message pointer, length uint32)

func hostSettings() string {
	var text [2]uint32
	importSettings(pointer(&text))
	// A copy: settings are remembered, the memory is the next call's.
	return string(unsafe.Slice((*byte)(pointer(uintptr(text[0]))), text[1]))
}

func hostLog(level level, message string) {
	importLog(uint32(level), pointer(unsafe.StringData(message)), uint32(len(message)))
}

//go:wasmexport cabi_realloc
func cabiRealloc(old pointer, oldSize, alignment, size uint32) pointer {
	if size == 0 {
		return pointer(uintptr(alignment))
	}
	lent += uint64(size)
	first := memory.take(int(size))
	copy(unsafe.Slice((*byte)(first), size), unsafe.Slice((*byte)(old), oldSize))
	return first
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
	collect()
	settings := "{}"
	if needsSettings {
		settings = hostSettings()
	}
	folded, err := exported.Fold(settings, Events{lift(times, timesLength), liftColumns(columns, columnsLength)})
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
	collect()
	merged, err := exported.Merge(
		Blobs{lift(leftEnds, leftEndsLength), lift(left, leftLength)},
		Blobs{lift(rightEnds, rightEndsLength), lift(right, rightLength)},
	)
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
	collect()
	columns, err := exported.Present(
		liftColumns(keys, keysLength), lift(windows, windowsLength),
		Blobs{lift(ends, endsLength), lift(states, statesLength)},
	)
	if err != nil {
		return fail(4, err)
	}
	r, p := ok(4)
	lowerColumns(p, 0, columns)
	return r
}

// done gives up what was held for the host.
func done() {
	clear(lentOut)
	lentOut = lentOut[:0]
	memory.reset()
}

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#describe
func postDescribe(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#fold
func postFold(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#merge
func postMerge(pointer) { done() }

//go:wasmexport cabi_post_bifocal:transform/transform@1.0.0#present
func postPresent(pointer) { done() }
