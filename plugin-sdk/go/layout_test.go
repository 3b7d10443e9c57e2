package bifocal

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// fixed is a state of every part of fixed width, some of them within another struct.
type fixed struct {
	Count  Count
	Sum    Sum[int64]
	Inner  fixedInner
	Mean   Mean[Decimal2]
	MinF   Min[float64]
	MaxF   Max[float64]
	All    AllOf
	Any    AnyOf
	First  First[float64]
	Last   Last[uint16]
	SeenB  FirstSeen[bool]
	SeenF  LastSeen[float64]
	Narrow Max[int8]
}

type fixedInner struct {
	Sum Sum[uint64]
	Min Min[int32]
	Max Max[uint64]
}

func (s *fixed) see(in input) {
	s.Count.Add(uint64(in.small))
	s.Sum.Add(in.n)
	s.Inner.Sum.Add(uint64(in.n))
	s.Mean.Add(Decimal2(in.n))
	s.Inner.Min.See(int32(in.n))
	s.Inner.Max.See(uint64(in.n))
	s.MinF.See(in.f)
	s.MaxF.See(in.f)
	s.All.See(in.boolean)
	s.Any.See(in.boolean)
	s.First.See(in.time, in.offset, in.f)
	s.Last.See(in.time, in.offset, uint16(in.small))
	s.SeenB.See(in.boolean)
	s.SeenF.See(in.f)
	s.Narrow.See(int8(in.small))
}

// someFixed makes states, in some of which a part has seen nothing.
func someFixed(random *rand.Rand, n int) []fixed {
	states := make([]fixed, n)
	for i := range states {
		for range random.IntN(4) * random.IntN(2) * 2 {
			states[i].see(randomInput(random, random.Int64N(4)))
		}
		if states[i].Count == (Count{}) && random.IntN(3) > 0 {
			states[i].see(randomInput(random, 0))
		}
		if random.IntN(6) == 0 {
			states[i].Narrow = Max[int8]{}
		}
		if random.IntN(6) == 0 {
			states[i].Count.Add(math.MaxUint64 - uint64(random.IntN(3)))
		}
		if random.IntN(6) == 0 {
			states[i].Sum.sum = int128{random.Uint64(), math.MaxInt64}
		}
	}
	return states
}

func fixedEngine(t *testing.T) *engine[struct{}, fixed] {
	t.Helper()
	e, err := newEngine[struct{}, fixed]("", "", Window{}, "", "", Show(func(*fixed) (struct{}, error) { return struct{}{}, nil }))
	if err != nil || e.layout == nil {
		t.Fatal("the state has no layout: ", err)
	}
	return e
}

// alone is an engine that takes every state by itself.
func alone(t *testing.T) *engine[struct{}, fixed] {
	e := fixedEngine(t)
	e.layout = nil
	return e
}

func TestStatesAreEncodedInBulkAsEachIsByItself(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 1))
	bulk, single := fixedEngine(t), alone(t)
	for range 300 {
		states := someFixed(random, 1+random.IntN(30))
		var got, want Blobs
		bulk.encode(states, &got)
		single.encode(states, &want)
		if !bytes.Equal(got.Bytes, want.Bytes) || !bytes.Equal(got.Ends, want.Ends) {
			t.Fatalf("%x %x, not\n%x %x", got.Bytes, got.Ends, want.Bytes, want.Ends)
		}
	}
}

func TestStatesAreMergedInBulkAsEachPairIsByItself(t *testing.T) {
	random := rand.New(rand.NewPCG(22, 1))
	bulk, single := fixedEngine(t), alone(t)
	runs := 0
	for range 1000 {
		n := 1 + random.IntN(12)
		var left, right Blobs
		bulk.encode(someFixed(random, n), &left)
		bulk.encode(someFixed(random, n), &right)
		if random.IntN(3) == 0 { // malformed, or only another number
			spoilt := &left
			if random.IntN(2) == 0 {
				spoilt = &right
			}
			spoilt.Bytes[random.IntN(len(spoilt.Bytes))] ^= byte(1 << random.IntN(8))
		}
		for i := range n {
			runs += min(1, bulk.layout.run(cast[uint32](left.Ends), cast[uint32](right.Ends), i))
		}
		before := bytes.Clone(left.Bytes)
		got, err := bulk.Merge(left, right)
		want, wantErr := single.Merge(left, right)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%v, not %v", err, wantErr)
		}
		if !bytes.Equal(got.Bytes, want.Bytes) || !bytes.Equal(got.Ends, want.Ends) || !bytes.Equal(left.Bytes, before) {
			t.Fatalf("%x %x, not\n%x %x", got.Bytes, got.Ends, want.Bytes, want.Ends)
		}
	}
	if runs < 1000 {
		t.Errorf("only %d whole pairs were tried", runs)
	}
}

