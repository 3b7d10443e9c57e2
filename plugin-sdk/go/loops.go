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
	p, to := unsafe.SliceData(codes), unsafe.SliceData(rows)
	row, n, length := uintptr(0), uintptr(0), uintptr(len(codes))
	// Each row is written, and kept if it is right: there is nothing that a processor would have to guess.
	for ; row+4 <= length; row += 4 {
		*where(to, n) = int32(row)
		if *where(p, row) == code {
			n++
		}
		*where(to, n) = int32(row + 1)
		if *where(p, row+1) == code {
			n++
		}
		*where(to, n) = int32(row + 2)
		if *where(p, row+2) == code {
			n++
		}
		*where(to, n) = int32(row + 3)
		if *where(p, row+3) == code {
			n++
		}
	}
	for ; row < length; row++ {
		*where(to, n) = int32(row)
		if *where(p, row) == code {
			n++
		}
	}
	return int(n)
}

// codePairs are the columns that keys are found by: two codes a row make the number of a key.
type codePairs struct {
	times       []int64
	first, last []uint32
	radix       uint
}

// lookUp finds the cells of rows, or makes them, in the table at hand, and returns of how many rows. It stops
// at one whose time is not in the window, and where there is something to be done that is not done for many.
func (c *cellIndex) lookUp(by *codePairs, rows []int32, from int64, reach uint64, found []uintptr) int {
	p, to := unsafe.SliceData(rows), unsafe.SliceData(found)
	times, first, last, table := unsafe.SliceData(by.times), unsafe.SliceData(by.first), unsafe.SliceData(by.last), unsafe.SliceData(c.now)
	radix, length, places, n := by.radix, uint(len(by.times)), uint(len(c.now)), uintptr(len(rows))
	i := uintptr(0)
	for ; i < n; i++ {
		row := uintptr(uint32(*where(p, i)))
		if uint(row) >= length || uint64(*where(times, row)-from) >= reach {
			break
		}
		number := uint(*where(first, row))*radix + uint(*where(last, row))
		if number >= places {
			break
		}
		state := *where(table, uintptr(number))
		if state == 0 {
			if c.left == 0 || c.keyed {
				break
			}
			state = c.free
			*where(table, uintptr(number)) = state
			c.note(from, int(number))
		}
		*where(to, i) = state
	}
	return int(i)
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
