"""Payments of a merchant in the hour up to each quarter: hopping windows, two types of events of one stream, a
key that may be absent, and rejections of what has been added already."""

from bifocal import (
    Cells,
    Count,
    Decimal,
    First,
    FirstSeen,
    Last,
    LastSeen,
    Min,
    Sum,
    Timestamp,
    event,
    key,
    path,
    reject,
    state,
    transform,
)


@event(tag="status", name="completed")
class Paid:
    merchant_id: str | None
    amount: Decimal[2]
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@event(tag="status", name="refunded")
class Refunded:
    merchant_id: str | None
    amount: Decimal[2]
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Merchant:
    merchant_id: str | None


@state
class Payments:
    payments: Count
    refunds: Count
    paid: Sum[Decimal[2]]
    smallest: Min[Decimal[2]]
    first: First[Decimal[2]]
    last: Last[Decimal[2]]
    first_seen: FirstSeen[Decimal[2]]
    last_seen: LastSeen[Decimal[2]]


@transform(window="1h", slide="15m")
def hopping(order: Paid | Refunded, cells: Cells[Merchant, Payments]) -> None:
    cell = cells[order.merchant_id]
    if isinstance(order, Paid):
        cell.payments.add()
        cell.paid.add(order.amount)
        cell.smallest.see(order.amount)
    else:
        cell.refunds.add()
    cell.first.see(order.time, order.offset, order.amount)
    cell.last.see(order.time, order.offset, order.amount)
    cell.first_seen.see(order.amount)
    cell.last_seen.see(order.amount)
    # Too late on purpose: all of the above must be undone.
    if order.amount == 0:
        reject("a payment of nothing")
