"""`revenue` once more, by columns: the same cells, several times as fast."""

from bifocal import Columns, Count, Decimal, Groups, Max, Sum, event, key, state, transform


@event
class Order:
    merchant_id: str
    currency: str
    amount: Decimal[2]
    status: str


@key
class Merchant:
    merchant_id: str
    currency: str


@state
class Revenue:
    amount: Sum[Decimal[2]]
    orders: Count
    largest: Max[Decimal[2]]


@transform(window="1h", time="ts")
def revenue(orders: Columns[Order], cells: Groups[Merchant, Revenue]) -> None:
    """Hourly revenue per merchant and currency of completed orders."""
    paid = orders.where(orders.status == "completed")
    for cell, amounts in cells.by(paid, paid.merchant_id, paid.currency, of=paid.amount):
        cell.amount.add_all(amounts)
        cell.orders.add(len(amounts))
        cell.largest.see_all(amounts)
