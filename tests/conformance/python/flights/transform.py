"""Departures and delays of flights per airport and hour."""

from bifocal import Cells, Count, Mean, Quantiles, event, key, output, state, transform


@event
class Flight:
    origin: str
    delay: int | None  # minutes, below 0 if early; a cancelled flight has none


@key
class Airport:
    origin: str


@state
class Hour:
    cancelled: Count
    mean: Mean[int]
    delays: Quantiles[int]


@output
class Shown:
    """What a person reads of an hour; no mean and no quantile if nothing departed."""

    departures: int
    cancelled: int
    mean_delay: float | None
    p95_delay: int | None


def shown(hour: Hour) -> Shown:
    return Shown(
        departures=hour.mean.count.get(),
        cancelled=hour.cancelled.get(),
        mean_delay=hour.mean.get(),
        p95_delay=hour.delays.quantile(0.95),
    )


@transform(window="1h", time="date", present=shown)
def flights(flight: Flight, cells: Cells[Airport, Hour]) -> None:
    """Departures, cancellations and delays per airport and hour."""
    hour = cells[flight.origin]
    if flight.delay is None:
        hour.cancelled.add()
    else:
        hour.mean.add(flight.delay)
        hour.delays.add(flight.delay)
