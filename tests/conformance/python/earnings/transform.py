"""Pay of drivers by day, trip by trip: dear kilometres first, cheaper ones later, and never less than a minimum.

So pay cannot be added up event by event: when the satellites' better distance of a trip comes, hours later, it
replaces the one that the trip ended with. The state keeps what is known of each trip; pay is computed when it
is read.
"""

from bifocal import (
    U32,
    Cells,
    Decimal,
    Last,
    Map,
    Timestamp,
    event,
    key,
    output,
    path,
    reject,
    rfc3339,
    state,
    transform,
)

LATE_MS_MAX = 6 * 3_600_000  # how long after the end of a trip its distance may be corrected


@event(tag="type", name="trip.ended")
class Ended:
    driver_id: str
    trip_id: str
    metres: U32
    seconds: U32
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@event(tag="type", name="trip.corrected")
class Corrected:
    driver_id: str
    trip_id: str
    ended_at: Timestamp
    metres: U32
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Driver:
    driver_id: str


@state
class Known:
    """What is known of a trip, whichever of its events came first."""

    metres: Last[U32]  # the latest distance wins, and a correction is later than what it corrects
    seconds: Last[U32]  # none until the trip's own event is there: it is not paid before


@state
class Day:
    trips: Map[str, Known]


@output
class Shown:
    trips: int
    km: Decimal[3]
    pay: Decimal[2]


def shown(day: Day) -> Shown:
    known = [(trip.metres.get(), trip.seconds.get()) for _, trip in day.trips.items()]
    paid = [(metres, seconds) for metres, seconds in known if metres is not None and seconds is not None]
    return Shown(
        trips=len(paid),
        km=sum(metres for metres, _ in paid),
        pay=sum(cents(metres, seconds) for metres, seconds in paid),
    )


def cents(metres: int, seconds: int) -> int:
    """Pay of one trip: 2.00, and 1.10 a kilometre for the first five, 0.80 up to twenty, 0.50 beyond, to the
    nearest cent, and 0.20 for each minute begun; at least 5.00."""
    near, far = min(metres, 5_000), max(metres - 20_000, 0)
    thousandths = near * 110 + (metres - near - far) * 80 + far * 50
    minutes = (seconds + 59) // 60
    return max(200 + (thousandths + 500) // 1_000 + minutes * 20, 500)


@transform(window="1d", time="ts", present=shown)
def earnings(trip: Ended | Corrected, cells: Cells[Driver, Day]) -> None:
    """Pay per driver and day, with the distances of trips as they were corrected up to six hours later."""
    if isinstance(trip, Ended):
        known = cells[trip.driver_id].trips[trip.trip_id]
        known.seconds.see(trip.time, trip.offset, trip.seconds)
    else:
        ended, now = trip.ended_at, trip.time
        if not 0 <= now - ended <= LATE_MS_MAX:
            reject(
                f"ended_at: {rfc3339(ended)} is not within the 6 hours before the correction at {rfc3339(now)}"
            )
        # The day of the trip, not that of the correction.
        known = cells.at(ended)[trip.driver_id].trips[trip.trip_id]
    known.metres.see(trip.time, trip.offset, trip.metres)
