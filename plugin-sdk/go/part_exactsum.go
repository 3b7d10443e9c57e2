package bifocal

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// ExactSum is the exact sum of doubles: cell.Level.Add(reading). Order-free: the same bits whatever the
// order and the cuts, which plain addition of float64 does not give. Shows as a float, 0 at first.
//
// A sum is an integer multiple of 2^-1074, the least positive double, kept without rounding; what it
// shows is the double nearest to it, ties to even. Beyond the greatest double it is out of range; what is
// added later may bring it back. A NaN, or infinities of both signs, make it NaN for good, else an
// infinity makes it infinite. -0 adds nothing, and a sum of nothing but zeros is 0.
//
// Bytes: 3, and 4 for each 32 bits between the highest and the lowest bit of the sum: a byte of flags (1
// NaN, 2 +infinity, 4 -infinity), a byte for the place of the lowest digit, a byte for the number of
// digits, and the digits of 32 bits, the lowest first, as a two's complement number without needless
// digits at either end.
//
// Source: R. M. Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571.
type ExactSum struct {
	varied
	// digits: the sum of digits[i] x 2^(32 (lowest + i) - 1074), in 64 bits each, so that carries wait.
	digits []int64
	lowest int
	// pending is what was added to any digit since carries were last resolved, in units of 2^53.
	pending int
	flags   uint8
}

const (
	flagNaN           = 1
	flagPlusInfinity  = 2
	flagMinusInfinity = 4

	// digitsMax: 2^64 doubles below 2^1024 sum up to less than 2^2162 in units of 2^-1074, 68 digits.
	// Beyond these, which no log reaches, a sum wraps, which is still associative.
	digitsMax = 70
	// pendingMax: a resolved digit is below 2^32, and each addition adds less than 2^53: far from 2^63.
	pendingMax = 900
)

// Add adds a value.
func (s *ExactSum) Add(v float64) {
	b := math.Float64bits(v)
	fraction, exponent := b&(1<<mantissaBits-1), b>>mantissaBits&exponentMax
	switch {
	case v != v:
		s.flags |= flagNaN
		return
	case exponent == exponentMax && v > 0:
		s.flags |= flagPlusInfinity
		return
	case exponent == exponentMax:
		s.flags |= flagMinusInfinity
		return
	case b<<1 == 0:
		return
	case exponent > 0:
		fraction |= 1 << mantissaBits
		exponent--
	}
	// The value is fraction x 2^(exponent - 1074).
	place, shift := int(exponent/32), exponent%32
	i := place - s.lowest
	if i < 0 || i+1 >= len(s.digits) {
		i = s.grow(place, place+2)
	}
	low, high := int64(fraction<<shift&math.MaxUint32), int64(fraction>>(32-shift))
	if b>>63 == 1 {
		low, high = -low, -high
	}
	s.digits[i] += low
	s.digits[i+1] += high
	s.settle()
}

// settle counts an addition.
func (s *ExactSum) settle() {
	if s.pending++; s.pending >= pendingMax {
		s.resolve()
	}
}

// grow makes room for the digits from place to, and returns where the first of them is.
func (s *ExactSum) grow(from, to int) int {
	// One digit more on either side: the next value is likely near.
	low, high := max(from-1, 0), min(to+1, digitsMax)
	if len(s.digits) == 0 {
		s.lowest = low
	}
	below := 0
	if from < s.lowest {
		below = s.lowest - low
		s.lowest = low
	}
	digits := make([]int64, max(high-s.lowest, below+len(s.digits)))
	copy(digits[below:], s.digits)
	s.digits = digits
	return from - s.lowest
}

// resolve carries: each digit to 0 .. 2^32, the highest to a signed one of 32 bits.
func (s *ExactSum) resolve() {
	if len(s.digits) == 0 {
		return
	}
	digits, carry := make([]int64, 0, len(s.digits)+2), int64(0)
	for _, digit := range s.digits {
		digit += carry
		digits = append(digits, digit&math.MaxUint32)
		carry = digit >> 32
	}
	last := len(digits) - 1
	top := carry<<32 | digits[last]
	for top != int64(int32(top)) && s.lowest+last+1 < digitsMax {
		digits[last] = top & math.MaxUint32
		top >>= 32
		digits = append(digits, 0)
		last++
	}
	digits[last] = int64(int32(top))
	s.digits, s.pending = digits, 0
}

// canonical is the sum as two's complement digits without needless ones at either end, and the place of
// the lowest.
func (s *ExactSum) canonical() (digits []uint32, lowest int) {
	var carry int64
	for place := s.lowest; place < min(s.lowest+len(s.digits)+2, digitsMax); place++ {
		// A carry has at most 31 bits: two digits above the highest hold it and the sign.
		sum := carry
		if i := place - s.lowest; i < len(s.digits) {
			sum += s.digits[i]
		}
		digits = append(digits, uint32(sum))
		carry = sum >> 32
	}
	from, to := 0, len(digits)
	for from < to && digits[from] == 0 {
		from++
	}
	if from == to {
		return nil, 0
	}
	for to > from+1 && isNeedless(digits[to-1], digits[to-2]) {
		to--
	}
	return digits[from:to], s.lowest + from
}

