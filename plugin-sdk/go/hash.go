package bifocal

import (
	"encoding/binary"
	"math/bits"
)

const (
	prime1 = 0x9e3779b185ebca87
	prime2 = 0xc2b2ae3d27d4eb4f
	prime3 = 0x165667b19e3779f9
	prime4 = 0x85ebca77c2b2ae63
	prime5 = 0x27d4eb2f165667c5
)

// xxh64 is XXH64 with seed 0, fixed for good: states that were written with it are read with it.
// Source: Y. Collet, "xxHash fast digest algorithm", version 0.1.1.
func xxh64(b []byte) uint64 {
	hash, length := uint64(prime5), uint64(len(b))
	if len(b) >= 32 {
		p1 := uint64(prime1) // a variable: constants may not wrap
		a, c, d, e := p1+prime2, uint64(prime2), uint64(0), -p1
		for ; len(b) >= 32; b = b[32:] {
			a = lane(a, binary.LittleEndian.Uint64(b))
			c = lane(c, binary.LittleEndian.Uint64(b[8:]))
			d = lane(d, binary.LittleEndian.Uint64(b[16:]))
			e = lane(e, binary.LittleEndian.Uint64(b[24:]))
		}
		hash = bits.RotateLeft64(a, 1) + bits.RotateLeft64(c, 7) + bits.RotateLeft64(d, 12) + bits.RotateLeft64(e, 18)
		for _, one := range [...]uint64{a, c, d, e} {
			hash = (hash^lane(0, one))*prime1 + prime4
		}
	}
	hash += length
	for ; len(b) >= 8; b = b[8:] {
		hash = bits.RotateLeft64(hash^lane(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		hash = bits.RotateLeft64(hash^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, one := range b {
		hash = bits.RotateLeft64(hash^uint64(one)*prime5, 11) * prime1
	}
	hash = (hash ^ hash>>33) * prime2
	hash = (hash ^ hash>>29) * prime3
	return hash ^ hash>>32
}

func lane(lane, word uint64) uint64 { return bits.RotateLeft64(lane+word*prime2, 31) * prime1 }
