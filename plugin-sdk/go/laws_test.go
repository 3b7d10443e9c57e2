package bifocal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// gate is a machine: it opens at a coin and closes behind who passes.
type gate struct {
	Open    bool
	Passed  uint64
	Coins   []Timestamp
	LastFee Opt[Decimal2]
}

type gateStep struct {
	OneOf
	Coin *struct {
		At  Timestamp
		Fee Decimal2
	}
	Pass *struct{ At Timestamp }
}

func (g *gate) Step(step gateStep) {
	if step.Coin != nil {
		g.Open, g.LastFee = true, Some(step.Coin.Fee)
		g.Coins = append(g.Coins, step.Coin.At)
	} else if g.Open {
		g.Open = false
		g.Passed++
	}
}

// input is what one event gives to every part.
type input struct {
	time    Timestamp
	offset  int64
	n       int64
	f       float64
	text    string
	binary  Binary
	boolean bool
	small   uint8
}

func randomInput(random *rand.Rand, offset int64) input {
	floats := []float64{0, math.Copysign(0, -1), 1.5, -2.25, math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, 1e300, -1e300, 0.1}
	numbers := []int64{0, 1, -1, math.MinInt64, math.MaxInt64, 255, 256, -1000}
	in := input{
		time: Timestamp(random.IntN(5)), offset: offset,
		n: numbers[random.IntN(len(numbers))], f: floats[random.IntN(len(floats))],
		text: []string{"", "a", "b", "é", "\U0001F600", "ab"}[random.IntN(6)], binary: Binary([]byte{byte(random.Uint32())}),
		boolean: random.IntN(2) == 0, small: uint8(random.Uint32()),
	}
	if random.IntN(2) == 0 {
		in.n, in.f, in.text = random.Int64()>>random.IntN(64), math.Float64frombits(random.Uint64()), fmt.Sprint(random.IntN(300))
	}
	return in
}

// under is a part under test.
type under struct {
	name string
	make func() part
	feed func(p part, in input)
}

func of[P any](name string, feed func(*P, input)) under {
	return under{name, func() part { return any(new(P)).(part) }, func(p part, in input) { feed(any(p).(*P), in) }}
}

type known struct {
	Distance Last[uint32]
	Count    Count
}

var allParts = []under{
	of("Count", func(p *Count, in input) { p.Add(uint64(in.small)) }),
	of("Sum", func(p *Sum[int64], in input) { p.Add(in.n) }),
	of("Sum subtracted", func(p *Sum[Decimal2], in input) { p.Subtract(Decimal2(in.n)) }),
	of("Sum unsigned", func(p *Sum[uint64], in input) { p.Add(uint64(in.n)) }),
	of("Mean", func(p *Mean[Decimal2], in input) { p.Add(Decimal2(in.n)) }),
	of("Min", func(p *Min[int64], in input) { p.See(in.n) }),
	of("Min of floats", func(p *Min[float64], in input) { p.See(in.f) }),
	of("Max of floats", func(p *Max[float64], in input) { p.See(in.f) }),
	of("Max of texts", func(p *Max[string], in input) { p.See(in.text) }),
	of("AllOf", func(p *AllOf, in input) { p.See(in.boolean) }),
	of("AnyOf", func(p *AnyOf, in input) { p.See(in.boolean) }),
	of("First", func(p *First[string], in input) { p.See(in.time, in.offset, in.text) }),
	of("Last", func(p *Last[float64], in input) { p.See(in.time, in.offset, in.f) }),
	of("Last of booleans", func(p *Last[bool], in input) { p.See(in.time, 0, in.boolean) }),
	of("FirstSeen", func(p *FirstSeen[Binary], in input) { p.See(in.binary) }),
	of("LastSeen", func(p *LastSeen[Timestamp], in input) { p.See(in.time) }),
	of("Set", func(p *Set[string], in input) { p.Add(in.text) }),
	of("Set of floats", func(p *Set[float64], in input) { p.Add(in.f) }),
	of("Set of booleans", func(p *Set[bool], in input) { p.Add(in.boolean) }),
	of("TopK", func(p *TopK[int64, [2]int], in input) { p.AddTimes(in.n, uint64(in.small)) }),
	of("LastN", func(p *LastN[string, [3]int], in input) { p.Push(in.time, in.offset, in.text) }),
	of("LastN of one event", func(p *LastN[int64, [2]int], in input) { p.Push(in.time, 0, in.n) }),
	of("Map", func(p *Map[string, Sum[int64]], in input) { p.Entry(in.text).Add(in.n) }),
	of("Map of structs", func(p *Map[int64, known], in input) {
		one := p.Entry(int64(in.small % 4))
		one.Count.Add(1)
		one.Distance.See(in.time, in.offset, uint32(in.n))
	}),
	of("Distinct", func(p *Distinct[string], in input) { p.Add(in.text) }),
	of("DistinctN", func(p *DistinctN[int64, [4]int], in input) { p.Add(in.n) }),
	of("Quantiles", func(p *Quantiles[int64], in input) { p.Add(in.n) }),
	of("Quantiles of floats", func(p *Quantiles[float64], in input) { p.Add(in.f) }),
	of("QuantilesN", func(p *QuantilesN[Decimal3, [2]int], in input) { p.AddTimes(Decimal3(in.n), uint64(in.small)) }),
	of("ExactSum", func(p *ExactSum, in input) { p.Add(in.f) }),
	of("Ordered", func(p *Ordered[gate, gateStep], in input) {
		if in.boolean {
			p.Push(gateStep{Pass: &struct{ At Timestamp }{in.time}})
		} else {
			p.Push(gateStep{Coin: &struct {
				At  Timestamp
				Fee Decimal2
			}{in.time, Decimal2(in.n)}})
		}
	}),
}

