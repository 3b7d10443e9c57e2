package bifocal

import "unsafe"

// The loops that each row of a chunk goes through. Go's compiler for WebAssembly makes a dispatch of every
// jump, a call of every call, and keeps little in registers: so each of these is one loop in one function,
// on pointers that step, without calls and with as few branches as there can be. Whoever calls them has
// checked the lengths.

// step is how far apart the values of a slice lie.
func step[T any](p *T, n int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p))))
}

// whereCode writes the rows that have a code, ascending, and returns how many there are. There is room for
// one more row than there are codes.
func whereCode(codes []uint32, code uint32, rows []int32) int {
	p, to := unsafe.SliceData(codes), unsafe.SliceData(rows)
	first, row, n := to, int32(0), int32(len(codes))
	// Each row is written, and kept if it is right: there is nothing that a processor would have to guess.
	for ; row+4 <= n; row += 4 {
		*to = row
		if *p == code {
			to = step(to, 1)
		}
		*to = row + 1
		if *step(p, 1) == code {
			to = step(to, 1)
		}
		*to = row + 2
		if *step(p, 2) == code {
			to = step(to, 1)
		}
		*to = row + 3
		if *step(p, 3) == code {
			to = step(to, 1)
		}
		p = step(p, 4)
	}
	for ; row < n; row++ {
		*to = row
		if *p == code {
			to = step(to, 1)
		}
		p = step(p, 1)
	}
	return int(uintptr(unsafe.Pointer(to))-uintptr(unsafe.Pointer(first))) / int(unsafe.Sizeof(row))
}

// lookUp finds the cells of rows in a table, by the number that two codes make together, and returns of how
// many rows: it stops at one whose time is in another window, that has no cell there yet, or that there is not.
func lookUp(rows []int32, times []int64, first, last []uint32, radix uint32, from int64, reach uint64, table, cells []unsafe.Pointer) int {
	p, end := unsafe.SliceData(rows), step(unsafe.SliceData(rows), len(rows))
	time, one, other := unsafe.SliceData(times), unsafe.SliceData(first), unsafe.SliceData(last)
	known, to := unsafe.SliceData(table), unsafe.SliceData(cells)
	for p != end {
		row := uint(uint32(*p))
		if row >= uint(len(times)) || uint64(*step(time, int(row))-from) >= reach {
			break
		}
		number := uint(*step(one, int(row))*radix + *step(other, int(row)))
		if number >= uint(len(table)) {
			break
		}
		cell := *step(known, int(number))
		if cell == nil {
			break
		}
		*to = cell
		p, to = step(p, 1), step(to, 1)
	}
	return len(rows) - int(uintptr(unsafe.Pointer(end))-uintptr(unsafe.Pointer(p)))/int(unsafe.Sizeof(*p))
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