func TestEveryMalformedByteIsRefusedInBulk(t *testing.T) {
	bulk, single := fixedEngine(t), alone(t)
	whole := make([]fixed, 3)
	for i := range whole {
		whole[i].see(input{n: 5, f: 1.5, boolean: true, small: 2})
	}
	whole[2].MinF.value, whole[2].MaxF.value = math.NaN(), math.NaN()
	var states Blobs
	bulk.encode(whole, &states)
	for i := range states.Bytes {
		for bit := range 8 {
			spoilt := Blobs{states.Ends, bytes.Clone(states.Bytes)}
			spoilt.Bytes[i] ^= 1 << bit
			for _, pair := range [][2]Blobs{{spoilt, states}, {states, spoilt}} {
				got, err := bulk.Merge(pair[0], pair[1])
				want, wantErr := single.Merge(pair[0], pair[1])
				if fmt.Sprint(err) != fmt.Sprint(wantErr) || !bytes.Equal(got.Bytes, want.Bytes) {
					t.Fatalf("bit %d of byte %d: %v, not %v", bit, i, err, wantErr)
				}
			}
		}
	}
	{ // a mean of nothing with a sum
		var empty Mean[int64]
		b := empty.encode(nil)
		b[3] = 1
		var one, other Blobs
		one.Append(b)
		other.Append(empty.encode(nil))
		type mean struct{ Mean Mean[int64] }
		e, _ := newEngine[struct{}, mean]("", "", Window{}, "", "", nil)
		for _, pair := range [][2]Blobs{{one, other}, {other, one}} {
			if _, err := e.Merge(pair[0], pair[1]); err == nil || err.Error() != "state 0: malformed state: a mean of nothing with a sum" {
				t.Error(err)
			}
		}
	}
}

func TestStatesThatVaryHaveNoLayout(t *testing.T) {
	type text struct{ Last Last[string] }
	type both struct {
		Count Count
		Set   Set[int64]
	}
	if e, err := newEngine[struct{}, text]("", "", Window{}, "", "", nil); err != nil || e.layout != nil {
		t.Error(e, err)
	}
	if e, err := newEngine[struct{}, both]("", "", Window{}, "", "", nil); err != nil || e.layout != nil {
		t.Error(e, err)
	}
}

func TestSumsAreExactAtTheLimitsOfTheirHalves(t *testing.T) {
	limits := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, math.MaxInt32, math.MinInt32}
	random := rand.New(rand.NewPCG(23, 1))
	for range 2000 {
		var signed Sum[int64]
		var unsigned Sum[uint64]
		var narrow Sum[int8]
		wantSigned, wantUnsigned, wantNarrow := new(big.Int), new(big.Int), new(big.Int)
		for range 1 + random.IntN(8) {
			v := limits[random.IntN(len(limits))]
			signed.Add(v)
			unsigned.Add(uint64(v))
			narrow.Add(int8(v))
			wantSigned.Add(wantSigned, big.NewInt(v))
			wantUnsigned.Add(wantUnsigned, new(big.Int).SetUint64(uint64(v)))
			wantNarrow.Add(wantNarrow, big.NewInt(int64(int8(v))))
		}
		for want, sum := range map[*big.Int]int128{wantSigned: signed.sum, wantUnsigned: unsigned.sum, wantNarrow: narrow.sum} {
			if got := string(appendDecimal(nil, sum, 0)); got != want.String() {
				t.Fatalf("%s, not %s", got, want)
			}
		}
		_, fits := signed.Get()
		if _, err := signed.present(); fits != wantSigned.IsInt64() || (err == nil) != fits {
			t.Fatalf("%s fits: %v, %v", wantSigned, fits, err)
		}
	}
}

func TestLeastAndGreatestGoByTheOrderOfValues(t *testing.T) {
	values := []float64{math.Inf(-1), -1, math.Copysign(0, -1), 0, 5e-324, 1, math.Inf(1), math.NaN(), math.Float64frombits(0xfff8000000000001)}
	for _, a := range values {
		for _, b := range values {
			var least Min[float64]
			var greatest Max[float64]
			for _, v := range []float64{a, b} {
				least.See(v)
				greatest.See(v)
			}
			lesser, greater := a, b
			if compare(a, b) > 0 {
				lesser, greater = b, a
			}
			if compare(least.value, lesser) != 0 || compare(greatest.value, greater) != 0 {
				t.Errorf("%v and %v: least %v, greatest %v", a, b, least.value, greatest.value)
			}
		}
	}
	var texts Min[string]
	texts.See("b")
	texts.See("a")
	if got, _ := texts.Get(); got != "a" {
		t.Error(got)
	}
}

// What a chunk makes of windows that overlap is merged from panes of fixed and of varied width alike.
func TestPanesOfFixedWidthAreMergedAsOthers(t *testing.T) {
	type varying struct {
		Fixed fixed
		Set   Set[int64]
	}
	hop := Hopping(20*time.Millisecond, 5*time.Millisecond)
	key := func(v *visit) visitKey { return visitKey{v.Page, v.Country} }
	one := NewBench(t, Export(Transform[visit, visitKey, fixed]{Window: hop, Present: Show(shownFixed), Fold: func(v *visit, out *Cells[visitKey, fixed]) error {
		out.Cell(key(v)).see(input{time: v.Time, n: v.Seconds, f: 1})
		return nil
	}}))
	other := NewBench(t, Export(Transform[visit, visitKey, varying]{
		Window: hop, Present: Show(func(s *varying) (fixedShown, error) { return shownFixed(&s.Fixed) }),
		Fold: func(v *visit, out *Cells[visitKey, varying]) error {
			out.Cell(key(v)).Fixed.see(input{time: v.Time, n: v.Seconds, f: 1})
			return nil
		}}))
	random := rand.New(rand.NewPCG(24, 1))
	for i, event := range visitEvents(random, 60) {
		at := Timestamp(i - 30)
		one.AppendAt(at, event)
		other.AppendAt(at, event)
	}
	// LastSeen goes by the log, so these are folded window by window: also what is order-free must agree.
	one.Want(other.Rows()...)
	one.CheckLaws()
}

type fixedShown struct {
	Count, Sum int64
	Least      Opt[int32]
}

func shownFixed(s *fixed) (fixedShown, error) {
	sum, _ := s.Sum.Get()
	return fixedShown{int64(s.Mean.Count()), sum, OptOf(s.Inner.Min.Get())}, nil
}
