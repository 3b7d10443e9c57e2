package bifocal

import (
	"math"
	"reflect"
	"testing"
)

func TestHashesAreThoseOfTheReference(t *testing.T) {
	for text, want := range map[string]uint64{
		"": 0xef46db3751d8e999, "a": 0xd24ec4f1a98c6e5b, "abc": 0x44bc2cf5ad770999,
		"Nobody inspects the spammish repetition": 0xfbcea83c8a378bf1,
	} {
		if got := hashValue(text); got != want {
			t.Errorf("%q: %x, not %x", text, got, want)
		}
	}
}

func TestDecimalsAreReadFromTheirCharacters(t *testing.T) {
	for text, want := range map[string]int64{"12.5": 1250, "-0.05": -5, "7": 700, "92233720368547758.07": math.MaxInt64, "-92233720368547758.08": math.MinInt64, "1.500": 150} {
		got, err := ParseDecimal[D2](text)
		if err != nil || int64(got) != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", "1e2", "12.505", "1.", ".5", "+1", "92233720368547758.08", "99999999999999999999", "1 "} {
		if got, err := ParseDecimal[D2](text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	if got := Decimal2(-5).String() + " " + Decimal0(7).String() + " " + Decimal3(1182500).String(); got != "-0.05 7 1182.500" {
		t.Error(got)
	}
	for _, overflow := range []func(){
		func() { Decimal2(math.MaxInt64).Add(1) },
		func() { Decimal2(math.MinInt64).Sub(1) },
		func() { Decimal2(math.MinInt64).Times(-1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no overflow")
				}
			}()
			overflow()
		}()
	}
	if got := Decimal2(math.MinInt64).Add(math.MaxInt64); got != -1 {
		t.Error(got)
	}
	if got := Decimal2(-3).Times(7); got != -21 {
		t.Error(got)
	}
}

func TestTimesAreShownInRFC3339(t *testing.T) {
	for ms, want := range map[Timestamp]string{
		0: "1970-01-01T00:00:00Z", 1: "1970-01-01T00:00:00.001Z", -1: "1969-12-31T23:59:59.999Z",
		951_782_400_000: "2000-02-29T00:00:00Z", 253_402_300_799_999: "9999-12-31T23:59:59.999Z", -62_167_219_200_001: "-001-12-31T23:59:59.999Z",
	} {
		if got := ms.String(); got != want {
			t.Errorf("%d: %s, not %s", int64(ms), got, want)
		}
	}
}

func TestFloatsAreInTotalOrderWithOneNaN(t *testing.T) {
	ascending := []float64{math.Inf(-1), -1, math.Copysign(0, -1), 0, 5e-324, 1, math.Inf(1), math.NaN()}
	for i := range ascending {
		for j := range ascending {
			if got, want := compare(ascending[i], ascending[j]), compare(int64(i), int64(j)); got != want {
				t.Errorf("%v and %v: %d", ascending[i], ascending[j], got)
			}
		}
	}
	if compare(math.Float64frombits(0xfff8000000000001), math.NaN()) != 0 {
		t.Error("two kinds of NaN")
	}
}

func TestJSONIsReadWhereItStands(t *testing.T) {
	items, err := JSON(` [ {"sku":"a\u00e9\n","n":1} , {"sku":"b","n":"x","sku":"last"} ] `).List(2)
	if err != nil || len(items) != 2 {
		t.Fatal(items, err)
	}
	first, _ := items[0].Required("sku")
	second, _ := items[1].Required("sku")
	one, _ := first.Text()
	if two, _ := second.Text(); one != "aé\n" || two != "last" {
		t.Error(one, two)
	}
	n, _ := items[1].Required("n")
	if _, err := n.Integer(); err == nil || Within("n", err).Error() != `n: expected an integer of 64 bits, found "x"` {
		t.Error(err)
	}
	if _, err := JSON("[1,2,3]").List(2); err == nil || err.Error() != "expected a list of at most 2, found [1,2,3]" {
		t.Error(err)
	}
	for _, text := range []JSON{"", "7", "null", `"[]"`, "[1", "[1,]", "[] []", "\x00", "[01]", "[1 2]", `["\x"]`, `["\ud800"]`} {
		if got, err := text.List(9); err == nil {
			t.Errorf("%s is a list: %v", text, got)
		}
	}
	for _, text := range []JSON{"1.0", "1e2", `"1"`, "9223372036854775808", "+1", "", "-", "0x1"} {
		if got, err := text.Integer(); err == nil {
			t.Errorf("%s is %d", text, got)
		}
	}
	if f, err := JSON("1e3").Float(); f != 1000 || err != nil {
		t.Error(f, err)
	}
	for _, text := range []JSON{"NaN", "Inf", "1e999", "0x1p3", "1_0"} {
		if got, err := text.Float(); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
	if d, err := DecimalIn[D2](`"-0.05"`); d != -5 || err != nil {
		t.Error(d, err)
	}
}

func TestNamesOfColumnsAreInSmallLetters(t *testing.T) {
	type names struct {
		MerchantID, P95Delay, JSON, LastJSON, KmX, Km string
		Last3                                         string `name:"last_3"`
	}
	want := []string{"merchant_id", "p95_delay", "json", "last_json", "km_x", "km", "last_3"}
	for i, name := range want {
		if got := columnName(reflect.TypeFor[names]().Field(i)); got != name {
			t.Errorf("%s, not %s", got, name)
		}
	}
}
