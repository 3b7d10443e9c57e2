package bifocal

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Decimal is an exact decimal number with D digits after the point, 0 to 18: the integer
// value x 10^D in 64 bits. Decimal2(118250) is 1182.50; the range for two digits is about
// +-92 quadrillion. Decimals compare with < and == as they are.
//
// + and - wrap as Go's integers do; [Decimal.Add], [Decimal.Sub] and [Decimal.Times] panic when the
// result does not fit, which rejects the event at hand and no other. Sums over events do not
// overflow: [Sum] holds 128 bits.
type Decimal[D Digits] int64

// Digits is a number of digits after the point: [D0] to [D18].
type Digits interface{ digits() uint8 }

type D0 struct{}
type D1 struct{}
type D2 struct{}
type D3 struct{}
type D4 struct{}
type D5 struct{}
type D6 struct{}
type D7 struct{}
type D8 struct{}
type D9 struct{}
type D10 struct{}
type D11 struct{}
type D12 struct{}
type D13 struct{}
type D14 struct{}
type D15 struct{}
type D16 struct{}
type D17 struct{}
type D18 struct{}

func (D0) digits() uint8  { return 0 }
func (D1) digits() uint8  { return 1 }
func (D2) digits() uint8  { return 2 }
func (D3) digits() uint8  { return 3 }
func (D4) digits() uint8  { return 4 }
func (D5) digits() uint8  { return 5 }
func (D6) digits() uint8  { return 6 }
func (D7) digits() uint8  { return 7 }
func (D8) digits() uint8  { return 8 }
func (D9) digits() uint8  { return 9 }
func (D10) digits() uint8 { return 10 }
func (D11) digits() uint8 { return 11 }
func (D12) digits() uint8 { return 12 }
func (D13) digits() uint8 { return 13 }
func (D14) digits() uint8 { return 14 }
func (D15) digits() uint8 { return 15 }
func (D16) digits() uint8 { return 16 }
func (D17) digits() uint8 { return 17 }
func (D18) digits() uint8 { return 18 }

// Decimals by their digits after the point.
type (
	Decimal0  = Decimal[D0]
	Decimal1  = Decimal[D1]
	Decimal2  = Decimal[D2]
	Decimal3  = Decimal[D3]
	Decimal4  = Decimal[D4]
	Decimal5  = Decimal[D5]
	Decimal6  = Decimal[D6]
	Decimal7  = Decimal[D7]
	Decimal8  = Decimal[D8]
	Decimal9  = Decimal[D9]
	Decimal10 = Decimal[D10]
	Decimal11 = Decimal[D11]
	Decimal12 = Decimal[D12]
	Decimal13 = Decimal[D13]
	Decimal14 = Decimal[D14]
	Decimal15 = Decimal[D15]
	Decimal16 = Decimal[D16]
	Decimal17 = Decimal[D17]
	Decimal18 = Decimal[D18]
)

func (Decimal[D]) digits() uint8 {
	var d D
	return d.digits()
}

// Add is the sum; it panics if the sum does not fit 64 bits.
func (d Decimal[D]) Add(other Decimal[D]) Decimal[D] {
	sum := d + other
	if (sum > d) != (other > 0) && other != 0 {
		panic("decimal overflow: the sum does not fit 64 bits")
	}
	return sum
}

// Sub is the difference; it panics if the difference does not fit 64 bits.
func (d Decimal[D]) Sub(other Decimal[D]) Decimal[D] {
	difference := d - other
	if (difference < d) != (other > 0) && other != 0 {
		panic("decimal overflow: the difference does not fit 64 bits")
	}
	return difference
}

// Times is the product with an integer, price x quantity; it panics if it does not fit 64 bits.
func (d Decimal[D]) Times(n int64) Decimal[D] {
	hi, lo := bits.Mul64(magnitude(int64(d)), magnitude(n))
	negative := (d < 0) != (n < 0)
	if hi != 0 || lo > math.MaxInt64 && !(negative && lo == 1<<63) {
		panic("decimal overflow: the product does not fit 64 bits")
	}
	if negative {
		return Decimal[D](-lo)
	}
	return Decimal[D](lo)
}

// Float64 is the nearest double, ties to even.
func (d Decimal[D]) Float64() float64 {
	return nearest(widen(int64(d)), uint128{lo: powersOf10[d.digits()]})
}

// String has all digits: 1182.50, -0.05, and no point if there are none.
func (d Decimal[D]) String() string { return string(appendDecimal(nil, widen(int64(d)), d.digits())) }

var (
	errNoDecimal = errors.New("not a decimal number")
	errInexact   = errors.New("more digits after the point than the decimal holds")
	errTooLarge  = errors.New("does not fit a decimal of 64 bits")
)

// ParseDecimal reads by the rule by which the host extracts decimals: from the characters, an optional
// minus, digits, and optionally a point and digits; an exponent is refused, and so is a digit other
// than 0 behind the last one that counts.
func ParseDecimal[D Digits](text string) (Decimal[D], error) {
	var d D
	units, err := parseUnits(text, int(d.digits()))
	return Decimal[D](units), err
}

func parseUnits(text string, digits int) (int64, error) {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, pointed := strings.Cut(text, ".")
	if !isDigits(whole) || pointed && !isDigits(fraction) {
		return 0, errNoDecimal
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > digits {
		return 0, errInexact
	}
	units, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	switch {
	case err != nil || units > 1<<63 || units == 1<<63 && !negative:
		return 0, errTooLarge
	case negative:
		return -int64(units), nil
	}
	return int64(units), nil
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

var powersOf10 = func() (powers [19]uint64) {
	for i, power := 0, uint64(1); i < len(powers); i, power = i+1, power*10 {
		powers[i] = power
	}
	return powers
}()

func appendDecimal(b []byte, units int128, digits uint8) []byte {
	if units.hi < 0 {
		b = append(b, '-')
	}
	whole, fraction := units.magnitude().div64(powersOf10[digits])
	b = whole.append(b)
	if digits > 0 {
		text := strconv.FormatUint(fraction, 10)
		b = append(b, '.')
		b = append(b, strings.Repeat("0", int(digits)-len(text))...)
		b = append(b, text...)
	}
	return b
}
