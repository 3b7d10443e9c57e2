"""Why a transform cannot fold an event."""

from __future__ import annotations

from typing import NoReturn


class Reject(Exception):
    """The event cannot be folded; it leaves no trace in any cell.

    The reason is kept with the event and read by a person: name the field, the value and what would have
    been right. The verdict must be a function of the event alone (law *monotone*): never reject because
    of what a cell holds. Rejecting before the first cell of an event is cheap; rejecting after it has the
    chunk folded a second time without the event.
    """

    @property
    def reason(self) -> str:
        return str(self)


def reject(reason: str) -> NoReturn:
    """Rejects the event at hand: `reject(f"quantity {order.quantity} is below 0")`."""
    raise Reject(reason)
