"""Every order-free algebra of the SDK over the same readings, by key and hour."""

import math

from bifocal import (
    Cells,
    Count,
    Decimal,
    Distinct,
    ExactSum,
    First,
    Last,
    LastN,
    Map,
    Max,
    Mean,
    Min,
    Quantiles,
    Set,
    Sum,
    Timestamp,
    TopK,
    event,
    key,
    path,
    reject,
    state,
    transform,
)


@event
class Reading:
    key: str
    n: int | None
    d: Decimal[2] | None
    f: float | None
    t: str | None
    refuse: bool | None
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Key:
    key: str


@state
class Algebras:
    count: Count
    sum_n: Sum[int]
    sum_d: Sum[Decimal[2]]
    min_n: Min[int]
    max_n: Max[int]
    min_d: Min[Decimal[2]]
    max_d: Max[Decimal[2]]
    min_f: Min[float]
    max_f: Max[float]
    min_t: Min[str]
    max_t: Max[str]
    mean_n: Mean[int]
    mean_d: Mean[Decimal[2]]
    first: First[str]
    last: Last[str]
    last_3: LastN[str, 3]
    top_3: TopK[str, 3]
    set_t: Set[str]
    set_n: Set[int]
    map_t: Map[str, Count]
    map_n: Map[int, Sum[Decimal[2]]]
    distinct_t: Distinct[str]
    distinct_n: Distinct[int]
    quantiles_n: Quantiles[int]
    quantiles_d: Quantiles[Decimal[2]]
    quantiles_f: Quantiles[float]
    exact_f: ExactSum


@transform(window="1h", time="at")
def algebras(reading: Reading, cells: Cells[Key, Algebras]) -> None:
    """Every order-free algebra, by key and hour."""
    n, d, f, t = reading.n, reading.d, reading.f, reading.t
    cell = cells[reading.key]
    cell.count.add()
    if n is not None:
        cell.sum_n.add(n)
        cell.min_n.see(n)
        cell.max_n.see(n)
        cell.mean_n.add(n)
        cell.set_n.add(n)
        cell.distinct_n.add(n)
        cell.quantiles_n.add(n)
    if d is not None:
        cell.sum_d.add(d)
        cell.min_d.see(d)
        cell.max_d.see(d)
        cell.mean_d.add(d)
        cell.quantiles_d.add(d)
    if n is not None and d is not None:
        cell.map_n[n].add(d)
    if f is not None:
        if reading.refuse is False:  # what JSON cannot hold: infinities, and NaN of 0
            f *= math.inf
        cell.min_f.see(f)
        cell.max_f.see(f)
        cell.quantiles_f.add(f)
        cell.exact_f.add(f)
    if t is not None:
        cell.min_t.see(t)
        cell.max_t.see(t)
        cell.first.see(reading.time, reading.offset, t)
        cell.last.see(reading.time, reading.offset, t)
        cell.last_3.push(reading.time, reading.offset, t)
        cell.top_3.add(t)
        cell.set_t.add(t)
        cell.map_t[t].add()
        cell.distinct_t.add(t)
    # Too late on purpose: all of the above must be undone.
    if reading.refuse:
        reject(f"refused: n is {'absent' if n is None else n}")
