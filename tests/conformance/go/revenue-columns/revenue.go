// Hourly revenue per merchant and currency of completed orders, over whole columns.
package main

import (
	"time"

	"bifocal"
)

type Orders struct {
	MerchantID bifocal.TextColumn
	Currency   bifocal.TextColumn
	Amount     bifocal.NumberColumn[bifocal.Decimal2]
	Status     bifocal.TextColumn
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

var transform = bifocal.Export(bifocal.Columns[Orders, Merchant, Revenue]{
	Name:    "revenue",
	Summary: "Hourly revenue per merchant and currency of completed orders.",
	Window:  bifocal.Tumbling(time.Hour),
	Time:    "ts",
	Fold:    fold,
})

func fold(orders *Orders, out *bifocal.Cells[Merchant, Revenue]) error {
	completed, amounts := orders.Status.Where("completed"), orders.Amount.Values
	for i, cell := range out.CellsOf(completed, &orders.MerchantID, &orders.Currency) {
		amount := amounts[completed[i]]
		cell.Amount.Add(amount)
		cell.Orders.Add(1)
		cell.Largest.See(amount)
	}
	return nil
}

func main() {}
