package bifocal

import "unsafe"

// The loops that each row of a chunk goes through. Go's compiler for WebAssembly makes a dispatch of every
// jump, a call of every call, and keeps little in registers: so each of these is one loop in one function,
// on pointers that step, without calls and with as few branches as there can be. Whoever calls them has
// checked the lengths.

// where is the address of a value of a slice, of which it is known that it is there.
func where[T any](values *T, i uintptr) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(values), i*unsafe.Sizeof(*values)))
}

// whereCode writes the rows that have a code, ascending, and returns how many there are. There is room for
// one more row than there are codes.
func whereCode(codes []uint32, code uint32, rows []int32) int {
	first, to, wanted := unsafe.Pointer(unsafe.SliceData(codes)), unsafe.Pointer(unsafe.SliceData(rows)), uint(code)
	const size = unsafe.Sizeof(code)
	// In bytes. Each row is written, and kept if it is right: there is nothing that a processor would have to guess.
	n, row := uintptr(0), int32(0)
	for ; int(row)+4 <= len(codes); row += 4 {
		p := (*[4]uint32)(unsafe.Add(first, uintptr(row)*size))
		*at[int32](unsafe.Add(to, n)) = row
		if uint(p[0]) == wanted {
			n += size
		}
		*at[int32](unsafe.Add(to, n)) = row + 1
		if uint(p[1]) == wanted {
			n += size
		}
		*at[int32](unsafe.Add(to, n)) = row + 2
		if uint(p[2]) == wanted {
			n += size
		}
		*at[int32](unsafe.Add(to, n)) = row + 3
		if uint(p[3]) == wanted {
			n += size
		}
	}
	for ; int(row) < len(codes); row++ {
		*at[int32](unsafe.Add(to, n)) = row
		if codes[row] == code {
			n += size
		}
	}
	return int(n / size)
}

// codePairs are the columns that keys are found by: two codes a row make the number of a key.
type codePairs struct {
	times       []int64
	first, last []uint32
	radix       uintptr
}

// lookUp finds the cells of rows, or makes them, in the table at hand, and returns of how many rows. It stops
// at one whose time is not in the window, and where there is something to be done that is not done for many.
func (c *cellIndex) lookUp(by *codePairs, rows []int32, from int64, reach uint64, found []uintptr) int {
	p, to := unsafe.Pointer(unsafe.SliceData(rows)), unsafe.Pointer(unsafe.SliceData(found))
	times, first, last, table := unsafe.SliceData(by.times), unsafe.SliceData(by.first), unsafe.SliceData(by.last), unsafe.SliceData(c.now)
	radix, length, places := by.radix, uintptr(len(by.times)), uintptr(len(c.now))
	const size, width = unsafe.Sizeof(rows[0]), unsafe.Sizeof(found[0])
	i, end := uintptr(0), uintptr(len(rows))*size
	for ; i < end; i += size {
		row := uintptr(*at[uint32](unsafe.Add(p, i)))
		if row >= length || uint64(*where(times, row)-from) >= reach {
			break
		}
		number := uintptr(*where(first, row))*radix + uintptr(*where(last, row))
		if number >= places {
			break
		}
		state := *where(table, number)
		if state == 0 {
			if c.left == 0 || c.keyed {
				break
			}
			state = c.free
			*where(table, number) = state
			c.note(from, int32(number))
		}
		*at[uintptr](unsafe.Add(to, i*(width/size))) = state
	}
	return int(i / size)
}

// known is the cell of a key of texts in the window of the event's time, if it is in the table at hand.
func (c *cellIndex) known(key unsafe.Pointer) unsafe.Pointer {
	w := &c.window
	if uint64(w.time-w.latest) >= w.reach || w.start != c.nowAt || !c.numbers.plain {
		return nil
	}
	number := uintptr(0)
	parts := c.numbers.parts
	for i := range parts {
		part := &parts[i]
		text := at[words2](unsafe.Add(key, part.offset))
		from := text.data - part.base
		if from >= uintptr(len(part.starts)) {
			return nil
		}
		start := part.starts[from]
		if uintptr(start>>32) != text.length {
			return nil
		}
		number = number*uintptr(part.radix) + uintptr(uint32(start))
	}
	c.touched = true
	return *(*unsafe.Pointer)(unsafe.Pointer(&c.now[number]))
}

// combine makes one number of two codes.
func combine(first, last []uint32, radix uint32) []uint32 {
	combined := uncleared[uint32](len(first))
	last = last[:len(first)]
	for row, code := range first {
		combined[row] = code*radix + last[row]
	}
	return combined
}
