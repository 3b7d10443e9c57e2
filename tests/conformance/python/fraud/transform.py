"""Cards that are tried until they work: three declines in a row, then an approval, all within ten minutes.

That needs a card's payments one after the other, so it is a machine in `Ordered`, by the order of the log;
what it has found stays in its state.
"""

from bifocal import Cells, Decimal, Ordered, Sum, Timestamp, event, key, machine, output, path, record, state, transform

DECLINES = 3  # suspicious when an approval follows
WITHIN_MS = 10 * 60_000


@event(tag="status", name="declined")
class Declined:
    card_id: str
    time: Timestamp = path("@time")


@event(tag="status", name="approved")
class Approved:
    card_id: str
    amount: Decimal[2]
    time: Timestamp = path("@time")


@key
class Card:
    card_id: str


@record
class Decline:
    time: Timestamp


@record
class Approval:
    time: Timestamp
    amount: Decimal[2]


@machine
class Watch:
    declines: list[Timestamp]  # since an approval, the last ones, at most so many as make an alert
    alerts: int
    last_alert: Timestamp | None
    amount: Sum[Decimal[2]]  # of the approvals that raised an alert

    def step(self, step: Decline | Approval) -> None:
        if isinstance(step, Decline):
            self.declines = [*self.declines, step.time][-DECLINES:]
            return
        # How far they lie apart; late events may stand in any order.
        times = [*self.declines, step.time]
        if len(self.declines) == DECLINES and max(times) - min(times) <= WITHIN_MS:
            self.alerts += 1
            self.last_alert = step.time
            self.amount.add(step.amount)
        self.declines = []


@state
class Watched:
    watch: Ordered[Watch]


@output
class Shown:
    alerts: int
    last_alert: Timestamp | None
    amount: Decimal[2]


def shown(card: Watched) -> Shown:
    watch = card.watch.machine()
    amount = watch.amount.get()
    if amount is None:
        raise ValueError("out of range: the amount does not fit a decimal(2)")
    return Shown(watch.alerts, watch.last_alert, amount)


@transform(time="ts", present=shown)
def fraud(payment: Declined | Approved, cells: Cells[Card, Watched]) -> None:
    """Alerts per card: three declines, then an approval, within ten minutes."""
    if isinstance(payment, Declined):
        step = Decline(payment.time)
    else:
        step = Approval(payment.time, payment.amount)
    cells[payment.card_id].watch.push(step)
