"""What this transform answers, in a sentence.

`bifocal test .` runs the fixtures, `bifocal check` proves the laws, `python3 -m unittest` runs the tests.
"""

from bifocal import Cells, Count, Max, Sum, event, key, reject, state, transform


@event
class Visit:
    """One event: the fields that are read. `| None` if a field may be absent."""

    page: str
    seconds: int


@key
class Page:
    """What rows are keyed by, beside the window."""

    page: str


@state
class Visits:
    """What is kept for each key and window: parts that merge lawfully."""

    visits: Count
    seconds: Sum[int]
    longest: Max[int]


@transform(name="{{name}}", window="1h", time="at")
def {{function}}(visit: Visit, cells: Cells[Page, Visits]) -> None:
    if visit.seconds < 0:
        reject("a visit cannot be shorter than nothing")
    cell = cells[visit.page]
    cell.visits.add()
    cell.seconds.add(visit.seconds)
    cell.longest.see(visit.seconds)