func fed(u under, inputs []input) part {
	p := u.make()
	for _, in := range inputs {
		u.feed(p, in)
	}
	return p
}

// again is the part of the bytes, whose own bytes must be these.
func again(t *testing.T, u under, b []byte) part {
	t.Helper()
	p := u.make()
	r := reader{rest: b}
	p.decode(&r)
	if err := r.end(); err != nil {
		t.Fatalf("%x does not decode: %v", b, err)
	}
	if other := p.encode(nil); !bytes.Equal(other, b) {
		t.Fatalf("%x decodes to what encodes to %x", b, other)
	}
	return p
}

func merged(t *testing.T, u under, left, right []byte) []byte {
	t.Helper()
	p := again(t, u, left)
	if err := p.merge(again(t, u, right)); err != nil {
		t.Fatal(err)
	}
	return p.encode(nil)
}

func TestPartsKeepTheLaws(t *testing.T) {
	for _, u := range allParts {
		t.Run(u.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 7))
			for range 150 {
				inputs := make([]input, random.IntN(90))
				for i := range inputs {
					inputs[i] = randomInput(random, int64(i))
				}
				whole := fed(u, inputs).encode(nil)
				a := random.IntN(len(inputs) + 1)
				b := a + random.IntN(len(inputs)-a+1)
				x, y, z := fed(u, inputs[:a]).encode(nil), fed(u, inputs[a:b]).encode(nil), fed(u, inputs[b:]).encode(nil)
				if got := merged(t, u, merged(t, u, x, y), z); !bytes.Equal(got, whole) {
					t.Fatalf("split at %d and %d:\n%x, not\n%x", a, b, got, whole)
				}
				if got := merged(t, u, x, merged(t, u, y, z)); !bytes.Equal(got, whole) {
					t.Fatalf("not associative at %d and %d:\n%x, not\n%x", a, b, got, whole)
				}
				one, other := merged(t, u, x, y), merged(t, u, y, x)
				if u.make().traits().orderFree && !bytes.Equal(one, other) {
					t.Fatalf("not order-free:\n%x and\n%x", one, other)
				}
			}
		})
	}
}

func TestBytesThatNoPartEncodesToAreRefusedOrKept(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	for _, u := range allParts {
		for range 300 {
			inputs := make([]input, 1+random.IntN(12))
			for i := range inputs {
				inputs[i] = randomInput(random, int64(i))
			}
			b := fed(u, inputs).encode(nil)
			switch cut := random.IntN(len(b)); random.IntN(3) {
			case 0:
				b = b[:cut]
			case 1:
				b = append(b, byte(cut))
			default:
				b[cut] ^= byte(1 << random.IntN(8))
			}
			p := u.make()
			r := reader{rest: b}
			p.decode(&r)
			if r.end() == nil {
				if other := p.encode(nil); !bytes.Equal(other, b) {
					t.Fatalf("%s: %x decodes, to what encodes to %x", u.name, b, other)
				}
			}
		}
	}
}

