// Payments of a merchant in the hour up to each quarter: hopping windows, two kinds of events of one
// stream, a key that may be absent, and rejections of what has been added already.
package main

import (
	"errors"
	"time"

	"bifocal"
)

type Order struct {
	bifocal.OneOf `path:"status"`
	Paid          *Payment `name:"completed"`
	Refunded      *Payment
}

type Payment struct {
	MerchantID bifocal.Opt[string]
	Amount     bifocal.Decimal2
	Time       bifocal.Timestamp `path:"@time"`
	Offset     int64             `path:"@offset"`
}

type Merchant struct{ MerchantID bifocal.Opt[string] }

type Payments struct {
	Payments  bifocal.Count
	Refunds   bifocal.Count
	Paid      bifocal.Sum[bifocal.Decimal2]
	Smallest  bifocal.Min[bifocal.Decimal2]
	First     bifocal.First[bifocal.Decimal2]
	Last      bifocal.Last[bifocal.Decimal2]
	FirstSeen bifocal.FirstSeen[bifocal.Decimal2]
	LastSeen  bifocal.LastSeen[bifocal.Decimal2]
}

var transform = bifocal.Export(bifocal.Transform[Order, Merchant, Payments]{
	Name:   "hopping",
	Window: bifocal.Hopping(time.Hour, 15*time.Minute),
	Fold:   fold,
})

func fold(order *Order, out *bifocal.Cells[Merchant, Payments]) error {
	payment := order.Paid
	if payment == nil {
		payment = order.Refunded
	}
	cell := out.Cell(Merchant{payment.MerchantID})
	if order.Paid != nil {
		cell.Payments.Add(1)
		cell.Paid.Add(payment.Amount)
		cell.Smallest.See(payment.Amount)
	} else {
		cell.Refunds.Add(1)
	}
	cell.First.See(payment.Time, payment.Offset, payment.Amount)
	cell.Last.See(payment.Time, payment.Offset, payment.Amount)
	cell.FirstSeen.See(payment.Amount)
	cell.LastSeen.See(payment.Amount)
	// Too late on purpose: all of the above must be undone.
	if payment.Amount == 0 {
		return errors.New("a payment of nothing")
	}
	return nil
}

func main() {}
