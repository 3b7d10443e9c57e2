package bifocal

import "unsafe"

// arena is memory without pointers, given out piece by piece and taken back at once. The zero arena is
// empty. What it gives out is aligned to 8, so that columns are read in place.
type arena struct {
	block []uint64
	// used words of the block.
	used int
	// others are blocks since the reset that are full, or were made for one large piece: they are in use.
	others [][]uint64
	// next is how many words the first block after a reset has.
	next int
}

// blockMin is the least block in words.
const blockMin = 4096

// chunkColumns is how many times the times of a chunk a call takes, or somewhat more.
const chunkColumns = 6

// take is room for so many bytes, with anything in it.
func (a *arena) take(bytes int) unsafe.Pointer {
	words := (bytes + 7) / 8
	if a.block == nil {
		// The first piece is the times of a chunk, of which its columns and what is made of them are multiples.
		// What is never written to costs nothing.
		a.block = make([]uint64, max(a.next, blockMin, chunkColumns*words))
	}
	if words > len(a.block)-a.used {
		block := make([]uint64, max(words, blockMin))
		if words > blockMin {
			a.others = append(a.others, block)
			return unsafe.Pointer(unsafe.SliceData(block))
		}
		a.others = append(a.others, a.block)
		a.block, a.used = block, 0
	}
	piece := unsafe.Add(unsafe.Pointer(unsafe.SliceData(a.block)), 8*a.used)
	a.used += words
	return piece
}

// reset takes back all that was given out. What took several blocks gets one the next time.
func (a *arena) reset() {
	if len(a.others) > 0 {
		a.next = len(a.block)
		for _, other := range a.others {
			a.next += len(other)
		}
		a.block = nil
	}
	a.others, a.used = nil, 0
}