func TestBytesAreThoseOfTheLayout(t *testing.T) {
	three := []input{
		{time: 2, offset: 0, n: -2, f: 0.5, text: "b"},
		{time: 1, offset: 1, n: 300, f: -1e300, text: "é"},
		{time: 2, offset: 2, n: 1, f: 1, text: "b", boolean: true, small: 2},
	}
	for name, want := range map[string]string{
		"Count":          "0200000000000000",
		"Sum":            "2b01000000000000" + "0000000000000000",
		"Sum subtracted": "d5feffffffffffff" + "ffffffffffffffff",
		"Mean":           "2b01000000000000" + "0000000000000000" + "0300000000000000",
		"Min":            "01" + "feffffffffffffff",
		"AllOf":          "0100",
		"First":          "01" + "0100000000000000" + "0100000000000000" + "02c3a9",
		"Last":           "01" + "0200000000000000" + "0200000000000000" + "000000000000f03f",
		"Set":            "02" + "0162" + "02c3a9",
		"TopK":           "01" + "0100000000000000" + "01",
		"Ordered": "00" + "2b" + "00" + "0200000000000000" + "feffffffffffffff" + "00" + "0100000000000000" + "2c01000000000000" +
			"01" + "0200000000000000",
	} {
		i := slices.IndexFunc(allParts, func(u under) bool { return u.name == name })
		if got := hex.EncodeToString(fed(allParts[i], three).encode(nil)); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	var anchored Ordered[gate, gateStep]
	anchored.begin()
	if got := hex.EncodeToString(anchored.encode(nil)); got != "01"+"00"+"0000000000000000"+"00"+"00" {
		t.Errorf("an anchored machine: %s", got)
	}
	if err := fed(allParts[len(allParts)-1], three).merge(&anchored); err == nil {
		t.Error("an anchored state has nothing before it")
	}
}

func TestPartsEqualPlainComputations(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 100 {
		var values []int64
		for range 1 + random.IntN(60) {
			values = append(values, random.Int64()>>random.IntN(64))
		}
		sum := new(big.Int)
		var s Sum[int64]
		var mean Mean[int64]
		var quantiles Quantiles[int64]
		var least Min[int64]
		for _, v := range values {
			sum.Add(sum, big.NewInt(v))
			s.Add(v)
			mean.Add(v)
			quantiles.Add(v)
			least.See(v)
		}
		if got := string(appendDecimal(nil, s.sum, 0)); got != sum.String() {
			t.Fatalf("sum %s, not %s", got, sum)
		}
		want, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(values)))).Float64()
		if got, _ := mean.Get(); got != want {
			t.Fatalf("mean %v, not %v", got, want)
		}
		slices.Sort(values)
		if got, _ := least.Get(); got != values[0] {
			t.Fatalf("least %d, not %d", got, values[0])
		}
		for hundredths := 0; hundredths <= 100; hundredths++ {
			exact := values[max((hundredths*len(values)+99)/100, 1)-1]
			got, _ := quantiles.Quantile(float64(hundredths) / 100)
			if off := new(big.Int).Sub(big.NewInt(got), big.NewInt(exact)); new(big.Int).Lsh(off.Abs(off), 8).Cmp(new(big.Int).Abs(big.NewInt(exact))) > 0 {
				t.Fatalf("quantile %d: %d is too far from %d", hundredths, got, exact)
			}
		}
	}
}

func TestAnExactSumIsRoundedOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 10))
	for range 500 {
		var sum ExactSum
		exact := new(big.Float).SetPrec(4000)
		for range 1 + random.IntN(30) {
			v := math.Float64frombits(random.Uint64()&(1<<63|1<<52-1) | uint64(random.IntN(2046))<<52)
			if random.IntN(2) == 0 {
				v = math.Float64frombits(random.Uint64()&(1<<63|1<<52-1) | uint64(1000+random.IntN(80))<<52)
			}
			sum.Add(v)
			exact.Add(exact, new(big.Float).SetFloat64(v))
		}
		want, _ := exact.Float64()
		got, ok := sum.Get()
		if ok != !math.IsInf(want, 0) || ok && got != want {
			t.Fatalf("%v, not %v", got, want)
		}
	}
	var many ExactSum
	for range 300_000 {
		many.Add(0.1)
	}
	// 0.1 is 3602879701896397 x 2^-55.
	if got, _ := many.Get(); got != math.Ldexp(3_602_879_701_896_397*300_000, -55) {
		t.Error(got)
	}
}

func TestEstimatesAreThoseOfTheOtherLanguages(t *testing.T) {
	for n, want := range map[uint64]uint64{100: 101, 3_000: 2_940, 10_000: 10_073, 100_000: 100_846} {
		var d Distinct[uint64]
		for v := range n {
			d.Add(v)
		}
		if got := d.Estimate(); got != want {
			t.Errorf("%d of %d, not %d", got, n, want)
		}
	}
}

func TestWhatIsOutOfRangeSaysSo(t *testing.T) {
	var sum Sum[Decimal2]
	sum.Add(1 << 62)
	sum.Add(1 << 62)
	if _, err := sum.present(); err == nil || err.Error() != "out of range: 92233720368547758.08 does not fit a decimal(2)" {
		t.Error(err)
	}
	sum.Subtract(1)
	if d, err := sum.present(); err != nil || d.number != math.MaxInt64 {
		t.Error(d, err)
	}
	var count Count
	count.Add(math.MaxUint64)
	count.Add(2)
	if _, err := count.present(); err == nil || count.Get() != math.MaxUint64 {
		t.Error(err)
	}
}

func TestCollectionsShowAsJSON(t *testing.T) {
	var byText Map[string, known]
	byText.Entry("b").Count.Add(2)
	byText.Entry(`a"`).Distance.See(1, 2, 7)
	var byNumber Map[int64, Count]
	byNumber.Entry(-3).Add(1)
	var top TopK[string, [2]int]
	for _, v := range []string{"c", "b", "a", "c", "a"} {
		top.Add(v)
	}
	var last LastN[float64, [3]int]
	for i, v := range []float64{1, 2.5, 1e16, 1.5e-5, math.NaN()} {
		last.Push(Timestamp(i), 0, v)
	}
	for want, p := range map[string]part{
		`{"a\"":{"distance":7,"count":0},"b":{"distance":null,"count":2}}`: &byText,
		`[[-3,1]]`:           &byNumber,
		`[["a",2],["c",2]]`:  &top,
		`[null,1.5e-5,1e16]`: &last,
	} {
		if d, err := p.present(); err != nil || d.text != want {
			t.Errorf("%s, not %s", d.text, want)
		}
	}
}
