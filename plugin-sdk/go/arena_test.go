package bifocal

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

func TestPiecesOfAnArenaDoNotOverlapAndAreTakenBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	var a arena
	for call := range 20 {
		var pieces [][]byte
		for range 200 {
			size := random.IntN(100)
			if random.IntN(20) == 0 {
				size = random.IntN(10 * 8 * blockMin)
			}
			first := a.take(size)
			if uintptr(first)%8 != 0 {
				t.Fatal("a piece is not aligned")
			}
			piece := unsafe.Slice((*byte)(first), size)
			for i := range piece {
				piece[i] = byte(len(pieces))
			}
			pieces = append(pieces, piece)
		}
		for i, piece := range pieces {
			for _, b := range piece {
				if b != byte(i) {
					t.Fatalf("call %d: piece %d was written over", call, i)
				}
			}
		}
		a.reset()
	}
}

func TestAnArenaTakesTheSameBlockForEveryCall(t *testing.T) {
	var a arena
	call := func() (first unsafe.Pointer) {
		for i, size := range []int{100, 500_000, 8 * blockMin, 300_000, 7} {
			if piece := a.take(size); i == 0 {
				first = piece
			}
		}
		return first
	}
	call()
	a.reset()
	first := call()
	for range 3 {
		if len(a.others) > 0 {
			t.Fatal("a second call needs more than one block")
		}
		a.reset()
		if call() != first {
			t.Fatal("a later call has another block")
		}
	}
}
