package bifocal

import (
	"math"
	"math/bits"
)

// int128 is a two's complement number of 128 bits.
type int128 struct {
	lo uint64
	hi int64
}

// widen is an integer of at most 64 bits as one of 128.
func widen[T Integer](v T) int128 {
	x := int128{lo: uint64(v)}
	if v < 0 {
		x.hi = -1
	}
	return x
}

// add wraps, which is associative.
func (a int128) add(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{lo, a.hi + b.hi + int64(carry)}
}

func (a int128) negate() int128 {
	lo, borrow := bits.Sub64(0, a.lo, 0)
	return int128{lo, -a.hi - int64(borrow)}
}

// magnitude of -2^127 is 2^127, which an unsigned number holds.
func (a int128) magnitude() uint128 {
	if a.hi < 0 {
		a = a.negate()
	}
	return uint128{a.lo, uint64(a.hi)}
}

// int64 is the number if it has 64 bits.
func (a int128) int64() (int64, bool) {
	return int64(a.lo), a.hi == int64(a.lo)>>63
}

type uint128 struct{ lo, hi uint64 }

func mul64(a, b uint64) uint128 {
	hi, lo := bits.Mul64(a, b)
	return uint128{lo, hi}
}

func (a uint128) less(b uint128) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a uint128) isZero() bool { return a.lo|a.hi == 0 }

func (a uint128) add(b uint128) uint128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return uint128{lo, a.hi + b.hi + carry}
}

func (a uint128) sub(b uint128) uint128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return uint128{lo, a.hi - b.hi - borrow}
}

func (a uint128) double() uint128 { return uint128{a.lo << 1, a.hi<<1 | a.lo>>63} }

// div is quotient and rest, by long division: b is not 0 and below 2^127.
func (a uint128) div(b uint128) (quotient, rest uint128) {
	for i := 0; i < 128; i++ {
		rest = rest.double()
		rest.lo |= a.hi >> 63
		a, quotient = a.double(), quotient.double()
		if !rest.less(b) {
			rest = rest.sub(b)
			quotient.lo |= 1
		}
	}
	return quotient, rest
}

// div64 is the quotient by a number of 64 bits, and the rest.
func (a uint128) div64(b uint64) (uint128, uint64) {
	hi, rest := a.hi/b, a.hi%b
	lo, rest := bits.Div64(rest, a.lo, b)
	return uint128{lo, hi}, rest
}

// float64 is the nearest double, ties to even.
func (a uint128) float64() float64 {
	if a.hi == 0 {
		return float64(a.lo)
	}
	shift := 64 - bits.LeadingZeros64(a.hi)
	top := a.hi<<(64-shift) | a.lo>>shift
	if a.lo<<(64-shift) != 0 {
		top |= 1 // far below the bits that count: it only decides ties
	}
	return math.Ldexp(float64(top), shift)
}

// digits in base 10.
func (a uint128) append(b []byte) []byte {
	var buffer [40]byte
	at := len(buffer)
	for {
		var digit uint64
		a, digit = a.div64(10)
		at--
		buffer[at] = byte('0' + digit)
		if a.isZero() {
			return append(b, buffer[at:]...)
		}
	}
}

// nearest is the double nearest to numerator / denominator, ties to even: one rounding of the exact
// quotient. The denominator is not 0 and below 2^127.
//
// Where both are at most 2^53 they are doubles themselves and IEEE 754 division is that rounding.
// Beyond, long division makes at least 64 bits of the quotient, and a rest sets the last of them: far
// below the 53 that count, it only decides ties.
func nearest(numerator int128, denominator uint128) float64 {
	exact := uint128{1<<53 + 1, 0}
	magnitude := numerator.magnitude()
	var value float64
	if magnitude.less(exact) && denominator.less(exact) {
		value = float64(magnitude.lo) / float64(denominator.lo)
	} else {
		quotient, rest := magnitude.div(denominator)
		scale := 1.0
		for quotient.hi == 0 && quotient.lo < 1<<63 && !rest.isZero() {
			rest, quotient = rest.double(), quotient.double()
			if !rest.less(denominator) {
				rest = rest.sub(denominator)
				quotient.lo |= 1
			}
			// A power of two, at the least 2^-190: exact, and so is the product with it.
			scale *= 0.5
		}
		if !rest.isZero() {
			quotient.lo |= 1
		}
		value = quotient.float64() * scale
	}
	if numerator.hi < 0 {
		return -value
	}
	return value
}

// saturate is the sum of counts, or the greatest one rather than a sum that wraps.
func saturate(a, b uint64) uint64 {
	if a += b; a < b {
		return math.MaxUint64
	}
	return a
}
