package bifocal

import (
	"math"
	"math/bits"
)

// Distinct is the number of distinct values, estimated: cell.Users.Add(view.UserID). Order-free; at most
// 3 KiB, whatever their number, and 3 bytes a value while they are few; shows as an integer, 0 at first.
// [Set] is exact and grows. The standard error is 1.6 %: see [DistinctN].
type Distinct[V Value] struct{ DistinctN[V, [12]int] }

// DistinctN is [Distinct] with 2^B registers, B the length of an array type, from [4]int to [16]int: at
// most 3/4 x 2^B bytes and a standard error of 1.04 / sqrt(2^B). Two of three estimates are within it,
// all but 3 of 1,000 within three times as much.
//
// A value's hash (XXH64 of its bytes, of text and binary without their length) is cut in two: its first
// B bits choose a register, which keeps the greatest number of leading zeros, plus one, of the others.
//
// Bytes: the number of registers above 0 (LEB128). If it is at most a quarter of all, each of them
// follows, ascending: its index in 16 bits, what it keeps in 8; else all registers with 6 bits each, the
// first in the lowest bits.
//
// Sources: P. Flajolet and others, "HyperLogLog", 2007; S. Heule and others, "HyperLogLog in Practice",
// 2013, for 64 bits and the sparse form; O. Ertl, arXiv:1702.01284, algorithm 6, for the estimator.
type DistinctN[V Value, B any] struct {
	varied
	// sparse registers above 0, at most a quarter of all; else dense ones, all of them.
	sparse sorted[uint16, uint8]
	dense  []uint8
}

func (d *DistinctN[V, B]) registers() int { return 1 << lengthOf[B]() }

// rankMax: a rank of more would be of more than 64 bits of hash.
func (d *DistinctN[V, B]) rankMax() uint8 { return uint8(65 - lengthOf[B]()) }

// Add adds a value.
func (d *DistinctN[V, B]) Add(v V) {
	hash, width := hashValue(v), lengthOf[B]()
	// The lowest bit set: where all others are 0 it is found after 64 - B of them.
	rest := hash<<width | 1<<(width-1)
	d.raise(uint16(hash>>(64-width)), uint8(bits.LeadingZeros64(rest)+1))
}

func (d *DistinctN[V, B]) raise(index uint16, rank uint8) {
	if d.dense != nil {
		d.dense[index] = max(d.dense[index], rank)
		return
	}
	kept, _ := d.sparse.entry(index)
	*kept = max(*kept, rank)
	if d.sparse.size > d.registers()/4 {
		d.dense = make([]uint8, d.registers())
		d.sparse.all(func(index uint16, rank *uint8) bool {
			d.dense[index] = *rank
			return true
		})
		d.sparse = sorted[uint16, uint8]{}
	}
}

// used calls back with every register above 0, ascending.
func (d *DistinctN[V, B]) used(yield func(uint16, *uint8) bool) {
	d.sparse.all(yield)
	for i := range d.dense {
		if d.dense[i] > 0 && !yield(uint16(i), &d.dense[i]) {
			return
		}
	}
}

// Estimate is about how many distinct values were added.
func (d *DistinctN[V, B]) Estimate() uint64 {
	counts := make([]uint64, d.rankMax()+1)
	counts[0] = uint64(d.registers())
	for _, rank := range d.used {
		counts[*rank]++
		counts[0]--
	}
	return uint64(math.Round(estimate(counts, float64(d.registers()))))
}

// estimate is the improved raw estimator of O. Ertl for m registers, of which counts[k] keep k. Sums,
// products and square roots alone, which IEEE 754 defines to the last bit; the conversions around
// products keep a compiler from fusing them with sums, as it may where a machine can.
func estimate(counts []uint64, m float64) float64 {
	const alpha = 0.721_347_520_444_481_7 // 1 / (2 ln 2)
	last := len(counts) - 1
	z := float64(m * tau(1-float64(counts[last])/m))
	for k := last - 1; k > 0; k-- {
		z = 0.5 * (z + float64(counts[k]))
	}
	z += float64(m * sigma(float64(counts[0])/m))
	// No register in use: z is infinite and the estimate 0.
	return float64(float64(alpha*m)*m) / z
}

// sigma is x + sum over k from 1 of x^(2^k) 2^(k - 1), for registers that were never hit.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	for y, z := 1.0, x; ; {
		before := z
		x *= x
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau is (1 - x - sum over k from 1 of (1 - x^(2^-k))^2 2^-k) / 3, for registers that are full.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for y, z := 1.0, 1-x; ; {
		before := z
		x = math.Sqrt(x)
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}

func (d *DistinctN[V, B]) traits() traits { return traits{kind: KindInteger, orderFree: true} }
func (d *DistinctN[V, B]) check() error   { return checkLength[B](4, 16, "DistinctN") }
func (d *DistinctN[V, B]) begin()         {}

func (d *DistinctN[V, B]) encode(b []byte) []byte {
	if d.dense == nil {
		b = appendVarint(b, uint64(d.sparse.size))
		d.sparse.all(func(index uint16, rank *uint8) bool {
			b = append(b, byte(index), byte(index>>8), *rank)
			return true
		})
		return b
	}
	used := 0
	for _, rank := range d.dense {
		if rank > 0 {
			used++
		}
	}
	b = appendVarint(b, uint64(used))
	for i := 0; i < len(d.dense); i += 4 {
		four := uint32(d.dense[i]) | uint32(d.dense[i+1])<<6 | uint32(d.dense[i+2])<<12 | uint32(d.dense[i+3])<<18
		b = append(b, byte(four), byte(four>>8), byte(four>>16))
	}
	return b
}

func (d *DistinctN[V, B]) decode(r *reader) {
	const unknown = "a register that no hash sets"
	used := r.varint()
	if used <= uint64(d.registers()/4) {
		for range used {
			three := r.take(3)
			if three == nil {
				return
			}
			index, rank := uint16(three[0])|uint16(three[1])<<8, three[2]
			kept, ascends := d.sparse.push(index)
			if !ascends {
				r.fail(malformed("keys that do not ascend"))
				return
			}
			*kept = rank
			if int(index) >= d.registers() || rank == 0 || rank > d.rankMax() {
				r.fail(malformed(unknown))
				return
			}
		}
		return
	}
	packed := r.take(d.registers() * 6 / 8)
	if packed == nil {
		return
	}
	d.dense = make([]uint8, d.registers())
	for i := range d.dense {
		at := i / 4 * 3
		four := uint32(packed[at]) | uint32(packed[at+1])<<8 | uint32(packed[at+2])<<16
		rank := uint8(four >> (i % 4 * 6) & 63)
		if rank > d.rankMax() {
			r.fail(malformed(unknown))
			return
		}
		if d.dense[i] = rank; rank > 0 {
			used--
		}
	}
	if used != 0 {
		r.fail(malformed("another number of registers in use"))
	}
}

// own is the part itself, also where a [Distinct] wraps it.
func (d *DistinctN[V, B]) own() *DistinctN[V, B] { return d }

func (d *DistinctN[V, B]) merge(later part) error {
	other := later.(interface{ own() *DistinctN[V, B] }).own()
	if d.dense == nil && d.sparse.size == 0 {
		*d = *other
		return nil
	}
	for index, rank := range other.used {
		d.raise(index, *rank)
	}
	return nil
}

func (d *DistinctN[V, B]) present() (datum, error) { return unsigned(d.Estimate()) }