// isNeedless says whether a digit only repeats the sign of the one below it.
func isNeedless(top, below uint32) bool { return top == uint32(int32(below)>>31) }

// Get is the sum as the nearest double; false if it is finite and beyond the greatest.
func (s *ExactSum) Get() (float64, bool) {
	switch s.flags {
	case 0:
		return s.nearest()
	case flagPlusInfinity:
		return math.Inf(1), true
	case flagMinusInfinity:
		return math.Inf(-1), true
	}
	return math.Float64frombits(nanBits), true
}

func (s *ExactSum) nearest() (float64, bool) {
	digits, lowest := s.canonical()
	if len(digits) == 0 {
		return 0, true
	}
	negative := digits[len(digits)-1]>>31 == 1
	if negative {
		// The lowest digit is not 0, so what is added to its complement carries no further.
		for i := range digits {
			digits[i] = ^digits[i]
		}
		digits[0]++
	}
	top := len(digits) - 1
	for digits[top] == 0 {
		top--
	}
	topBit := (lowest+top)*32 + bits.Len32(digits[top]) - 1
	bit := func(place int) uint64 {
		if i := place/32 - lowest; i >= 0 {
			return uint64(digits[i] >> (place % 32) & 1)
		}
		return 0
	}
	// The lowest bit that a double with this top bit has; 0 for subnormals and the least normals.
	last := max(topBit-mantissaBits, 0)
	var mantissa uint64
	for place := topBit; place >= last; place-- {
		mantissa = mantissa<<1 | bit(place)
	}
	// The leading bit of the mantissa adds 1 to the exponent, for normals only: as it should be.
	value := uint64(last)<<mantissaBits + mantissa
	if last > 0 && bit(last-1) == 1 {
		isTie := true
		for place := lowest * 32; place < last-1 && isTie; place++ {
			isTie = bit(place) == 0
		}
		if !isTie || mantissa&1 == 1 {
			value++
		}
	}
	if value>>mantissaBits >= exponentMax {
		return 0, false
	}
	if negative {
		value |= 1 << 63
	}
	return math.Float64frombits(value), true
}

func (s *ExactSum) check() error { return nil }

func (s *ExactSum) traits() traits { return traits{kind: KindFloat, orderFree: true} }
func (s *ExactSum) begin()         {}

func (s *ExactSum) encode(b []byte) []byte {
	digits, lowest := s.canonical()
	b = append(b, s.flags, byte(lowest), byte(len(digits)))
	for _, digit := range digits {
		b = binary.LittleEndian.AppendUint32(b, digit)
	}
	return b
}

func (s *ExactSum) decode(r *reader) {
	head := r.take(3)
	if head == nil {
		return
	}
	flags, lowest, length := head[0], int(head[1]), int(head[2])
	if flags > flagNaN|flagPlusInfinity|flagMinusInfinity {
		r.fail(malformed("unknown flags of an exact sum"))
		return
	}
	if lowest+length > digitsMax {
		r.fail(malformed("an exact sum of too many digits"))
		return
	}
	packed := r.take(length * 4)
	if packed == nil && length > 0 {
		return
	}
	digits := make([]int64, length)
	for i := range digits {
		digits[i] = int64(binary.LittleEndian.Uint32(packed[4*i:]))
	}
	if length == 0 && lowest != 0 || length > 0 && digits[0] == 0 ||
		length > 1 && isNeedless(uint32(digits[length-1]), uint32(digits[length-2])) {
		r.fail(malformed("an exact sum with needless digits"))
		return
	}
	if length > 0 {
		digits[length-1] = int64(int32(digits[length-1]))
	}
	*s = ExactSum{digits: digits, lowest: lowest, flags: flags}
}

func (s *ExactSum) merge(later part) error {
	other := later.(*ExactSum)
	s.flags |= other.flags
	other.resolve()
	if len(other.digits) == 0 {
		return nil
	}
	// Digits may be shared with the state that this one is a copy of: grow makes new ones.
	first := s.grow(other.lowest, other.lowest+len(other.digits))
	for i, digit := range other.digits {
		s.digits[first+i] += digit
	}
	s.settle()
	return nil
}

func (s *ExactSum) present() (datum, error) {
	if sum, ok := s.Get(); ok {
		return float(sum), nil
	}
	return datum{}, outOfRange("a sum beyond 1.7976931348623157e308 in magnitude", KindFloat)
}
