// Hourly revenue per merchant and currency of completed orders.
package main

import (
	"time"

	"bifocal"
)

type Order struct {
	MerchantID string
	Currency   string
	Amount     bifocal.Decimal2
	Status     string
}

type Merchant struct {
	MerchantID string
	Currency   string
}

type Revenue struct {
	Amount  bifocal.Sum[bifocal.Decimal2]
	Orders  bifocal.Count
	Largest bifocal.Max[bifocal.Decimal2]
}

var transform = bifocal.Export(bifocal.Transform[Order, Merchant, Revenue]{
	Name:    "revenue",
	Summary: "Hourly revenue per merchant and currency of completed orders.",
	Window:  bifocal.Tumbling(time.Hour),
	Time:    "ts",
	Fold:    fold,
})

func fold(order *Order, out *bifocal.Cells[Merchant, Revenue]) error {
	if order.Status == "completed" {
		cell := out.Cell(Merchant{order.MerchantID, order.Currency})
		cell.Amount.Add(order.Amount)
		cell.Orders.Add(1)
		cell.Largest.See(order.Amount)
	}
	return nil
}

func main() {}
