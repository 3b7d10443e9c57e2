"""Hourly revenue per merchant and currency of completed orders."""

from bifocal import Cells, Count, Decimal, Max, Sum, event, key, state, transform


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
def revenue(order: Order, cells: Cells[Merchant, Revenue]) -> None:
    """Hourly revenue per merchant and currency of completed orders."""
    if order.status == "completed":
        cell = cells[order.merchant_id, order.currency]
        cell.amount.add(order.amount)
        cell.orders.add()
        cell.largest.see(order.amount)
