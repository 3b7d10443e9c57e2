package bifocal

import (
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// Measure is what quantiles are of: int64, float64 and decimals.
type Measure interface{ ~int64 | ~float64 }

// Quantiles is a histogram of numbers: cell.Delays.Add(flight.Delay), then, in a Present,
// cell.Delays.Quantile(0.95), within 0.4 % of the exact one. Order-free; a few bytes for each bucket in
// use; shows as json, {"count":n,"p50":…,"p90":…,"p95":…,"p99":…}, null if nothing was added. See
// [QuantilesN].
type Quantiles[T Measure] struct{ QuantilesN[T, [7]int] }

// QuantilesN is [Quantiles] with buckets that are B bits of the mantissa wide, B the length of an array
// type, from [1]int to [16]int.
//
// The answer differs from the exact quantile, the value at rank ceil(q n) of the n values in ascending
// order, by at most 2^-(B + 1) of it. Integers below 2^(B + 1) in magnitude, zero and infinities are
// exact.
//
// For a positive number x take the bits of the double x, the sign and the lowest 52 - B bits off: cut =
// bits(x) >> (52 - B). The bucket is cut + 1 for x, -(cut + 1) for -x, 0 for 0 and -0. An integer or a
// decimal (as value x 10^N) is in the bucket of the same number as a double, cut off, not rounded, beyond
// 2^53. NaN, of any sign and payload, is bits 0x7ff8000000000000, above +infinity.
//
// Bytes: the number of buckets in use; for each, ascending, its distance from the one before it less 1
// (the first: the bucket itself, zigzag), and its count less 1; all LEB128.
type QuantilesN[T Measure, B any] struct {
	varied
	counts sorted[int32, uint64]
}

const (
	mantissaBits  = 52
	exponentMax   = 0x7ff
	exponentOfOne = 1023
)

// Add adds a value.
func (q *QuantilesN[T, B]) Add(v T) { q.AddTimes(v, 1) }

// AddTimes counts a value so many times.
func (q *QuantilesN[T, B]) AddTimes(v T, times uint64) {
	if times > 0 {
		q.countIn(bucketOf(v, uint(lengthOf[B]())), times)
	}
}

// countIn saturates, which is associative for what is never negative.
func (q *QuantilesN[T, B]) countIn(bucket int32, times uint64) {
	count, _ := q.counts.entry(bucket)
	*count = saturate(*count, times)
}

// Count is how many values were added.
func (q *QuantilesN[T, B]) Count() uint64 {
	var total uint64
	for _, count := range q.counts.all {
		total = saturate(total, *count)
	}
	return total
}

// Quantile is the value at rank ceil(part n), at least 1 and at most n, within the error that the type
// states; false if nothing was added. The part is taken to nine decimals, so that 0.95 is 95 hundredths
// and not the double just below it.
func (q *QuantilesN[T, B]) Quantile(part float64) (T, bool) {
	const one = 1_000_000_000
	var parts uint64
	if part > 0 { // NaN is not
		parts = uint64(math.Round(min(part, 1) * one))
	}
	var total uint128
	for _, count := range q.counts.all {
		total = total.add(uint128{lo: *count})
	}
	// Counts are below 2^64 and buckets below 2^32: the product is below 2^126.
	product := mul64(total.lo, parts)
	product.hi += total.hi * parts
	rank, rest := product.div64(one)
	if rest > 0 || rank.isZero() {
		rank = rank.add(uint128{lo: 1})
	}
	var reached uint128
	for bucket, count := range q.counts.all {
		if reached = reached.add(uint128{lo: *count}); !reached.less(rank) {
			return middleOf[T](bucket, uint(lengthOf[B]())), true
		}
	}
	return 0, false
}

func isFloat[T Measure]() bool { return representation[T]() == reflect.Float64 }

// signedCut is a cut with its sign, which 0 lacks: hence 1 up. A cut has 11 + B bits, at most 27.
func signedCut(cut uint64, negative bool) int32 {
	if negative {
		return -int32(cut) - 1
	}
	return int32(cut) + 1
}

func bucketOf[T Measure](v T, width uint) int32 {
	if isFloat[T]() {
		value := math.Float64bits(oneNaN(*at[float64](unsafe.Pointer(&v))))
		if value<<1 == 0 {
			return 0
		}
		return signedCut(value<<1>>1>>(mantissaBits-width), value>>63 == 1)
	}
	n := *at[int64](unsafe.Pointer(&v))
	if n == 0 {
		return 0
	}
	size := magnitude(n)
	exponent := uint(63 - bits.LeadingZeros64(size))
	// The leading bit shifted out, the rest from the top on, as in the mantissa of a double.
	mantissa := size << (63 - exponent) << 1 >> (64 - width)
	return signedCut(uint64(exponent+exponentOfOne)<<width|mantissa, n < 0)
}

// cutOf is the cut of a bucket other than 0.
func cutOf(bucket int32) uint64 { return magnitude(int64(bucket)) - 1 }

// magnitudes is the least and the greatest magnitude of the integers in a bucket, if there are any.
func magnitudes(bucket int32, width uint) (near, far uint64, ok bool) {
	if bucket == 0 {
		return 0, 0, true
	}
	greatest := uint64(math.MaxInt64)
	if bucket < 0 {
		greatest++
	}
	cut := cutOf(bucket)
	exponent := uint(cut>>width) - exponentOfOne
	if cut>>width < exponentOfOne || exponent > 63 {
		return 0, 0, false
	}
	// One with its mantissa: below 2^17, scaled by 2^(exponent - width).
	one := 1<<width | cut&(1<<width-1)
	if exponent >= width {
		near = one << (exponent - width)
		far = near + 1<<(exponent-width) - 1
	} else {
		near = one >> (width - exponent)
		far = near
		if near<<(width-exponent) != one {
			return 0, 0, false
		}
	}
	return near, min(far, greatest), near <= greatest
}

// hasNumbers says whether any number of the type is in the bucket.
func hasNumbers[T Measure](bucket int32, width uint) bool {
	if !isFloat[T]() {
		_, _, ok := magnitudes(bucket, width)
		return ok
	}
	return bucket == 0 || cutOf(bucket) <= exponentMax<<width || bucket == bucketOf(math.NaN(), width)
}

// middleOf is the number that stands for all in the bucket.
func middleOf[T Measure](bucket int32, width uint) (v T) {
	if !isFloat[T]() {
		near, far, _ := magnitudes(bucket, width)
		n := int64(near + (far-near)/2)
		if bucket < 0 {
			n = -n // -2^63 has a magnitude that is no int64: wrapped, it is itself
		}
		*at[int64](unsafe.Pointer(&v)) = n
		return v
	}
	var value uint64
	if bucket != 0 {
		cut := cutOf(bucket)
		value = cut << (mantissaBits - width)
		switch infinity := uint64(exponentMax) << width; {
		case cut > infinity:
			value = nanBits
		case cut < infinity:
			value |= 1 << (mantissaBits - 1 - width)
		}
		if bucket < 0 {
			value |= 1 << 63
		}
	}
	*at[float64](unsafe.Pointer(&v)) = math.Float64frombits(value)
	return v
}

func (q *QuantilesN[T, B]) traits() traits { return traits{kind: KindJSON, orderFree: true} }
func (q *QuantilesN[T, B]) check() error   { return checkLength[B](1, 16, "QuantilesN") }
func (q *QuantilesN[T, B]) begin()         {}

func (q *QuantilesN[T, B]) encode(b []byte) []byte {
	b = appendVarint(b, uint64(q.counts.size))
	first, last := true, int32(0)
	for bucket, count := range q.counts.all {
		distance := uint32(bucket-last) - 1
		if first {
			distance = uint32(bucket<<1 ^ bucket>>31)
		}
		b = appendVarint(appendVarint(b, uint64(distance)), *count-1)
		first, last = false, bucket
	}
	return b
}

func (q *QuantilesN[T, B]) decode(r *reader) {
	var last int64
	for i := range r.length() {
		distance := r.varint()
		bucket := last + int64(distance) + 1
		if i == 0 {
			bucket = int64(distance>>1) ^ -int64(distance&1)
		}
		if r.err != nil {
			return
		}
		if distance > math.MaxUint32 || bucket > math.MaxInt32 || !hasNumbers[T](int32(bucket), uint(lengthOf[B]())) {
			r.fail(malformed("a bucket that no number is in"))
			return
		}
		count, _ := q.counts.push(int32(bucket))
		*count = readCount(r)
		last = bucket
	}
}

func (q *QuantilesN[T, B]) own() *QuantilesN[T, B] { return q }

func (q *QuantilesN[T, B]) merge(later part) error {
	other := later.(interface{ own() *QuantilesN[T, B] }).own()
	if q.counts.size == 0 {
		*q = *other
		return nil
	}
	for bucket, count := range other.counts.all {
		q.countIn(bucket, *count)
	}
	return nil
}

func (q *QuantilesN[T, B]) present() (datum, error) {
	if q.counts.size == 0 {
		return datum{}, nil
	}
	count, err := unsigned(q.Count())
	if err != nil {
		return datum{}, err
	}
	b := appendDatum([]byte(`{"count":`), KindInteger, count)
	for _, one := range [...]struct {
		name string
		part float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}} {
		value, _ := q.Quantile(one.part)
		b = append(append(append(b, `,"`...), one.name...), `":`...)
		d, _ := datumOf(value)
		b = appendDatum(b, kindFor[T](), d)
	}
	return textual(string(append(b, '}'))), nil
}
