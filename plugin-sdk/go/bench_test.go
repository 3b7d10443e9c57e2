package bifocal

import (
	"math/rand/v2"
	"testing"
	"time"
)

type benchOrder struct {
	MerchantID string
	Currency   string
	Amount     Decimal2
	Status     string
}

type benchMerchant struct {
	MerchantID string
	Currency   string
}

type benchRevenue struct {
	Amount  Sum[Decimal2]
	Orders  Count
	Largest Max[Decimal2]
}

// benchEvents is a chunk of orders of 1,000 merchants in 3 currencies, within some minutes.
func benchEvents(rows int) Events {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"completed", "completed", "completed", "pending"}
	inputs := []*builder{newBuilder(KindText), newBuilder(KindText), newBuilder(DecimalKind(2)), newBuilder(KindText)}
	var times []byte
	now := uint64(1_795_208_400_000)
	for range rows {
		now += random.Uint64N(20)
		times = appendUint64(times, now)
		inputs[0].push(textual("m-" + string(rune('a'+random.IntN(10))) + string(rune('a'+random.IntN(10))) + string(rune('a'+random.IntN(10)))))
		inputs[1].push(textual([]string{"EUR", "USD", "GBP"}[random.IntN(3)]))
		inputs[2].push(number(random.Int64N(100_000)))
		inputs[3].push(textual(names[random.IntN(4)]))
	}
	return Events{times, finishAll(inputs)}
}

func BenchmarkRows(b *testing.B) {
	plugin, err := Transform[benchOrder, benchMerchant, benchRevenue]{
		Window: Tumbling(time.Hour),
		Fold: func(order *benchOrder, out *Cells[benchMerchant, benchRevenue]) error {
			if order.Status == "completed" {
				cell := out.Cell(benchMerchant{order.MerchantID, order.Currency})
				cell.Amount.Add(order.Amount)
				cell.Orders.Add(1)
				cell.Largest.See(order.Amount)
			}
			return nil
		},
	}.plugin()
	if err != nil {
		b.Fatal(err)
	}
	const rows = 65536
	events := benchEvents(rows)
	for b.Loop() {
		if _, err := plugin.Fold("{}", events); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
